"""The database under the store: opened by one server at a time, at its newest version, one writer beside readers.

What a committed transaction survives: the death of this process, however it dies (kill -9), always. The machine's
power failing: with PostgreSQL as that server is set up (by default yes); with SQLite the last moments may be lost,
never damaged, unless every commit is synced (`db_sync=full`, several milliseconds each on a disk).
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from pycall.core.errors import ConfigError, ErrorCode, PyCallError

from .database_words import told
from .keepalive import give_up_in_time
from .lock import DatabaseLock, Taken, hold_advisory_lock
from .unbroken import unbroken
from .versions import bring_up, load_revisions, look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

T = TypeVar("T")
logger = logging.getLogger(__name__)

BUSY_MILLISECONDS = 2000
"""How long a write waits for another program that holds the database."""
READERS = 2
"""Connections that only read, so that a long query holds up no call."""
CONNECT_SECONDS = 10.0
"""To PostgreSQL; its driver would wait a minute."""
TAKE_SECONDS = 3.0
"""How long to wait for PostgreSQL to notice that the server before is gone."""


class StoreError(PyCallError):
    """The database did not take or give something; nothing of it was written."""


class Connection:
    """Inside a transaction. Statements run to their end, also if whoever waits for them is cancelled."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._open = False

    async def begin(self) -> None:
        """Wait for a connection, and begin."""
        await self._connection.start()
        self._open = True
        await self._connection.begin()

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back, and give the connection back; nothing if it never began."""
        if not self._open:
            return
        try:
            await (self._connection.commit() if commit else self._connection.rollback())
        finally:
            await self._connection.close()

    async def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[*tuple[Any, ...]]:
        """One statement, or one for each of several parameters."""
        return await unbroken(self._connection.execute(statement, parameters))

    async def exec_driver_sql(self, statement: str) -> sa.CursorResult[*tuple[Any, ...]]:
        """SQL as it is."""
        return await unbroken(self._connection.exec_driver_sql(statement))

    async def run_sync(self, work: Callable[[sa.Connection], T]) -> T:
        """For what SQLAlchemy and Alembic do without asyncio."""
        return await unbroken(self._connection.run_sync(work))


class Database:
    """All methods but `open` raise StoreError, and only that, when the database fails."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, lock: DatabaseLock | None) -> None:
        self._writer = writer
        self._reader = reader
        self._lock = lock

    @classmethod
    async def open(cls, url: str, *, migrate: bool = False, sync: str = "normal") -> Database:
        """`url` is a path or an SQLAlchemy URL; with `migrate` an older database is brought to the newest version.

        Raises ConfigError if the URL is wrong, another server uses the database, or its version is another.
        """
        database = await asyncio.to_thread(cls._opened, url, sync)
        try:
            await database._prepare(migrate)
        except PyCallError:
            await database.close(undo=True)
            raise
        return database

    @classmethod
    def _opened(cls, url: str, sync: str) -> Database:
        target = _parse(url)
        writer, reader = _engines(target, sync)
        lock = None
        if _is_file(target) and target.database:
            lock = DatabaseLock.take(Path(target.database))
            _make_private(target.database)
        return cls(writer, reader, lock)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writer.dialect.name

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """One transaction: all of it or nothing."""
        async with _errors(), _transaction(self._writer) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """What was committed up to now; one picture for all queries inside."""
        async with _errors(), _transaction(self._reader) as connection:
            yield connection

    async def close(self, *, undo: bool = False) -> None:
        """Let go of the database; what was saved is on disk. `undo` takes away files that were made by `open`."""
        await self._reader.dispose()
        await self._writer.dispose()
        if self._lock is not None:
            lock, self._lock = self._lock, None
            if undo:
                await asyncio.to_thread(lock.undo)
            lock.release()

    async def _prepare(self, migrate: bool) -> None:
        try:
            await self._bring_up(migrate)
        except StoreError as error:
            if isinstance(error.__cause__, Taken):
                raise ConfigError(ErrorCode.BAD_SETTING, str(error.__cause__)) from error
            raise

    async def _bring_up(self, migrate: bool) -> None:
        work: Callable[[sa.Connection], None] = look
        if migrate:
            work = partial(bring_up, revisions=await asyncio.to_thread(load_revisions))
        deadline = asyncio.get_running_loop().time() + TAKE_SECONDS
        while True:
            try:
                async with self.writing() as connection:
                    await connection.run_sync(work)
                return
            except StoreError as error:
                if not isinstance(error.__cause__, Taken) or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.2)


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[Connection]:
    connection, succeeded = Connection(engine.connect()), False
    try:
        await unbroken(connection.begin())
        yield connection
        succeeded = True
    finally:
        await unbroken(connection.end(commit=succeeded))


