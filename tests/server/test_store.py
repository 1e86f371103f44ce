"""The book: what is saved is there after a restart, all of it or nothing, and one server only may write it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.types import EndReason, MediaType, MemberState
from signaling_server import lock
from signaling_server.ledger import StoredCall, StoredMember
from signaling_server.store import Store, StoreError

CALL = StoredCall(
    call_id="ab" * 16,
    seq=3,
    caller="alice",
    callees=("bob",),
    media=MediaType.VIDEO,
    members=(
        StoredMember(user_id="alice", state=MemberState.JOINED, device_id="d", joined_at=1.5),
        StoredMember(user_id="bob", state=MemberState.RINGING),
    ),
    user_data="é\u2028\0😀",
    created_at=1000.25,
    ring_until=1030.25,
)


def changed(**changes: Any) -> StoredCall:
    return msgspec.structs.replace(CALL, **changes)


async def test_what_was_saved_is_read_back_exactly(tmp_path: Path) -> None:
    path = str(tmp_path / "book.db")
    store = await Store.open(path, app_id=1)
    await store.save([CALL], ["alice", "bob"], now=1000.0)
    await store.save([changed(seq=4, accepted_at=1010.5, ring_until=None)], [], now=1010.5)
    await store.close()
    for url in [path, f"sqlite+aiosqlite:///{path}", f"sqlite:///{path}"]:
        store = await Store.open(url, app_id=1)
        assert await store.live_calls() == [changed(seq=4, accepted_at=1010.5, ring_until=None)]
        assert sorted(await store.known_users()) == ["alice", "bob"]
        await store.close()


async def test_ended_calls_are_records(tmp_path: Path) -> None:
    store = await Store.open(str(tmp_path / "book.db"), app_id=1)
    ended = changed(begun_at=1010.0, ended_at=1072.5, reason=EndReason.HANGUP, ended_by="bob")
    await store.save([ended, changed(call_id="cd" * 16)], ["alice"], now=1072.5)
    assert [call.call_id for call in await store.live_calls()] == ["cd" * 16]
    assert len(await store.calls(ended_since=1072.5)) == 2
    assert len(await store.calls(ended_since=1072.6)) == 1
    await store.close()
    with sqlite3.connect(tmp_path / "book.db") as connection:
        query = "SELECT caller, state, media, created_at, ended_at, reason, duration FROM calls WHERE call_id = ?"
        row = connection.execute(query, [CALL.call_id]).fetchone()
        journal = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert row == ("alice", "ended", "video", 1000.25, 1072.5, "hangup", 62.5)
    assert journal == ("wal",)


async def test_apps_do_not_see_each_other(tmp_path: Path) -> None:
    store = await Store.open(str(tmp_path / "book.db"), app_id=1)
    await store.save([CALL], ["alice"], now=1.0)
    await store.close()
    store = await Store.open(str(tmp_path / "book.db"), app_id=2)
    assert await store.live_calls() == [] and await store.known_users() == []
    await store.save([CALL], ["alice"], now=1.0)
    assert await store.live_calls() == [CALL]
    await store.close()


async def test_a_user_is_seen_for_the_first_time_once(tmp_path: Path) -> None:
    store = await Store.open(str(tmp_path / "book.db"), app_id=1)
    await store.save([], ["alice"], now=1.0)
    await store.save([], ["alice", "bob"], now=2.0)
    await store.close()
    with sqlite3.connect(tmp_path / "book.db") as connection:
        assert sorted(connection.execute("SELECT user_id, first_seen FROM users")) == [("alice", 1.0), ("bob", 2.0)]
    connection.close()


async def test_a_save_is_all_or_nothing(tmp_path: Path) -> None:
    store = await Store.open(str(tmp_path / "book.db"), app_id=1)
    await store.save([CALL], [], now=1.0)
    unsavable = changed(call_id="ef" * 16, created_at=None)
    with pytest.raises(StoreError) as caught:
        await store.save([changed(seq=9), unsavable], ["carol"], now=1.0)
    assert caught.value.code is ErrorCode.STORAGE
    assert await store.live_calls() == [CALL]
    assert await store.known_users() == []
    await store.close()


async def test_a_second_server_is_refused(tmp_path: Path) -> None:
    store = await Store.open(str(tmp_path / "book.db"), app_id=1)
    with pytest.raises(ConfigError, match="another server is using the database"):
        await Store.open(str(tmp_path / "book.db"), app_id=1)
    opening = f"asyncio.run(Store.open({str(tmp_path / 'book.db')!r}, app_id=1))"
    program = f"import asyncio; from signaling_server.store import Store; {opening}"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=subprocess.PIPE)
    _, errors = await other.communicate()
    assert other.returncode != 0 and b"another server is using the database" in errors
    await store.close()
    await (await Store.open(str(tmp_path / "book.db"), app_id=1)).close()


def test_a_lock_whose_file_was_taken_away_meanwhile_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that was refused removes its lock file just when the next one has opened it."""
    real = lock._lock

    def too_late(descriptor: int) -> None:
        monkeypatch.setattr(lock, "_lock", real)
        (tmp_path / "book.db.lock").unlink()
        real(descriptor)

    monkeypatch.setattr(lock, "_lock", too_late)
    held = lock.DatabaseLock.take(tmp_path / "book.db")
    with pytest.raises(ConfigError, match="another server is using the database"):
        lock.DatabaseLock.take(tmp_path / "book.db")
    held.undo()
    held.release()
    assert list(tmp_path.iterdir()) == []


async def test_a_second_server_is_refused_by_whatever_name_it_knows_the_database(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.db").symlink_to(tmp_path / "book.db")
    store = await Store.open(str(tmp_path / "book.db"), app_id=1)
    with pytest.raises(ConfigError, match="another server is using the database"):
        await Store.open(str(tmp_path / "elsewhere" / "link.db"), app_id=1)
    await store.close()


async def test_nobody_else_on_the_machine_may_read_the_database(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        store = await Store.open(str(tmp_path / "book.db"), app_id=1)
        await store.save([CALL], ["alice"], now=1.0)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) >= {"book.db", "book.db-wal"} and set(modes.values()) == {0o600}, modes
    await store.close()


async def test_a_memory_database_for_trying_things(tmp_path: Path) -> None:
    store = await Store.open(":memory:", app_id=1)
    await store.save([CALL], ["alice"], now=1.0)
    assert await store.live_calls() == [CALL]
    await store.check()
    await store.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "foo://x",
        "mysql://x/y",
        "oracle://x",
        "postgresql+nothing://x/y",
        "://",
        "sqlite+aiosqlite://:x:y:z",
        "no/such/folder/x.db",
    ],
)
async def test_wrong_urls(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        await Store.open(url, app_id=1)
    assert (
        "--db" in str(caught.value) and "\n" not in str(caught.value) and "driver is missing" not in str(caught.value)
    )


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "book.db").write_text("a letter " * 1000)
    for _ in range(2):  # the lock is free again
        with pytest.raises(StoreError, match="not a database; this file is none of ours"):
            await Store.open(str(tmp_path / "book.db"), app_id=1)


async def test_a_call_that_cannot_be_read(tmp_path: Path) -> None:
    store = await Store.open(str(tmp_path / "book.db"), app_id=1)
    await store.save([CALL], [], now=1.0)
    with sqlite3.connect(tmp_path / "book.db") as connection:
        connection.execute("UPDATE calls SET document = '{}'")
    connection.close()
    with pytest.raises(StoreError, match="cannot be read"):
        await store.live_calls()
    await store.close()
