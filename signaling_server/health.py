"""`/healthz` and `/readyz`: whether the server works, and whether it takes calls, for operators and load balancers."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from .store import Store, StoreError

ASK_SECONDS = 1.0
"""The database is asked this often at most, however often the health is."""


class Health:
    """Healthy: the database takes writes and the exchange runs. Ready: that, and the server is not stopping.

    Answers are 200, or 503 with the reason.
    """

    def __init__(self, store: Store, exchange_ended: asyncio.Event) -> None:
        self._store = store
        self._exchange_ended = exchange_ended
        self._asking = asyncio.Lock()
        self._asked_at: float | None = None
        self._problem: str | None = None
        self._stopping = False

    def stop(self) -> None:
        """From now on nobody new should come."""
        self._stopping = True

    async def handle(self, _request: web.Request) -> web.Response:
        """`/healthz`."""
        return _answer(await self._find_problem())

    async def handle_ready(self, _request: web.Request) -> web.Response:
        """`/readyz`."""
        return _answer("the server is stopping" if self._stopping else await self._find_problem())

    async def _find_problem(self) -> str | None:
        async with self._asking:
            if self._asked_at is None or time.monotonic() - self._asked_at >= ASK_SECONDS:
                self._problem = await self._ask()
                self._asked_at = time.monotonic()
        return self._problem

    async def _ask(self) -> str | None:
        if self._exchange_ended.is_set():
            return "the exchange has stopped; restart the server"
        try:
            await self._store.check()
        except StoreError as error:
            return str(error)
        return None


def _answer(problem: str | None) -> web.Response:
    if problem is None:
        return web.json_response({"status": "ok"})
    return web.json_response({"status": "failing", "reason": problem}, status=503)
