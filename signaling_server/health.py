"""`/healthz`: says whether calls can be made, so that an operator or a load balancer learns it first."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from .store import Store, StoreError

ASK_SECONDS = 1.0
"""The database is asked this often at most, however often the health is."""


class Health:
    """Answers 200 when the database takes writes and the exchange runs, else 503 with the reason."""

    def __init__(self, store: Store, exchange_ended: asyncio.Event) -> None:
        self._store = store
        self._exchange_ended = exchange_ended
        self._asking = asyncio.Lock()
        self._asked_at: float | None = None
        self._problem: str | None = None

    async def handle(self, _request: web.Request) -> web.Response:
        """The HTTP handler."""
        async with self._asking:
            if self._asked_at is None or time.monotonic() - self._asked_at >= ASK_SECONDS:
                self._problem = await self._ask()
                self._asked_at = time.monotonic()
        if self._problem is None:
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "failing", "reason": self._problem}, status=503)

    async def _ask(self) -> str | None:
        if self._exchange_ended.is_set():
            return "the exchange has stopped; restart the server"
        try:
            await self._store.check()
        except StoreError as error:
            return str(error)
        return None
