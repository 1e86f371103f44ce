"""Records of calls that are over: found by id and by filter for an app, and as each user's own list."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import msgspec
import sqlalchemy as sa

from pycall.core.errors import ErrorCode
from pycall.core.records import RecordResult
from pycall.core.types import Scene

from .database import Connection
from .record_rows import CallResult, Record
from .store import Store, StoreError
from .stretches import Kind, Stretch, around, stretches, within
from .tables import histories, records

MAX_PER_PAGE = 100
MAX_RECENT = 100
"""Of one user's list, in one answer."""


class RecordFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records; times are Unix seconds of the calls' starts, both included."""

    since: float
    until: float
    result: CallResult | None = None
    single: bool | None = None
    """True: calls of two; False: all others; None: both."""
    page: int = 1
    """From 1 on."""
    per_page: int = MAX_PER_PAGE
    """At most MAX_PER_PAGE."""


class OwnFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a user's own records; times as in `RecordFilter`."""

    result: RecordResult | None = None
    since: float = 0.0
    until: float = float("inf")
    skip: int = 0
    at_most: int = MAX_RECENT


class Records:
    """Of one app. Everything raises StoreError if the database fails."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._app_id = store.app_id

    async def by_id(self, call_id: str) -> Record | None:
        """The record of this call; also by the id under which the callee dialed the caller at the same time."""
        async with self._database.reading() as connection:
            for column in (records.c.call_id, records.c.merged_id):
                query = sa.select(records.c.document).where(records.c.app_id == self._app_id, column == call_id)
                document = (await connection.execute(query.limit(1))).scalar()
                if document is not None:
                    return _record(document)
        return None

    async def by_filter(self, wanted: RecordFilter) -> tuple[int, list[Record]]:
        """How many there are in all, and one page of them, newest first."""
        kind = Kind(
            self._app_id,
            result=None if wanted.result is None else wanted.result.value,
            scene=None if wanted.single is None else Scene.SINGLE.value,
            other_scenes=wanted.single is False,
        )
        size = min(max(wanted.per_page, 1), MAX_PER_PAGE)
        async with self._database.reading() as connection:
            found = await stretches(connection, kind, wanted.since, math.nextafter(wanted.until, math.inf))
            page = around(found, (max(wanted.page, 1) - 1) * size, size)
            documents = [] if page is None else await _documents(connection, kind, *page, size)
        return sum(stretch.calls for stretch in found), [_record(document) for document in documents]

    async def recent(self, user_id: str, wanted: OwnFilter) -> list[tuple[Record, RecordResult]]:
        """This user's calls, newest first, each with what it was for them."""
        where = [
            histories.c.app_id == self._app_id,
            histories.c.user_id == user_id,
            histories.c.started_at.between(wanted.since, min(wanted.until, 1e15)),
        ]
        if wanted.result is not None:
            where.append(histories.c.result == wanted.result.value)
        same = sa.and_(records.c.app_id == histories.c.app_id, records.c.call_id == histories.c.call_id)
        query = sa.select(records.c.document, histories.c.result).join_from(histories, records, same).where(*where)
        query = query.order_by(histories.c.started_at.desc()).limit(min(max(wanted.at_most, 1), MAX_RECENT))
        query = query.offset(wanted.skip)
        async with self._database.reading() as connection:
            return [(_record(row.document), RecordResult(row.result)) for row in await connection.execute(query)]

    async def forget(self, user_id: str, call_ids: Collection[str]) -> list[str]:
        """Take these calls out of this user's own list (the record stays); returns those that were in it."""
        where = (
            histories.c.app_id == self._app_id,
            histories.c.user_id == user_id,
            histories.c.call_id.in_(list(call_ids)),
        )
        async with self._database.writing() as connection:
            found = set((await connection.execute(sa.select(histories.c.call_id).where(*where))).scalars())
            await connection.execute(sa.delete(histories).where(*where))
        return [call_id for call_id in dict.fromkeys(call_ids) if call_id in found]


async def _documents(connection: Connection, kind: Kind, where: Stretch, skip: int, size: int) -> Sequence[object]:
    query = sa.select(records.c.document).where(*kind.of(records), within(records.c.started_at, where.begin, where.end))
    query = query.order_by(records.c.started_at.desc()).limit(size).offset(skip)
    return (await connection.execute(query)).scalars().all()


def _record(document: object) -> Record:
    try:
        return msgspec.convert(document, Record)
    except msgspec.ValidationError as error:
        raise StoreError(ErrorCode.STORAGE, f"the database holds a record that cannot be read: {error}") from error
