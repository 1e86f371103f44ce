"""A real HTTP server to which callbacks are sent: it keeps what comes and answers what a test says."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from pycall.core.webhook import check_webhook

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Letter:
    """One callback as it came."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self.path, self.query, self.headers = request.path, dict(request.query), request.headers
        self.raw = body
        self.body: dict[str, Any] = json.loads(body)
        self.at = time.monotonic()

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def command(self) -> str:
        return self.query.get("command") or self.query["CallbackCommand"]

    def check(self, secret: str) -> str:
        return check_webhook([secret], self.headers, self.raw, now=time.time())


class Target:
    """`answer` may be changed at any time; without one every callback is taken."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answer: Answer | None = None
        self._came = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""
        self._port = 0

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = site.port
        self.url = f"http://127.0.0.1:{site.port}/hook"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.letters.append(Letter(request, await request.read()))
        self._came.set()
        if self.answer is not None:
            return await self.answer(request)
        return web.json_response({"ErrorCode": 0, "ErrorMessage": "Success"})

    async def until(self, count: int, seconds: float = 8.0) -> list[Letter]:
        """So many callbacks, as soon as they are there."""
        async with asyncio.timeout(seconds):
            while len(self.letters) < count:
                self._came.clear()
                await self._came.wait()
        return self.letters


def status(code: int, **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers=headers)

    return answer
