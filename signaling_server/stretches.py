"""Where in time the records of a page lie, found from the hourly totals: only the range's two ends are counted anew.

since ──┤ part of an hour │ hour │ hour │ … │ hour │ part of an hour ├── until
           counted now      totals                     counted now
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from .counting import HOUR
from .database import Connection
from .tables import records, totals

Where = Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of a range: `calls` records that began from `begin` on, before `end` (Unix seconds)."""

    begin: float
    end: float
    calls: int


@dataclass(frozen=True, slots=True)
class Kind:
    """Which records, besides when their calls began."""

    app_id: int
    result: str | None = None
    scene: int | None = None
    other_scenes: bool = False
    """All but `scene`."""

    def of(self, table: sa.Table) -> Where:
        """The same condition on `records` and on `totals`."""
        where = [table.c.app_id == self.app_id]
        if self.result is not None:
            where.append(table.c.result == self.result)
        if self.scene is not None:
            where.append(table.c.scene != self.scene if self.other_scenes else table.c.scene == self.scene)
        return where


async def stretches(connection: Connection, kind: Kind, begin: float, end: float) -> list[Stretch]:
    """Those of [begin, end) that have records, the newest first."""
    first, last = math.ceil(begin / HOUR), math.floor(end / HOUR)
    if first >= last:
        found = [await _counted(connection, kind, begin, end)]
    else:
        found = [
            await _counted(connection, kind, float(last * HOUR), end),
            *await _hours(connection, kind, first, last),
            await _counted(connection, kind, begin, float(first * HOUR)),
        ]
    return [stretch for stretch in found if stretch.calls]


def around(found: Iterable[Stretch], skip: int, size: int) -> tuple[Stretch, int] | None:
    """The part that holds the records from number `skip` on, `size` of them, and how many are to be skipped in it."""
    chosen: list[Stretch] = []
    for stretch in found:
        if not chosen and skip >= stretch.calls:
            skip -= stretch.calls
            continue
        chosen.append(stretch)
        if sum(one.calls for one in chosen) >= skip + size:
            break
    if not chosen:
        return None
    return Stretch(chosen[-1].begin, chosen[0].end, sum(one.calls for one in chosen)), skip


def within(column: sa.ColumnElement[float], begin: float, end: float) -> sa.ColumnElement[bool]:
    """From `begin` on, before `end`."""
    return sa.and_(column >= begin, column < end)


async def _counted(connection: Connection, kind: Kind, begin: float, end: float) -> Stretch:
    if begin >= end:
        return Stretch(begin, end, 0)
    query = sa.select(sa.func.count()).select_from(records)
    query = query.where(*kind.of(records), within(records.c.started_at, begin, end))
    return Stretch(begin, end, (await connection.execute(query)).scalar() or 0)


async def _hours(connection: Connection, kind: Kind, first: int, last: int) -> list[Stretch]:
    query = sa.select(totals.c.hour, sa.cast(sa.func.sum(totals.c.calls), sa.BigInteger))
    query = query.where(*kind.of(totals), totals.c.hour >= first, totals.c.hour < last)
    query = query.group_by(totals.c.hour).order_by(totals.c.hour.desc())
    found = await connection.execute(query)
    return [Stretch(float(hour * HOUR), float((hour + 1) * HOUR), int(calls)) for hour, calls in found]
