"""Tickets while their user is signed in: they run out, they are renewed, and neither ends a call."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.errors import ErrorCode
from pycall.core.types import MediaType
from signaling_server.limits import Limits
from tests.server.raw import LeapingClock, Raw, Room, new_call_id, talking, ticket

OpenRoom = Callable[..., Awaitable[Room]]
DAY = 86400
LIVELY = Limits(ticket_grace=60.0)


@pytest.fixture
def clock() -> LeapingClock:
    return LeapingClock()


async def expired(raw: Raw) -> None:
    assert (await raw.hear(wire.TicketExpired)).grace == 60.0


def later(user_id: str) -> str:
    """Made two hundred seconds ahead of the machine that signs, which the server allows."""
    return ticket(user_id, now=int(time.time()) + 250, expire=2 * DAY)


async def dial(raw: Raw, callee: str) -> wire.Reply:
    fields: dict[str, Any] = {"call_id": new_call_id(), "callees": (callee,), "media": MediaType.AUDIO, "timeout": 9}
    return await raw.ask(wire.Invite, **fields)


async def test_a_ticket_that_runs_out_is_told_once_and_closed_after_the_grace(
    open_room: OpenRoom, clock: LeapingClock
) -> None:
    room = await open_room(clock=clock, limits=LIVELY)
    alice = await room.user("alice", user_sig=ticket("alice", expire=60))
    clock.ahead = 61
    await expired(alice)
    await alice.say(wire.Ping(id=1))
    await alice.hear(wire.Pong)
    clock.ahead = 121
    goodbye = await alice.hear(wire.Goodbye)
    assert (goodbye.code, goodbye.number, goodbye.retry) == (ErrorCode.SIG_EXPIRED, 70001, False)
    assert await alice.close_code() == 4401


async def test_the_call_goes_on_and_new_ones_are_refused_until_a_new_ticket_comes(
    open_room: OpenRoom, clock: LeapingClock
) -> None:
    room = await open_room(clock=clock)
    alice, bob, call_id = await talking(room)
    carol = await room.user("carol", user_sig=ticket("carol", expire=2 * DAY))
    dave = await room.user("dave")
    clock.ahead = DAY + 3600
    await expired(alice)
    await expired(bob)
    await expired(dave)
    assert await dave.refused() == ("sig_expired", 4401), "in no call, and looked at after the other two"
    assert (await alice.ask(wire.SetMedia, call_id=call_id, audio=False, video=False)).ok
    assert (await bob.hear(wire.MediaSet)).audio is False
    assert (await bob.ask(wire.Hangup, call_id=call_id)).ok
    await alice.hear(wire.Ended)
    await bob.hear(wire.Ended)
    assert (await alice.refused()) == ("sig_expired", 4401)
    again = await room.open()
    await again.login("alice", user_sig=later("alice"))
    assert (await dial(again, "carol")).ok
    await carol.hear(wire.Invited)


async def test_the_same_socket_takes_a_new_ticket_within_the_grace(open_room: OpenRoom, clock: LeapingClock) -> None:
    room = await open_room(clock=clock)
    alice = await room.user("alice", user_sig=ticket("alice", expire=60))
    bob = await room.user("bob")
    clock.ahead = 90
    await expired(alice)
    reply = await dial(alice, "bob")
    assert (reply.ok, reply.code) == (False, ErrorCode.SIG_EXPIRED)
    for wrong in [ticket("alice", expire=60), ticket("bob"), "junk"]:
        await alice.say(alice.login_of("alice", user_sig=wrong))
        assert not (await alice.hear(wire.Renewed)).ok
    await alice.say(alice.login_of("alice", user_sig=ticket("alice", expire=3600)))
    assert (await alice.hear(wire.Renewed)).ok
    assert (await dial(alice, "bob")).ok
    await bob.hear(wire.Invited)
    await alice.hear(wire.Ringing)


async def test_a_ring_is_not_answered_with_a_ticket_that_has_run_out(open_room: OpenRoom, clock: LeapingClock) -> None:
    room = await open_room(clock=clock)
    alice = await room.user("alice")
    bob = await room.user("bob", user_sig=ticket("bob", expire=60))
    call_id = await alice.invite("bob", timeout=600)
    await bob.hear(wire.Invited)
    clock.ahead = 61
    await expired(bob)
    assert (await bob.ask(wire.Accept, call_id=call_id)).code is ErrorCode.SIG_EXPIRED
    await bob.say(bob.login_of("bob"))
    assert (await bob.hear(wire.Renewed)).ok
    assert (await bob.ask(wire.Accept, call_id=call_id)).ok


async def test_a_ticket_may_live_no_longer_than_the_settings_say(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(ticket_seconds=3600))
    await room.user("alice", user_sig=ticket("alice", expire=3600))
    raw = await room.open()
    await raw.say(raw.login_of("alice", user_sig=ticket("alice", expire=3601)))
    goodbye = await raw.hear(wire.Goodbye)
    assert (goodbye.code, goodbye.number) == (ErrorCode.SIG_MALFORMED, 70003)


async def test_credentials_for_media_are_renewed_in_time(open_room: OpenRoom, clock: LeapingClock) -> None:
    from signaling_server.turn import Turn, credential

    secret = "a string that two servers share"
    turn = Turn(urls=("stun:192.0.2.1:3478", "turn:192.0.2.1:3478"), secret=secret, seconds=600)
    room = await open_room(clock=clock, turn=turn)
    welcome = await (alice := await room.open()).login("alice")
    stun, first = welcome.ice_servers
    assert (stun.urls, stun.username) == (("stun:192.0.2.1:3478",), "")
    until, _, user_id = first.username.partition(":")
    assert user_id == "alice" and 595 < int(until) - time.time() <= 600
    assert first.credential == credential(secret, first.username)
    clock.ahead = 301
    [_, second] = (await alice.hear(wire.IceServers)).ice_servers
    assert 300 <= int(second.username.split(":")[0]) - int(until) <= 303
    assert second.credential == credential(secret, second.username) != first.credential
    assert secret not in repr(turn)


async def test_nobody_is_invited_or_joined_with_a_ticket_that_has_run_out(
    open_room: OpenRoom, clock: LeapingClock
) -> None:
    room = await open_room(clock=clock)
    alice, bob, call_id = await talking(room)
    carol = await room.user("carol", user_sig=ticket("carol", expire=2 * DAY))
    clock.ahead = DAY + 1
    await expired(alice)
    more: dict[str, Any] = {"callees": ("carol",), "timeout": 30}
    for kind, fields in [(wire.InviteMore, more), (wire.Join, {})]:
        assert (await alice.ask(kind, call_id=call_id, **fields)).code is ErrorCode.SIG_EXPIRED
    await alice.say(alice.login_of("alice", user_sig=ticket("alice", expire=3 * DAY)))
    assert (await alice.hear(wire.Renewed)).ok
    assert (await alice.ask(wire.InviteMore, call_id=call_id, **more)).ok
    await carol.hear(wire.Invited)
