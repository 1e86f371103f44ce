"""Takes what is too old out of the database in the background, in pieces that hold up no call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from .callbacks import Generation
from .clock import Clock
from .database import StoreError
from .outbox import GIVEN_UP, Outbox
from .store import Store
from .tables import calls, histories, outbox, records

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
PIECE = 200
"""Rows in one transaction."""
PAUSE_SECONDS = 0.05
"""Between two transactions, for calls to get theirs."""
CALL_SECONDS = 1200.0
"""How long a call that is over stays beside its record: longer than anybody may ask how it ended."""


class Purge:
    """Of all apps of a server."""

    def __init__(self, stores: Iterable[Store], clock: Clock, *, keep_seconds: float) -> None:
        self._stores = list(stores)
        self._clock = clock
        self._keep = keep_seconds

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.once()
            except StoreError as error:
                logger.warning("old records stay for now: %s", error)

    async def once(self) -> None:
        """Everything that is too old now; raises StoreError."""
        now = self._clock.now()
        for store in self._stores:
            await self._take_out(store, records.c.call_id, records.c.started_at < now - self._keep, histories)
            await self._take_out(store, calls.c.call_id, calls.c.ended_at < now - CALL_SECONDS)
            await self._take_out(store, outbox.c.id, outbox.c.died_at < now - self._keep)
            await store.forget_bans(now - self._keep)
            late = Outbox(store)
            for generation in Generation:
                await late.bury(generation, "not delivered within a day", now, before=now - GIVEN_UP)
            await late.waiting()

    async def _take_out(
        self, store: Store, key: sa.Column[Any], old: sa.ColumnElement[bool], *beside: sa.Table
    ) -> None:
        """Rows of the key's table that are old, and what `beside` has with the same key; in pieces."""
        tables = (*beside, key.table)
        query = sa.select(key).where(key.table.c.app_id == store.app_id, old).limit(PIECE)
        while True:
            async with store.database.reading() as connection:
                keys = list((await connection.execute(query)).scalars())
            if keys:
                async with store.database.writing() as connection:
                    for table in tables:
                        own = (table.c.app_id == store.app_id, table.c[key.name].in_(keys))
                        await connection.execute(sa.delete(table).where(*own))
            if len(keys) < PIECE:
                return
            await asyncio.sleep(PAUSE_SECONDS)
