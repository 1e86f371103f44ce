"""Records: one for each call that is over, found by id, by filter and by its members, and taken out when it is old."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pycall.core import wire
from pycall.core.errors import ErrorCode
from pycall.core.records import RecordResult
from pycall.core.types import EndReason, MediaType, MemberState, Scene
from signaling_server.clock import Clock
from signaling_server.ledger import StoredCall, StoredMember
from signaling_server.purge import Purge
from signaling_server.record_rows import CallResult, Record, record_of, result_of
from signaling_server.records import OwnFilter, RecordFilter, Records
from signaling_server.store import Store, StoreError
from tests.server.raw import LeapingClock, Raw, Room, talking
from tests.server.test_callbacks import row
from tests.server.test_storage import somebody_writes

ALL = RecordFilter(since=0.0, until=1e9)


def ended(number: int, **changes: Any) -> StoredCall:
    """A call of two, dialed at `number` and over a second later."""
    members = tuple(StoredMember(user_id=name, state=MemberState.GONE, joined_at=1.0) for name in ("alice", "bob"))
    call = StoredCall(
        call_id=f"{number:032x}",
        seq=9,
        caller="alice",
        callees=("bob",),
        media=MediaType.VIDEO,
        members=members,
        created_at=float(number),
        accepted_at=number + 0.25,
        begun_at=number + 0.5,
        ended_at=number + 1.0,
        reason=EndReason.HANGUP,
        ended_by="bob",
    )
    return msgspec.structs.replace(call, **changes)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(str(tmp_path / "calls.db"), app_id=1)
    yield opened
    await opened.close()


async def pages(records: Records, **fields: Any) -> tuple[int, list[int]]:
    total, found = await records.by_filter(msgspec.structs.replace(ALL, **fields))
    return total, [int(record.call_id, 16) for record in found]


async def test_a_record_says_what_the_call_was(store: Store) -> None:
    call = ended(7, scene=Scene.GROUP, room_id="room", chat_group_id="group", merged_id="f" * 32)
    await store.save([call], [], now=8.0)
    record = await Records(store).by_id(call.call_id)
    assert record == record_of(call) == await Records(store).by_id("f" * 32)
    assert record is not None and (record.started_at, record.accepted_at, record.ended_at) == (7.0, 7.25, 8.0)
    assert (record.duration, record.result, record.scene, record.room_id) == (0.5, CallResult.NORMAL_END, 1, "room")
    assert [member.user_id for member in record.members] == ["alice", "bob"]
    assert await Records(store.for_app(2)).by_id(call.call_id) is None
    assert await Records(store).by_id("' OR 1=1--") is None


async def test_a_live_call_is_no_record_yet(store: Store) -> None:
    await store.save([ended(1, ended_at=None, reason=None)], [], now=1.0)
    assert await pages(Records(store)) == (0, [])
    assert await Records(store).recent("alice", OwnFilter()) == []


async def test_an_old_record_is_not_written_over(store: Store) -> None:
    await store.save([ended(1)], [], now=1.0)
    await store.save([ended(1, caller="mallory", created_at=50.0)], [], now=51.0)
    record = await Records(store).by_id(ended(1).call_id)
    assert record is not None and (record.caller, record.started_at) == ("alice", 1.0)


async def test_filters_and_pages(store: Store) -> None:
    calls = [ended(number, scene=Scene.MULTI if number % 2 else Scene.SINGLE) for number in range(1, 8)]
    calls[2] = msgspec.structs.replace(calls[2], reason=EndReason.NO_ANSWER, accepted_at=None)
    await store.save(calls, [], now=9.0)
    records = Records(store)
    assert await pages(records) == (7, [7, 6, 5, 4, 3, 2, 1])
    assert await pages(records, since=2.0, until=5.0) == (4, [5, 4, 3, 2])
    assert await pages(records, result=CallResult.NOT_ANSWER) == (1, [3])
    assert await pages(records, single=True) == (3, [6, 4, 2])
    assert await pages(records, single=False, since=4.0) == (2, [7, 5])
    assert await pages(records, per_page=3, page=2) == (7, [4, 3, 2])
    assert await pages(records, per_page=3, page=4) == (7, [])
    assert await pages(records, per_page=-1, page=-1) == (7, [7])
    assert await pages(records, since=5.0, until=2.0) == (0, [])
    assert await pages(Records(store.for_app(2))) == (0, [])


@pytest.mark.parametrize(
    ("reason", "answered", "result"),
    [
        (EndReason.CANCELED, False, CallResult.CANCEL),
        (EndReason.RECALLED, False, CallResult.CANCEL),
        (EndReason.REJECTED, False, CallResult.REJECT),
        (EndReason.BUSY, False, CallResult.CALL_BUSY),
        (EndReason.NO_ANSWER, False, CallResult.NOT_ANSWER),
        (EndReason.OFFLINE, False, CallResult.OFFLINE),
        (EndReason.ENDED_BY_SERVER, False, CallResult.INTERRUPT),
        (EndReason.HANGUP, True, CallResult.NORMAL_END),
        (EndReason.NO_ANSWER, True, CallResult.NORMAL_END),
        (EndReason.OFFLINE, True, CallResult.OFFLINE),
        *((reason, True, CallResult.INTERRUPT) for reason in (EndReason.KICKED, EndReason.MEDIA_FAILED)),
        *((reason, True, CallResult.INTERRUPT) for reason in (EndReason.MEDIA_LOST, EndReason.RECALLED)),
    ],
)
def test_results(reason: EndReason, answered: bool, result: CallResult) -> None:
    assert result_of(ended(1, reason=reason, accepted_at=1.0 if answered else None)) is result


async def test_a_record_that_cannot_be_read(store: Store, tmp_path: Path) -> None:
    await store.save([ended(1)], [], now=1.0)
    with sqlite3.connect(tmp_path / "calls.db") as connection:
        connection.execute("UPDATE records SET document = ?", [json.dumps({"call_id": 1})])
    connection.close()
    with pytest.raises(StoreError, match="cannot be read"):
        await Records(store).by_id(ended(1).call_id)


async def test_what_is_old_is_taken_out_and_nothing_else(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling_server.purge.PIECE", 2)
    monkeypatch.setattr("signaling_server.purge.PAUSE_SECONDS", 0.0)
    clock = LeapingClock()
    now = clock.now()
    fresh = ended(6, created_at=now - 50, ended_at=now - 40)
    live = ended(7, created_at=now - 9000, ended_at=None, reason=None)
    callbacks = [row(1, died_at=now - 200), row(2, died_at=now - 50), row(3, created_at=now - 90_000)]
    callbacks += [row(4, created_at=now - 80_000)]
    other = store.for_app(2)
    await store.save([*(ended(number) for number in range(1, 6)), fresh, live], [], callbacks, now=now)
    await other.save([ended(1)], [], now=now)
    await Purge([store], clock, keep_seconds=100.0).once()
    assert await pages(Records(store), until=2e9) == (1, [6])
    assert len(await Records(store).recent("bob", OwnFilter())) == 1
    assert await store.calls(ended_since=0.0) == [fresh, live]
    async with store.database.reading() as connection:
        found = await connection.exec_driver_sql("SELECT event_id, error FROM outbox ORDER BY event_id")
        assert found.all() == [("e2", ""), ("e3", "not delivered within a day"), ("e4", "")]
    assert await pages(Records(other)) == (1, [1])


async def test_the_purge_runs_beside_the_server(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling_server.purge.EVERY_SECONDS", 0.01)
    await store.save([ended(1)], [], now=1.0)
    running = asyncio.create_task(Purge([store], Clock(), keep_seconds=100.0).run())
    async with asyncio.timeout(5):
        left = 1
        while left:
            left, _ = await pages(Records(store))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# --- a user's own list ------------------------------------------------------------------------------------------


async def ask(raw: Raw, message: wire.QueryRecords | wire.DeleteRecords) -> wire.Records:
    await raw.say(message)
    answer = await raw.hear(wire.Records)
    assert answer.req_id == message.req_id
    return answer


async def list_of(raw: Raw, **fields: Any) -> list[tuple[str, str]]:
    answer = await ask(raw, wire.QueryRecords(req_id=secrets.randbelow(1000), **fields))
    return [(view.call_id, view.result.name.lower()) for view in answer.records]


async def two_calls(room: Room) -> tuple[Raw, Raw, str, str]:
    """Alice talked with Bob; then Bob called her in vain."""
    alice, bob, first = await talking(room)
    await alice.ask(wire.Hangup, call_id=first)
    await alice.hear(wire.Ended)
    await bob.hear(wire.Ended)
    second = await bob.invite("alice")
    await alice.hear(wire.Invited)
    await bob.hear(wire.Ringing)
    await bob.ask(wire.Hangup, call_id=second)
    await alice.hear(wire.Ended)
    await bob.hear(wire.Ended)
    return alice, bob, first, second


async def test_each_sees_the_calls_as_they_were_for_them(room: Room) -> None:
    alice, bob, first, second = await two_calls(room)
    assert await list_of(alice) == [(second, "missed"), (first, "outgoing")]
    assert await list_of(bob) == [(second, "outgoing"), (first, "incoming")]
    assert await list_of(alice, result=RecordResult.MISSED) == [(second, "missed")]
    assert await list_of(alice, skip=1, at_most=1) == [(first, "outgoing")]
    assert await list_of(alice, until=5.0) == []
    view = (await ask(alice, wire.QueryRecords(req_id=1))).records[1]
    assert (view.caller, view.callees, view.media, view.scene) == ("alice", ("bob",), MediaType.AUDIO, Scene.SINGLE)
    assert 0 < view.duration < 10 and view.started_at > 1e9


async def test_a_missed_ring_without_a_client_is_in_the_list(room: Room) -> None:
    carol = await room.user("carol")
    carol.cut()
    alice = await room.user("alice")
    call_id = await alice.invite("carol", timeout=1)
    await alice.hear(wire.Declined)
    await alice.hear(wire.Ended)
    assert await list_of(await room.user("carol")) == [(call_id, "missed")]


async def test_strangers_see_and_delete_nothing(room: Room) -> None:
    alice, _, first, second = await two_calls(room)
    mallory = await room.user("mallory")
    assert await list_of(mallory) == []
    answer = await ask(mallory, wire.DeleteRecords(req_id=1, call_ids=(first, second)))
    assert (answer.deleted, answer.code) == ((), None)
    assert len(await list_of(alice)) == 2


async def test_deleting_is_for_oneself_only(room: Room) -> None:
    alice, bob, first, second = await two_calls(room)
    answer = await ask(alice, wire.DeleteRecords(req_id=1, call_ids=(first, "0" * 32, first)))
    assert answer.deleted == (first,)
    assert (await ask(alice, wire.DeleteRecords(req_id=2, call_ids=(first,)))).deleted == ()
    assert await list_of(alice) == [(second, "missed")]
    assert len(await list_of(bob)) == 2


async def test_a_database_that_takes_nothing_is_said_and_calls_go_on(room: Room, tmp_path: Path) -> None:
    alice, _, first, _ = await two_calls(room)
    with somebody_writes(tmp_path / "calls.db"):
        answer = await ask(alice, wire.DeleteRecords(req_id=1, call_ids=(first,)))
        assert (answer.code, answer.deleted) == (ErrorCode.STORAGE, ()) and "try later" in answer.message
        assert len(await list_of(alice)) == 2


def test_a_record_without_what_it_need_not_have() -> None:
    small = msgspec.to_builtins(record_of(ended(1, accepted_at=None, begun_at=None)))
    assert "accepted_at" not in small and msgspec.convert(small, Record).accepted_at is None
