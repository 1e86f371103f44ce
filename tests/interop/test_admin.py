"""The admin page in Chromium: an administrator signs in, sees calls and charts, and sends a dead letter again."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web

from pycall.core import wire
from signaling_server.app import serve
from signaling_server.callback_rules import CallbackRules
from signaling_server.settings import Settings
from tests.interop.chromium import Chromium, Tab, tab
from tests.server.raw import APP_ID, KEY, Room, room_of, talking, ticket
from tests.server.target import Target
from tests.server.test_admin import make_records, told

pytestmark = pytest.mark.browser
GREEN = (91, 158, 46)
"""Of calls that ended as they should, as OpenCV orders colours."""


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    settings = Settings(
        secret_keys=(KEY,),
        app_id=APP_ID,
        port=0,
        db=str(tmp_path / "calls.db"),
        callbacks=CallbackRules(allow_private=True),
    )
    async with serve(settings) as server, room_of(server.url) as it:
        yield it


@pytest_asyncio.fixture
async def target() -> AsyncIterator[Target]:
    """Says that it is gone for good, until a test makes it take what comes."""
    it = Target()

    async def gone(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=410, text="<b>gone</b>")

    it.answer = gone
    await it.start()
    yield it
    await it.stop()


class Page:
    """The admin page in a tab."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    async def text(self, selector: str) -> str:
        return str(await self.tab.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def count(self, selector: str) -> int:
        return int(await self.tab.run(f"document.querySelectorAll({json.dumps(selector)}).length"))

    async def set(self, selector: str, value: str) -> None:
        await self.tab.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(value)}")

    async def press(self, selector: str) -> None:
        await self.tab.run(f"document.querySelector({json.dumps(selector)}).click()")

    async def until(self, condition: str, seconds: float = 15.0) -> Any:
        """The value of a JavaScript expression once it is not empty."""
        script = f"""new Promise((done, fail) => {{
            const end = Date.now() + {1000 * seconds};
            const look = () => {{
                const found = {condition};
                if (found) done(found); else if (Date.now() > end) fail(new Error(document.body.innerText));
                else setTimeout(look, 20);
            }};
            look();
        }})"""
        return await self.tab.run(script)


@contextlib.asynccontextmanager
async def admin_page(browser: Chromium, room: Room, sig: str = "") -> AsyncIterator[Page]:
    """Signed in."""
    url = room.url.replace("ws", "http", 1).removesuffix("/ws") + "/admin"
    async with tab(browser, url, may_capture=False) as it:
        page = Page(it)
        await page.set("input[name=user_sig]", sig or ticket("administrator"))
        await page.press("#sign-in button")
        yield page


async def test_calls_records_and_charts_are_shown(browser: Chromium, room: Room, tmp_path: Path) -> None:
    talked = await make_records(room, 24)
    _alice, _bob, call_id = await talking(room, "carol", "dave")
    async with admin_page(browser, room) as page:
        await page.until("!document.querySelector('#board').hidden")
        assert await page.text("#talking") == "1" and await page.text("#users-online") == "4"
        row = await page.text("#calls-now tr")
        assert call_id in row and "carol" in row and "dave" in row and "talking" in row
        assert await page.text("#page") == "page 1 of 2, 25 records"
        await page.press("#after")
        await page.until("document.querySelector('#page').innerText.startsWith('page 2')")
        assert await page.count("#records tr") == 5 and talked in await page.text("#records")
        await page.set("#filter select[name=result]", "NormalEnd")
        await page.press("#filter button")
        await page.until("document.querySelector('#page').innerText === 'page 1 of 1, 1 record'")
        assert await page.count("#hours rect.bar.Reject") >= 1 and await page.count("#hours rect.bar.NormalEnd") >= 1
        assert await page.count("#quality circle.median") == 1
        picture = tmp_path / "admin.png"
        picture.write_bytes(await page.tab.screenshot())
        assert page.tab.console == []
    shown = cv2.imread(str(picture))
    assert shown is not None and shown.shape[0] > 500
    assert (np.abs(shown.astype(int) - GREEN).max(axis=2) < 12).sum() > 50, "the chart's bar of good calls is there"


async def test_a_call_is_ended_and_it_goes_from_the_list(browser: Chromium, room: Room) -> None:
    alice, bob, _ = await talking(room)
    async with admin_page(browser, room) as page:
        await page.until("document.querySelector('#calls-now button.end')")
        await page.press("#calls-now button.end")
        for raw in [alice, bob]:
            assert (await raw.hear(wire.Ended)).reason.value == "ended_by_server"
        await page.until("document.querySelector('#calls-now').innerText.includes('Nobody')")


async def test_a_user_is_banned_and_let_in_again(browser: Chromium, room: Room) -> None:
    bob = await room.user("bob")
    async with admin_page(browser, room) as page:
        await page.until("!document.querySelector('#board').hidden")
        assert await page.text("#bans") == "Nobody is banned."
        await page.set("#user input[name=user_id]", "bob")
        await page.set("#user input[name=until]", "2199-01-01T12:00")
        await page.press("#ban")
        assert await bob.refused() == ("banned", 4403)
        row = await page.until("document.querySelector('#bans button.unban')?.closest('tr').innerText")
        assert row.split()[0] == "bob" and "2199-01-01 12:00:00" in row and "administrator" in row
        await page.press("#bans button.unban")
        await page.until("document.querySelector('#bans').innerText === 'Nobody is banned.'")
        bob = await room.user("bob")
        await page.press("#kick")
        assert await bob.refused() == ("signed_off", 4403)
        assert page.tab.console == []


async def test_a_dead_letter_is_sent_again(browser: Chromium, room: Room, target: Target) -> None:
    await told(room, "callbacks/set", {"generation": 4, "url": target.url, "commands": ["Call.CallbackAfterStartCall"]})
    _alice, _bob, call_id = await talking(room)
    async with asyncio.timeout(15):
        while not (await told(room, "dead"))["total"]:
            await target.until(1)
    async with admin_page(browser, room) as page:
        await page.until("document.querySelector('#dead button.resend')")
        assert call_id in await page.text("#dead")
        form = "form.callback[data-generation='4']"
        assert "Switched off" in await page.text(form)
        target.answer, seen = None, len(target.letters)
        await page.press(f"{form} button:not(.delete)")
        await page.until(f'document.querySelector("{form} .disabled").hidden')
        await page.press("#dead button.resend")
        again = (await target.until(seen + 1))[-1]
        assert again.body["CallInfo"]["CallId"] == call_id
        await page.until("document.querySelector('#dead').innerText === 'None.'")


async def test_who_is_no_administrator_stays_outside(browser: Chromium, room: Room) -> None:
    async with admin_page(browser, room, sig=ticket("alice")) as page:
        problem = await page.until(
            "!document.querySelector('#problem').hidden && document.querySelector('#problem').innerText"
        )
        assert problem and not await page.tab.run("!document.querySelector('#board').hidden")
