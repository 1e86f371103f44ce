"""Calls over real sockets: each way a ring can end, and what is left of it in the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pycall.core import wire
from pycall.core.errors import ErrorCode
from pycall.core.types import EndReason, MediaType
from tests.server.raw import Raw, Room, new_call_id, talking


async def ringing(room: Room, *, timeout: int = 30) -> tuple[Raw, Raw, str]:
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await alice.invite("bob", timeout=timeout, media=MediaType.VIDEO)
    invited = await bob.hear(wire.Invited)
    assert (invited.call.call_id, invited.call.caller, invited.call.media) == (call_id, "alice", MediaType.VIDEO)
    assert (await alice.hear(wire.Ringing)).user_id == "bob"
    return alice, bob, call_id


def rows(tmp_path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(tmp_path / "calls.db") as connection:
        found = connection.execute("SELECT call_id, caller, state, media, reason, duration FROM calls").fetchall()
    connection.close()
    return found


async def test_ring_accept_talk_hang_up(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await talking(room)
    assert rows(tmp_path)[0][:4] == (call_id, "alice", "talking", "audio")
    assert (await bob.ask(wire.Hangup, call_id=call_id)).ok
    for raw in [alice, bob]:
        ended = await raw.hear(wire.Ended)
        assert (ended.reason, ended.user_id, ended.call_id) == (EndReason.HANGUP, "bob", call_id)
    [row] = rows(tmp_path)
    assert row[:5] == (call_id, "alice", "ended", "audio", "hangup")
    assert row[5] == ended.duration > 0


async def test_reject(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await ringing(room)
    assert (await bob.ask(wire.Reject, call_id=call_id)).ok
    assert (await alice.hear(wire.Declined)).reason is EndReason.REJECTED
    for raw in [alice, bob]:
        assert (await raw.hear(wire.Ended)).reason is EndReason.REJECTED
    assert rows(tmp_path) == [(call_id, "alice", "ended", "video", "rejected", 0.0)]


async def test_cancel(room: Room) -> None:
    alice, bob, call_id = await ringing(room)
    assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
    for raw in [alice, bob]:
        assert (await raw.hear(wire.Ended)).reason is EndReason.CANCELED


async def test_busy(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await talking(room)
    carol = await room.user("carol")
    await carol.invite("bob")
    assert (await carol.hear(wire.Declined)).reason is EndReason.BUSY
    assert (await carol.hear(wire.Ended)).reason is EndReason.BUSY
    assert (await alice.ask(wire.SetMedia, call_id=call_id, audio=False, video=False)).ok
    assert (await bob.hear(wire.MediaSet)).audio is False
    assert {row[2] for row in rows(tmp_path)} == {"talking", "ended"}


async def test_no_answer(room: Room, tmp_path: Path) -> None:
    alice, bob, call_id = await ringing(room, timeout=1)
    assert (await alice.hear(wire.Declined)).reason is EndReason.NO_ANSWER
    for raw in [alice, bob]:
        assert (await raw.hear(wire.Ended)).reason is EndReason.NO_ANSWER
    assert rows(tmp_path)[0][4] == "no_answer"


async def test_a_callee_who_comes_online_in_time(room: Room) -> None:
    await (await room.user("bob")).ask(wire.Logout)
    alice = await room.user("alice")
    call_id = await alice.invite("bob", timeout=30)
    bob = await room.open()
    welcome = await bob.login("bob")
    assert welcome.call is not None and welcome.call.call_id == call_id
    assert 20 < (welcome.call.remaining or 0) <= 30
    assert (await alice.hear(wire.Ringing)).user_id == "bob"
    assert (await bob.ask(wire.Accept, call_id=call_id)).ok
    assert (await alice.hear(wire.Joined)).user_id == "bob"


async def test_signals_pass_between_members_only(room: Room) -> None:
    alice, bob, call_id = await talking(room)
    mallory = await room.user("mallory")
    sdp = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"
    await mallory.say(wire.Signal(call_id=call_id, to="bob", kind="offer", sdp="forged"))
    await mallory.say(wire.Ping(id=1))
    await mallory.hear(wire.Pong)
    await alice.say(wire.Signal(call_id=call_id, to="bob", kind="offer", generation=3, sdp=sdp))
    expected = wire.Signaled(call_id=call_id, sender="alice", kind="offer", generation=3, sdp=sdp)
    assert await bob.hear(wire.Signaled) == expected
    assert (await mallory.ask(wire.Accept, call_id=call_id)).code is ErrorCode.NO_SUCH_CALL


async def test_refused_invitations(room: Room) -> None:
    alice = await room.user("alice")
    for callees, code in [
        (("stranger",), ErrorCode.UNKNOWN_USER),
        (("alice",), ErrorCode.BAD_ARGUMENT),
        ((), ErrorCode.BAD_ARGUMENT),
    ]:
        reply = await alice.ask(wire.Invite, call_id=new_call_id(), callees=callees, media=MediaType.AUDIO, timeout=30)
        assert (reply.ok, reply.code) == (False, code)


async def test_the_longest_user_data_reaches_the_callee(room: Room) -> None:
    alice, bob = await room.user("alice"), await room.user("bob")
    text = "\x01" * 4096
    message = {"call_id": new_call_id(), "callees": ("bob",), "media": MediaType.AUDIO, "timeout": 0}
    assert (await alice.ask(wire.Invite, user_data=text, **message)).ok
    assert (await bob.hear(wire.Invited)).call.user_data == text
