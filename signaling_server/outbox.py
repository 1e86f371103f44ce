"""Callbacks on their way: rows that wait, are delivered or tried again, and in the end become dead letters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from .callbacks import Generation
from .store import Store
from .tables import outbox
from .unbroken import whole

GIVEN_UP = 86400.0
"""Seconds after which nothing waits any more: what was not even tried by then is a dead letter too."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One callback, as it waits. `body` is what is sent and signed, byte for byte."""

    id: int
    generation: Generation
    event_id: str
    command: str
    call_id: str
    body: str
    address: str
    """Of the client who caused it."""
    platform: str
    created_at: float
    attempts: int
    """Made so far."""


class DeadLetter(Parcel, frozen=True, kw_only=True):
    """One that is not tried any more, unless it is sent again."""

    error: str
    """Why the last attempt failed."""
    died_at: float


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that did not succeed."""

    id: int
    attempts: int
    due_at: float
    """When to try again."""
    error: str
    died_at: float | None = None
    """Set when it is not tried again."""


class Outbox:
    """The rows of one app. Everything raises StoreError if the database fails."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self.length = 0
        """How many wait, as far as is known; `waiting` counts them."""
        self.wake: Callable[[], None] = lambda: None
        """Called when something can be delivered that could not before."""
        self._waits = (outbox.c.app_id == store.app_id, outbox.c.died_at.is_(None))
        self._is_dead = (outbox.c.app_id == store.app_id, outbox.c.died_at.is_not(None))

    @whole
    async def due(
        self, generation: Generation, now: float, *, but: Collection[int], at_most: int
    ) -> tuple[list[Parcel], float | None]:
        """What is to be sent now, longest overdue first, without those in `but`; and when the next is due after now."""
        own = (*self._waits, outbox.c.generation == generation.value)
        ripe = sa.select(*_PARCEL).where(*own, outbox.c.due_at <= now, outbox.c.id.not_in(list(but)))
        later = sa.select(sa.func.min(outbox.c.due_at)).where(*own, outbox.c.due_at > now)
        async with self._database.reading() as connection:
            rows = await connection.execute(ripe.order_by(outbox.c.due_at, outbox.c.id).limit(at_most))
            parcels = [Parcel(**_fields(row)) for row in rows]
            return parcels, (await connection.execute(later)).scalar()

    @whole
    async def settle(self, delivered: Sequence[int], failed: Sequence[Failed]) -> None:
        """What became of some attempts."""
        async with self._database.writing() as connection:
            if delivered:
                await connection.execute(_DELETE, [{"i": number} for number in delivered])
            if failed:
                await connection.execute(_FAIL, [{"i": one.id, **_columns(one)} for one in failed])
        self.length = max(0, self.length - len(delivered) - sum(one.died_at is not None for one in failed))

    async def bury(self, generation: Generation, error: str, now: float, *, before: float | None = None) -> int:
        """Make dead letters of what waits, or only of what waits since before that; returns how many."""
        where = [*self._waits, outbox.c.generation == generation.value]
        if before is not None:
            where.append(outbox.c.created_at < before)
        async with self._database.reading() as connection:
            if (await connection.execute(sa.select(outbox.c.id).where(*where).limit(1))).first() is None:
                return 0
        async with self._database.writing() as connection:
            done = await connection.execute(sa.update(outbox).where(*where).values(died_at=now, error=error[:200]))
            return done.rowcount

    async def waiting(self) -> int:
        """How many are still to be delivered."""
        async with self._database.reading() as connection:
            query = sa.select(sa.func.count()).select_from(outbox).where(*self._waits)
            self.length = (await connection.execute(query)).scalar() or 0
            return self.length

    async def dead_letters(self, *, page: int = 1, per_page: int = 100) -> tuple[int, list[DeadLetter]]:
        """How many there are, and one page of them (1 is the newest)."""
        query = sa.select(*_PARCEL, outbox.c.error, outbox.c.died_at).where(*self._is_dead)
        query = query.order_by(outbox.c.id.desc()).limit(per_page).offset((page - 1) * per_page)
        async with self._database.reading() as connection:
            total = await connection.execute(sa.select(sa.func.count()).select_from(outbox).where(*self._is_dead))
            letters = [DeadLetter(**_fields(row)) for row in await connection.execute(query)]
            return total.scalar() or 0, letters

    async def resend(self, ids: Collection[int], now: float) -> list[int]:
        """Send these dead letters again, from the first attempt on; returns those that there were."""
        where = (*self._is_dead, outbox.c.id.in_(list(ids)))
        async with self._database.writing() as connection:
            found = list((await connection.execute(sa.select(outbox.c.id).where(*where))).scalars())
            await connection.execute(
                sa.update(outbox).where(*where).values(died_at=None, attempts=0, due_at=now, created_at=now)
            )
        self.length += len(found)
        self.wake()
        return found


_PARCEL = (
    outbox.c.id,
    outbox.c.generation,
    outbox.c.event_id,
    outbox.c.command,
    outbox.c.call_id,
    outbox.c.body,
    outbox.c.address,
    outbox.c.platform,
    outbox.c.created_at,
    outbox.c.attempts,
)
_DELETE = sa.delete(outbox).where(outbox.c.id == sa.bindparam("i"))
_FAIL = sa.update(outbox).where(outbox.c.id == sa.bindparam("i"))


def _fields(row: Any) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items()} | {"generation": Generation(row.generation)}


def _columns(failed: Failed) -> dict[str, object]:
    return {
        "attempts": failed.attempts,
        "due_at": failed.due_at,
        "error": failed.error[:200],
        "died_at": failed.died_at,
    }
