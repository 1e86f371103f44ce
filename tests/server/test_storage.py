"""What happens when the database does not take what is to be written: nothing, said clearly, until it does again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pycall.core import wire
from pycall.core.errors import ErrorCode
from pycall.core.types import MediaType
from tests.server.office import END, INFO, ask, done, refusal
from tests.server.raw import Room, room_of, talking
from tests.server.test_sockets import get
from tests.switchroom import SwitchroomProcess


@contextmanager
def somebody_writes(database: Path) -> Iterator[None]:
    """Another program keeps the database to itself."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling_server.database.BUSY_MILLISECONDS", 100)


async def test_a_command_that_cannot_be_written_has_not_happened(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await talking(room)
    with somebody_writes(tmp_path / "calls.db"):
        reply = await alice.ask(wire.SwitchMedia, call_id=call_id, media=MediaType.VIDEO)
        assert (reply.ok, reply.code) == (False, ErrorCode.STORAGE)
        assert "nothing was changed" in reply.message
    assert (await alice.ask(wire.SetMedia, call_id=call_id, audio=False, video=False)).ok
    assert (await bob.hear(wire.MediaSet)).user_id == "alice"
    assert (await alice.ask(wire.SwitchMedia, call_id=call_id, media=MediaType.VIDEO)).ok
    assert (await bob.hear(wire.MediaSwitched)).old is MediaType.AUDIO


async def test_what_needs_no_writing_goes_on(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await talking(room)
    with somebody_writes(tmp_path / "calls.db"):
        for number in range(3):
            await alice.say(wire.Hangup(req_id=10_000 + number, call_id=call_id))
            await alice.say(wire.Signal(call_id=call_id, to="bob", kind="candidate", generation=number))
        for number in range(3):
            assert (await bob.hear(wire.Signaled)).generation == number
            assert (await alice.hear(wire.Reply)).code is ErrorCode.STORAGE
        again = await room.open()
        welcome = await again.login("bob", call_id=call_id)
        assert welcome.call is not None and welcome.call.call_id == call_id


async def test_a_new_user_is_sent_away_to_come_back(room: Room, tmp_path: Path) -> None:
    await room.user("alice")
    with somebody_writes(tmp_path / "calls.db"):
        newcomer = await room.open()
        with pytest.raises(AssertionError, match="Goodbye"):
            await newcomer.login("newcomer")
        assert await newcomer.close_code() == 1011
    await room.user("newcomer")


async def test_a_report_is_not_lost(room: Room, tmp_path: Path) -> None:
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    await alice.hear(wire.Ringing)
    await bob.ask(wire.Accept, call_id=call_id)
    await alice.hear(wire.Joined)
    with somebody_writes(tmp_path / "calls.db"):
        await alice.say(wire.PeerReport(call_id=call_id, user_id="bob", up=True))
        reply = await alice.ask(wire.Hangup, call_id=call_id)
        assert reply.code is ErrorCode.STORAGE
    state: tuple[str, ...] = ("",)
    async with asyncio.timeout(5):
        while state != ("talking",):  # a second later; each turn waits for an answer of the server
            await get(room, "/healthz")
            with sqlite3.connect(tmp_path / "calls.db") as connection:
                state = connection.execute("SELECT state FROM calls").fetchone()
            connection.close()


async def test_the_health_tells(room: Room, tmp_path: Path) -> None:
    with somebody_writes(tmp_path / "calls.db"):
        status, body = await get(room, "/healthz")
        assert (status, body["status"]) == (503, "failing")
        assert "locked; another program holds it" in body["reason"] and "\n" not in body["reason"]
    async with asyncio.timeout(5):
        while status != 200:
            status, body = await get(room, "/healthz")
    assert body == {"status": "ok"}


async def test_a_full_disk(tmp_path: Path) -> None:
    process = SwitchroomProcess(tmp_path)
    await process.start()
    try:
        async with room_of(process.url, process.ticket) as room:
            alice, bob, call_id = await talking(room)
            running = psutil.Process(process.pid)
            running.rlimit(psutil.RLIMIT_FSIZE, (4096, psutil.RLIM_INFINITY))
            reply = await alice.ask(wire.Hangup, call_id=call_id)
            assert (reply.ok, reply.code) == (False, ErrorCode.STORAGE)
            assert (await get(room, "/healthz"))[0] == 503
            running.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
            assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
            assert (await bob.hear(wire.Ended)).user_id == "alice"
            assert (await alice.hear(wire.Ended)).call_id == call_id
            assert await alice.invite("bob")
    finally:
        await process.stop()


async def test_the_back_office_is_told_and_nothing_is_half_done(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await talking(room)
    target = {"Url": "https://example.com/hook", "CallbackCommandList": []}
    with somebody_writes(tmp_path / "calls.db"):
        assert await refusal(room, END, {"CallId": call_id}) == (503, 101001)
        assert await refusal(room, "/v4/call_config/set_callback", target) == (503, 100001)
        status, answer = await ask(room, "/v1/callback/set", {"address": target["Url"], "actions": []})
        assert (status, answer["errorCode"]) == (200, 101001)
        assert (await done(room, INFO, {"CallId": call_id}))["CallInfo"]["CallId"] == call_id
    for raw in [alice, bob]:
        await raw.settle()
    assert await refusal(room, "/v4/call_config/get_callback") == (404, 100301)
    await done(room, END, {"CallId": call_id})
    for raw in [alice, bob]:
        await raw.hear(wire.Ended)


async def test_of_many_that_ask_at_once_only_those_are_refused_who_want_to_write(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await talking(room)
    body = {"CallId": call_id}
    with somebody_writes(tmp_path / "calls.db"):
        for paths, statuses in [([END, INFO] * 5, [503, 200] * 5), ([INFO, END] * 5, [200, 503] * 5)]:
            answers = await asyncio.gather(*[ask(room, path, body) for path in paths])
            assert [status for status, _ in answers] == statuses
    for raw in [alice, bob]:
        await raw.settle()