@asynccontextmanager
async def _errors() -> AsyncIterator[None]:
    try:
        yield
    except _failures() as error:
        raise _store_error(error) from error


def _failures() -> tuple[type[Exception], ...]:
    """What a database fails with. PostgreSQL's driver, if it is in use, raises errors of its own while it connects."""
    driver = sys.modules.get("asyncpg")
    own = () if driver is None else (driver.PostgresError, driver.InterfaceError)
    return (SQLAlchemyError, sqlite3.Error, OSError, Taken, *own)


def _store_error(error: Exception) -> StoreError:
    if isinstance(error, Taken):
        return StoreError(ErrorCode.STORAGE, str(error))
    return StoreError(ErrorCode.STORAGE, told(error))


def _parse(url: str) -> sa.URL:
    if "://" not in url:
        return sa.URL.create("sqlite+aiosqlite", database=url)
    try:
        target = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _no_database("this is no database URL") from error
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    return target.set(drivername=driver.get(target.drivername, target.drivername))


def _is_file(target: sa.URL) -> bool:
    return target.get_backend_name() == "sqlite" and target.database not in {None, "", ":memory:"}


def _make_private(path: str) -> None:
    """A new file is for its owner only, like those that SQLite puts beside it; one that is there stays as it is."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError:
        logger.debug("the database file cannot be opened; SQLite will say why")


def _engines(target: sa.URL, sync: str) -> tuple[AsyncEngine, AsyncEngine]:
    """The writer has one connection: SQLite knows one writer only, and PostgreSQL's lock is held by a connection."""
    try:
        if target.get_backend_name() == "sqlite":
            return _sqlite_engines(target, sync)
        if target.get_backend_name() != "postgresql":
            raise _no_database(f"there is no {target.get_backend_name()} here")
        writer, reader = _postgres_engines(target)
    except ModuleNotFoundError as error:
        raise ConfigError(
            ErrorCode.BAD_SETTING,
            f"PostgreSQL's driver is missing ({error.name}); pip install 'pycall[postgres]', or use a file: --db PATH",
        ) from error
    except (ImportError, NoSuchModuleError, ArgumentError) as error:
        raise _no_database(f"{target.drivername} is not installed, or not for asyncio") from error
    for engine in (writer, reader):
        event.listen(engine.sync_engine, "connect", give_up_in_time)
    event.listen(writer.sync_engine, "connect", hold_advisory_lock)
    return writer, reader


def _postgres_engines(target: sa.URL) -> tuple[AsyncEngine, AsyncEngine]:
    patience = {"timeout": CONNECT_SECONDS} if target.drivername == "postgresql+asyncpg" else {}
    writer = create_async_engine(target, pool_size=1, max_overflow=0, connect_args=patience)
    reader = create_async_engine(
        target,
        pool_size=READERS,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        connect_args=patience,
    )
    return writer, reader


def _sqlite_engines(target: sa.URL, sync: str) -> tuple[AsyncEngine, AsyncEngine]:
    if not _is_file(target):
        alone = create_async_engine(target, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0)
        _prepare_sqlite(alone, "BEGIN", [])
        return alone, alone
    writer = create_async_engine(target, pool_size=1, max_overflow=0)
    reader = create_async_engine(target, pool_size=READERS, max_overflow=0)
    _prepare_sqlite(writer, "BEGIN IMMEDIATE", ["journal_mode=WAL", f"synchronous={sync.upper()}"])
    _prepare_sqlite(reader, "BEGIN", ["query_only=ON"])
    return writer, reader


def _prepare_sqlite(engine: AsyncEngine, begin: str, pragmas: list[str]) -> None:
    """Transactions begin where we say, so that changes of the tables are part of them too."""

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in [f"busy_timeout={BUSY_MILLISECONDS}", *pragmas]:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))


def _no_database(problem: str) -> ConfigError:
    return ConfigError(
        ErrorCode.BAD_SETTING,
        f"{problem}; give a path, sqlite:///path or postgresql://user@host/name with --db "
        "(PostgreSQL needs pip install 'pycall[postgres]')",
    )
