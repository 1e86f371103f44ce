"""The phone in a page, as tests use it: its verbs, what it was told, what it hears, sees and measures."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import web

from pycall.media.stamp import read_stamp
from tests.interop.chromium import Chromium, Tab, tab
from tests.switchroom import APP_ID, Switchroom

HERE = Path(__file__).parent


class PagePhone:
    """One user in one tab."""

    def __init__(self, tab: Tab, user_id: str) -> None:
        self.tab = tab
        self.user_id = user_id

    async def login(self, server: Switchroom, **settings: Any) -> None:
        ticket = server.ticket(self.user_id)
        known = {"url": server.url, "app_id": APP_ID, "user_id": self.user_id, "user_sig": ticket}
        await self.tab.run(f"window.phone = new Phone({json.dumps({**known, **settings})}); phone.login()")

    async def do(self, verb: str, *arguments: Any) -> Any:
        """A method of the page's Phone."""
        return await self.tab.run(f"phone.{verb}({', '.join(map(json.dumps, arguments))})")

    async def until(self, condition: str, seconds: float = 20.0) -> Any:
        """`condition` is JavaScript about `p`, the Phone; gives its value once that is not empty."""
        return await self.tab.run(f"phone.until(async (p) => {condition}, {seconds})")

    async def told(self, kind: str, seconds: float = 20.0, count: int = 1) -> dict[str, Any]:
        """The `count`th message of this kind."""
        found = f"p.log.filter((m) => m.type === {json.dumps(kind)})[{count - 1}]"
        message: dict[str, Any] = await self.until(found, seconds)
        return message

    async def connected(self, seconds: float = 20.0) -> float:
        """Milliseconds from the connection's beginning until media could flow."""
        return float(await self.until("p.connection && p.connection.connectedAfter", seconds))

    async def tone(self, hertz: float, seconds: float = 20.0) -> None:
        await self.until(f"Math.abs(p.pitch() - {hertz}) < 8", seconds)

    async def pictures(self, count: int) -> list[int]:
        """The numbers drawn into the next `count` pictures shown; all must be readable. Before them there may be one
        of a stream that has just begun: it has to come fast, not fine, and its number may be too coarse to read."""
        shown = [_picture(one) for one in await self.do("pictures", count + 1)]
        stamps = [read_stamp(frame) for frame in shown]
        stamps = stamps[1:] if stamps[0] is None else stamps[:count]
        assert all(stamp is not None for stamp in stamps), stamps
        return [stamp.number for stamp in stamps if stamp is not None]

    async def stats(self) -> Stats:
        """What the page's `getStats` says now."""
        return Stats(await self.do("stats"))


class Stats:
    """A `getStats` report, https://www.w3.org/TR/webrtc-stats/."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._by_id = {entry["id"]: entry for entry in entries}

    def of(self, kind: str, media: str) -> dict[str, Any]:
        """The only `inbound-rtp` (`outbound-rtp`, ...) of `audio` or `video`."""
        found = [one for one in self._by_id.values() if one["type"] == kind and one["kind"] == media]
        assert len(found) == 1, found
        return found[0]

    def codec(self, kind: str, media: str) -> str:
        """As in `video/VP8`."""
        return str(self._by_id[self.of(kind, media)["codecId"]]["mimeType"])

    @property
    def pair(self) -> dict[str, Any]:
        """The candidate pair in use."""
        transport = next(one for one in self._by_id.values() if one["type"] == "transport")
        return self._by_id[transport["selectedCandidatePairId"]]


def _picture(shown: dict[str, Any]) -> av.VideoFrame:
    luma = np.frombuffer(base64.b64decode(shown["luma"]), np.uint8).reshape(shown["height"], shown["width"])
    return av.VideoFrame.from_ndarray(luma, format="gray")


@asynccontextmanager
async def page_server() -> AsyncIterator[str]:
    """Serves the page; gives its origin."""
    app = web.Application()
    app.router.add_static("/", HERE)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def page_phone(
    browser: Chromium, origin: str, user_id: str, *, may_capture: bool = True
) -> AsyncIterator[PagePhone]:
    """A phone in a fresh page; nobody is signed in."""
    async with tab(browser, f"{origin}/phone.html", may_capture=may_capture) as it:
        yield PagePhone(it, user_id)
