"""The server's book: users, calls and callbacks in a database, so that a restart goes on where the last one stopped.

Plain SQL types and statements only, so that PostgreSQL can take SQLite's place by its URL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from pycall.core.errors import ErrorCode
from pycall.core.types import UserId

from .ban import Ban
from .database import Connection, Database, StoreError
from .ledger import StoredCall
from .record_rows import history_rows, record_row
from .tables import bans, calls, health, histories, outbox, records, users
from .unbroken import whole

__all__ = ["Store", "StoreError"]

NOBODY: Mapping[UserId, Ban | None] = {}


class Store:
    """One app's part of a database. All methods but `open` raise StoreError, and only that, when the database fails."""

    def __init__(self, database: Database, app_id: int) -> None:
        self.database = database
        self.app_id = app_id
        insert = _insert(database.dialect)
        put = insert(calls)
        fresh = {column.name: put.excluded[column.name] for column in calls.columns if not column.primary_key}
        self._put_call = put.on_conflict_do_update(index_elements=list(calls.primary_key), set_=fresh)
        # Records are never written over: not even by a client that uses the id of an old call again.
        self._add_record = insert(records).on_conflict_do_nothing()
        self._add_history = insert(histories).on_conflict_do_nothing()

    @classmethod
    async def open(cls, url: str, *, app_id: int = 0, migrate: bool = False, sync: str = "normal") -> Store:
        """`url` is a path or an SQLAlchemy URL; `migrate` brings an older database to the newest version.

        `sync` is `normal` or `full`: see `database`. Raises ConfigError if the URL is wrong, another server uses the
        database, or its version is another.
        """
        return cls(await Database.open(url, migrate=migrate, sync=sync), app_id)

    def for_app(self, app_id: int) -> Store:
        """The same database for another app; neither ever sees what the other wrote."""
        return Store(self.database, app_id)

    @whole
    async def save(
        self,
        changed: Sequence[StoredCall],
        people: Iterable[UserId],
        callbacks: Sequence[dict[str, Any]] = (),
        banned: Mapping[UserId, Ban | None] = NOBODY,
        *,
        now: float,
    ) -> None:
        """Write the newest state of these calls, new users, rows of the outbox and bans: all of it or nothing.

        With a call's end its record is written. A ban of None is taken out.
        """
        new = [{"a": self.app_id, "u": user, "t": now} for user in people]
        async with self.database.writing() as connection:
            if changed:
                await self._save_calls(connection, changed)
            if new:
                await connection.execute(_ADD_USER, new)
            if callbacks:
                await connection.execute(sa.insert(outbox), callbacks)
            if banned:
                await self._save_bans(connection, banned)

    async def _save_calls(self, connection: Connection, changed: Sequence[StoredCall]) -> None:
        await connection.execute(self._put_call, [self._row(call) for call in changed])
        ended = [call for call in changed if call.ended_at is not None]
        if ended:
            await connection.execute(self._add_record, [record_row(self.app_id, call) for call in ended])
            rows = [row for call in ended for row in history_rows(self.app_id, call)]
            await connection.execute(self._add_history, rows)

    async def _save_bans(self, connection: Connection, banned: Mapping[UserId, Ban | None]) -> None:
        await connection.execute(sa.delete(bans).where(bans.c.app_id == self.app_id, bans.c.user_id.in_(list(banned))))
        rows = [
            {"app_id": self.app_id, "user_id": ban.user_id, "since": ban.since, "until": ban.until, "banned_by": ban.by}
            for ban in banned.values()
            if ban is not None
        ]
        if rows:
            await connection.execute(sa.insert(bans), rows)

    async def calls(self, *, ended_since: float) -> list[StoredCall]:
        """The live calls, and those that ended at `ended_since` (Unix seconds) or later."""
        wanted = sa.or_(calls.c.ended_at.is_(None), calls.c.ended_at >= ended_since)
        # As text: at a restart there may be tens of thousands, and everybody waits for them.
        document = sa.cast(calls.c.document, sa.Text)
        query = sa.select(document).where(calls.c.app_id == self.app_id, wanted)
        async with self.database.reading() as connection:
            documents = (await connection.execute(query)).scalars().all()
        try:
            return [_CALL.decode(text) for text in documents]
        except msgspec.DecodeError as error:
            raise StoreError(ErrorCode.STORAGE, f"the database holds a call that cannot be read: {error}") from error

    async def live_calls(self) -> list[StoredCall]:
        """The calls that have not ended."""
        return await self.calls(ended_since=float("inf"))

    async def known_users(self) -> list[UserId]:
        """Everybody who ever signed in."""
        query = sa.select(users.c.user_id).where(users.c.app_id == self.app_id)
        async with self.database.reading() as connection:
            return list((await connection.execute(query)).scalars())

    async def bans(self, now: float) -> list[Ban]:
        """Who may not sign in at this time (Unix seconds)."""
        holds = sa.or_(bans.c.until.is_(None), bans.c.until > now)
        async with self.database.reading() as connection:
            rows = await connection.execute(sa.select(bans).where(bans.c.app_id == self.app_id, holds))
            return [Ban(user_id=row.user_id, since=row.since, until=row.until, by=row.banned_by) for row in rows]

    async def forget_bans(self, before: float) -> None:
        """Those that were over then (Unix seconds)."""
        async with self.database.writing() as connection:
            await connection.execute(sa.delete(bans).where(bans.c.app_id == self.app_id, bans.c.until < before))

    async def check(self) -> None:
        """Write something, to learn whether writing works."""
        async with self.database.writing() as connection:
            await connection.execute(sa.update(health).values(count=health.c.count + 1))

    async def close(self, *, undo: bool = False) -> None:
        """Let go of the database, for all apps; what was saved is on disk. `undo`: as `Database.close`."""
        await self.database.close(undo=undo)

    def _row(self, call: StoredCall) -> dict[str, Any]:
        return {
            "app_id": self.app_id,
            "call_id": call.call_id,
            "caller": call.caller,
            "state": _state(call),
            "media": call.media.value,
            "created_at": call.created_at,
            "ended_at": call.ended_at,
            "reason": None if call.reason is None else call.reason.value,
            "duration": call.duration,
            "document": msgspec.to_builtins(call),
        }


def _insert(dialect: str) -> Any:
    """The INSERT that knows ON CONFLICT. PostgreSQL's takes a while to load, so only where it is used."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    return sqlite.insert


_CALL = msgspec.json.Decoder(StoredCall)
_NEW_USER = sa.select(
    sa.bindparam("a", type_=sa.BigInteger), sa.bindparam("u", type_=sa.String), sa.bindparam("t", type_=sa.Double)
).where(
    ~sa.exists().where(users.c.app_id == sa.bindparam("a"), users.c.user_id == sa.bindparam("u")),
)
_ADD_USER = sa.insert(users).from_select(["app_id", "user_id", "first_seen"], _NEW_USER)


def _state(call: StoredCall) -> str:
    if call.ended_at is not None:
        return "ended"
    if call.begun_at is not None:
        return "talking"
    return "ringing" if call.accepted_at is None else "connecting"
