"""`/healthz` and `/readyz`: whether the server works, and whether it takes calls, for operators and load balancers."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from .store import Store, StoreError

ASK_SECONDS = 1.0
"""The database is asked this often at most, however often the health is."""
PATIENCE_SECONDS = 3.0
"""For its answer; whoever looks at the health should not have to guess."""


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
        self._checking: asyncio.Task[None] | None = None
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
        if self._checking is None:
            self._checking = asyncio.create_task(self._store.check(), name="health")
        done, _ = await asyncio.wait([self._checking], timeout=PATIENCE_SECONDS)
        if not done:  # it goes on, and the next who looks waits for the same one
            return f"the database has not answered for {PATIENCE_SECONDS:g} s or longer"
        checked, self._checking = self._checking, None
        try:
            checked.result()
        except StoreError as error:
            return str(error)
        return None

    async def close(self) -> None:
        """Nobody looks any more."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait([self._checking])


def _answer(problem: str | None) -> web.Response:
    if problem is None:
        return web.json_response({"status": "ok"})
    return web.json_response({"status": "failing", "reason": problem}, status=503)
