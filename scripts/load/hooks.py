"""Where the callbacks go: a receiver that counts them, one that is dead, and one that never answers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Receiver:
    """Keeps, for each call, which event ids came of which command and user, and how often."""

    def __init__(self) -> None:
        self.url = ""
        self.count = 0
        self.ids: dict[tuple[str, str, str], Counter[str]] = {}
        """(call, command, user) to event ids and how often each came."""
        self.arrived = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        command = request.query.get("command") or request.query.get("CallbackCommand") or ""
        key = (_call_id(body), command, str(body.get("UserId", "")))
        self.ids.setdefault(key, Counter())[request.headers.get("webhook-id", "")] += 1
        self.count += 1
        self.arrived.set()
        return web.json_response({"ErrorCode": 0, "ErrorMessage": "Success", "ActionStatus": "OK", "ErrorInfo": ""})

    async def quiet(self, seconds: float, at_most: float) -> None:
        """Until nothing has come for `seconds`."""
        async with asyncio.timeout(at_most):
            while True:
                self.arrived.clear()
                try:
                    await asyncio.wait_for(self.arrived.wait(), seconds)
                except TimeoutError:
                    return


def _call_id(body: dict[str, object]) -> str:
    info = body.get("CallInfo")
    return str(body.get("CallId") or (info.get("CallId") if isinstance(info, dict) else "") or "")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{site.port}/hook"
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def never_answering() -> AsyncIterator[str]:
    """The URL of a target that takes connections and says nothing: worse than one that refuses them."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()
