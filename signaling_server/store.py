"""The server's book: users and calls in a database, so that a restart goes on where the last server stopped.

Plain SQL types and statements only, so that PostgreSQL can take SQLite's place by its URL.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pycall.core.errors import ConfigError, ErrorCode, PyCallError
from pycall.core.types import UserId

from .ledger import StoredCall
from .lock import DatabaseLock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUSY_MILLISECONDS = 2000
"""How long a write waits for another program that holds the database."""

_metadata = sa.MetaData()
_users = sa.Table(
    "users",
    _metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("first_seen", sa.Double, nullable=False),
)
_calls = sa.Table(
    "calls",
    _metadata,
    sa.Column("app_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("call_id", sa.String(32), primary_key=True),
    sa.Column("caller", sa.String(32), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("media", sa.String(16), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False, index=True),
    sa.Column("ended_at", sa.Double, index=True),
    sa.Column("reason", sa.String(32)),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)
_health = sa.Table(
    "health", _metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("count", sa.BigInteger)
)


class StoreError(PyCallError):
    """The database did not take or give something; nothing of it was written."""


class Store:
    """All methods but `open` raise StoreError, and only that, when the database fails."""

    def __init__(self, engine: AsyncEngine, app_id: int, lock: DatabaseLock | None) -> None:
        self._engine = engine
        self._app_id = app_id
        self._lock = lock

    @classmethod
    async def open(cls, url: str, *, app_id: int) -> Store:
        """`url` is a path or an SQLAlchemy URL; raises ConfigError if it is wrong or another server uses it."""
        store = await asyncio.to_thread(cls._opened, url, app_id)
        try:
            await store._prepare()
        except StoreError:
            await store.close()
            raise
        return store

    @classmethod
    def _opened(cls, url: str, app_id: int) -> Store:
        target = _parse(url)
        engine = _engine(target)
        lock = DatabaseLock.take(Path(target.database)) if _is_file(target) and target.database else None
        return cls(engine, app_id, lock)

    def for_app(self, app_id: int) -> Store:
        """The same database for another app; it is closed with this one."""
        return Store(self._engine, app_id, None)

    async def save(self, calls: Sequence[StoredCall], users: Iterable[UserId], *, now: float) -> None:
        """Write the newest state of these calls and these new users, in one transaction: all of it or nothing."""
        rows = [self._row(call) for call in calls]
        people = [{"a": self._app_id, "u": user, "t": now} for user in users]
        async with self._transaction() as connection:
            if rows:
                keys = [{"a": row["app_id"], "c": row["call_id"]} for row in rows]
                await connection.execute(_DELETE_CALL, keys)
                await connection.execute(sa.insert(_calls), rows)
            if people:
                await connection.execute(_ADD_USER, people)

    async def calls(self, *, ended_since: float) -> list[StoredCall]:
        """The live calls, and those that ended at `ended_since` (Unix seconds) or later."""
        wanted = sa.or_(_calls.c.ended_at.is_(None), _calls.c.ended_at >= ended_since)
        query = sa.select(_calls.c.document).where(_calls.c.app_id == self._app_id, wanted)
        async with self._transaction() as connection:
            documents = (await connection.execute(query)).scalars().all()
        try:
            return [msgspec.convert(document, StoredCall) for document in documents]
        except msgspec.ValidationError as error:
            raise StoreError(ErrorCode.STORAGE, f"the database holds a call that cannot be read: {error}") from error

    async def live_calls(self) -> list[StoredCall]:
        """The calls that have not ended."""
        return await self.calls(ended_since=float("inf"))

    async def known_users(self) -> list[UserId]:
        """Everybody who ever signed in."""
        query = sa.select(_users.c.user_id).where(_users.c.app_id == self._app_id)
        async with self._transaction() as connection:
            return list((await connection.execute(query)).scalars())

    async def check(self) -> None:
        """Write something, to learn whether writing works."""
        async with self._transaction() as connection:
            await connection.execute(sa.update(_health).values(count=_health.c.count + 1))

    async def close(self) -> None:
        """Let go of the database; what was saved is on disk."""
        await self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def _prepare(self) -> None:
        async with self._transaction() as connection:
            await connection.run_sync(_metadata.create_all)
            if (await connection.execute(sa.select(_health.c.id))).first() is None:
                await connection.execute(sa.insert(_health).values(id=1, count=0))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            message = f"the database failed: {_cause(error)}; look whether its disk is full or read-only"
            raise StoreError(ErrorCode.STORAGE, message) from error

    def _row(self, call: StoredCall) -> dict[str, Any]:
        return {
            "app_id": self._app_id,
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


_DELETE_CALL = sa.delete(_calls).where(_calls.c.app_id == sa.bindparam("a"), _calls.c.call_id == sa.bindparam("c"))
_NEW_USER = sa.select(
    sa.bindparam("a", type_=sa.BigInteger), sa.bindparam("u", type_=sa.String), sa.bindparam("t", type_=sa.Double)
).where(
    ~sa.exists().where(_users.c.app_id == sa.bindparam("a"), _users.c.user_id == sa.bindparam("u")),
)
_ADD_USER = sa.insert(_users).from_select(["app_id", "user_id", "first_seen"], _NEW_USER)


def _state(call: StoredCall) -> str:
    if call.ended_at is not None:
        return "ended"
    if call.begun_at is not None:
        return "talking"
    return "ringing" if call.accepted_at is None else "connecting"


def _parse(url: str) -> sa.URL:
    if "://" not in url:
        return sa.URL.create("sqlite+aiosqlite", database=url)
    try:
        target = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _no_database("this is no database URL") from error
    return target.set(drivername="sqlite+aiosqlite") if target.drivername == "sqlite" else target


def _is_file(target: sa.URL) -> bool:
    return target.get_backend_name() == "sqlite" and target.database not in {None, "", ":memory:"}


def _engine(target: sa.URL) -> AsyncEngine:
    file = _is_file(target)
    try:
        # One connection: everything is written by one task, and SQLite knows one writer only.
        engine = create_async_engine(target, **({"pool_size": 1, "max_overflow": 0} if file else {}))
    except (ImportError, NoSuchModuleError, ArgumentError) as error:
        raise _no_database(f"{target.drivername} is not installed, or not for asyncio") from error
    if target.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in [f"busy_timeout={BUSY_MILLISECONDS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"]:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _no_database(problem: str) -> ConfigError:
    return ConfigError(ErrorCode.BAD_SETTING, f"{problem}; give a path or sqlite+aiosqlite:///path with --db")


def _cause(error: Exception) -> str:
    """One line, without the statement and its values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split())[:200]
