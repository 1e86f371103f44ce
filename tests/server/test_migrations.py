"""Versions of the database: made new, refused when old, brought up with nothing lost, all of it or nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.types import EndReason, MediaType, MemberState
from signaling_server.database import Database
from signaling_server.ledger import StoredCall, StoredMember
from signaling_server.store import Store
from signaling_server.tables import VERSION, metadata
from signaling_server.versions import load_revisions

BEFORE = """
CREATE TABLE users (app_id BIGINT NOT NULL, user_id VARCHAR(32) NOT NULL, first_seen DOUBLE NOT NULL,
    PRIMARY KEY (app_id, user_id));
CREATE TABLE calls (app_id BIGINT NOT NULL, call_id VARCHAR(32) NOT NULL, caller VARCHAR(32) NOT NULL,
    state VARCHAR(16) NOT NULL, media VARCHAR(16) NOT NULL, created_at DOUBLE NOT NULL, ended_at DOUBLE,
    reason VARCHAR(32), duration DOUBLE NOT NULL, document JSON NOT NULL, PRIMARY KEY (app_id, call_id));
CREATE INDEX ix_calls_caller ON calls (caller);
CREATE INDEX ix_calls_created_at ON calls (created_at);
CREATE INDEX ix_calls_ended_at ON calls (ended_at);
CREATE TABLE health (id INTEGER NOT NULL, count BIGINT, PRIMARY KEY (id));
INSERT INTO health VALUES (1, 5);
INSERT INTO users VALUES (1, 'alice', 5.0);
"""
"""What a server wrote before there were versions."""


def stored(number: int, **changes: Any) -> StoredCall:
    members = tuple(StoredMember(user_id=name, state=MemberState.JOINED, joined_at=1.0) for name in ("alice", "bob"))
    call = StoredCall(
        call_id=f"{number:032x}",
        seq=1,
        caller="alice",
        callees=("bob",),
        media=MediaType.AUDIO,
        members=members,
        created_at=1.0,
    )
    return msgspec.structs.replace(call, **changes)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    live, ended = stored(1), stored(2, ended_at=9.0, reason=EndReason.HANGUP, ended_by="bob")
    with sqlite3.connect(path) as connection:
        connection.executescript(BEFORE)
        for call in (live, ended):
            document = json.dumps(msgspec.to_builtins(call))
            row = (1, call.call_id, "alice", "x", "audio", call.created_at, call.ended_at, None, 0.0, document)
            connection.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        broken = (1, "f" * 32, "alice", "x", "audio", 1.0, 2.0, None, 0.0, "{}")
        connection.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", broken)
    connection.close()
    return path


async def differences(path: Path) -> list[Any]:
    """Between the tables that are there and those that the server expects."""

    def compare(connection: sa.Connection) -> list[Any]:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
        return found

    database = await Database.open(str(path))
    try:
        async with database.reading() as connection:
            return await connection.run_sync(compare)
    finally:
        await database.close()


def test_the_newest_version_is_the_last_migration() -> None:
    assert load_revisions().get_heads() == [VERSION]


async def test_an_old_database_is_refused_and_left_alone(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(ConfigError, match="--migrate") as caught:
        await Store.open(str(old), app_id=1)
    assert caught.value.code is ErrorCode.BAD_SETTING and "\n" not in str(caught.value)
    with sqlite3.connect(old) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone() == (3,)
    connection.close()
    assert len(old.read_bytes()) == len(before)


async def test_migrating_loses_nothing(old: Path) -> None:
    store = await Store.open(str(old), app_id=1, migrate=True)
    assert await store.live_calls() == [stored(1)]
    assert await store.known_users() == ["alice"]
    await store.check()
    await store.close()
    assert [change for change in await differences(old) if "alembic_version" not in str(change)] == []
    with sqlite3.connect(old) as connection:
        records = connection.execute("SELECT call_id, result FROM records").fetchall()
        histories = connection.execute("SELECT user_id, result FROM histories ORDER BY user_id").fetchall()
    connection.close()
    assert records == [(f"{2:032x}", "NormalEnd")]
    assert histories == [("alice", 3), ("bob", 2)]
    await (await Store.open(str(old), app_id=1, migrate=True)).close()


async def test_a_new_database_is_at_the_newest_version(tmp_path: Path) -> None:
    for migrate in (False, True):
        path = tmp_path / f"{migrate}.db"
        await (await Store.open(str(path), app_id=1, migrate=migrate)).close()
        assert [change for change in await differences(path) if "alembic_version" not in str(change)] == []


async def test_a_migration_that_fails_has_changed_nothing(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("CREATE TABLE outbox (x)")
    connection.close()
    with pytest.raises(Exception, match="already exists"):
        await Store.open(str(old), app_id=1, migrate=True)
    with sqlite3.connect(old) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert "ix_calls_caller" in names and not {"records", "alembic_version"} & names


async def test_a_database_of_a_newer_server_is_refused(tmp_path: Path) -> None:
    await (await Store.open(str(tmp_path / "b.db"), app_id=1)).close()
    with sqlite3.connect(tmp_path / "b.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9000'")
    connection.close()
    for migrate in (False, True):
        with pytest.raises(ConfigError, match="newer pycall"):
            await Store.open(str(tmp_path / "b.db"), app_id=1, migrate=migrate)
