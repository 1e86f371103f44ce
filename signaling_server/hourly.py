"""Calls and their quality hour by hour, from the records."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from .counting import HOUR
from .record_rows import CallResult
from .store import Store
from .stretches import within
from .tables import records, totals

MAX_READ = 500
"""Records read for the quality of one hour, the newest; all of them count in the numbers."""
CUT_OFF = (CallResult.INTERRUPT.value, CallResult.OFFLINE.value)


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that began in one hour."""

    start: float
    """Unix seconds."""
    results: dict[str, int]
    connect_median: float | None
    """Seconds from the answer until media got through; None if no call got that far."""
    connect_slow: float | None
    """The same, of the slowest tenth the quickest."""
    cut: float
    """Which part of the calls was cut off, 0 to 1."""


async def hourly(store: Store, now: float, hours: int) -> tuple[Hour, ...]:
    """The last `hours` hours up to and with the one in which `now` lies, the oldest first; raises StoreError."""
    last = float(now // HOUR * HOUR)
    return tuple([await _hour(store, last - back * HOUR) for back in reversed(range(hours))])


async def _hour(store: Store, start: float) -> Hour:
    count = sa.select(totals.c.result, sa.func.sum(totals.c.calls)).group_by(totals.c.result)
    count = count.where(totals.c.app_id == store.app_id, totals.c.hour == int(start // HOUR))
    newest = sa.select(records.c.document).order_by(records.c.started_at.desc()).limit(MAX_READ)
    newest = newest.where(records.c.app_id == store.app_id, within(records.c.started_at, start, start + HOUR))
    async with store.database.reading() as connection:
        results = {str(result): int(number) for result, number in await connection.execute(count)}
        documents = (await connection.execute(newest)).scalars().all() if results else []
    waits = sorted(_waits(documents))
    return Hour(
        start=start,
        results=results,
        connect_median=statistics.median(waits) if waits else None,
        connect_slow=waits[int(len(waits) * 0.9)] if waits else None,
        cut=sum(results.get(name, 0) for name in CUT_OFF) / max(1, sum(results.values())),
    )


def _waits(documents: Sequence[dict[str, float | None]]) -> list[float]:
    found = ((document.get("accepted_at"), document.get("begun_at")) for document in documents)
    return [begun - accepted for accepted, begun in found if accepted is not None and begun is not None]
