"""A server that stands still, clocks that jump, keys that are changed, callbacks in any order, records while calls end.

| row | here |
|---|---|
| V9 the server stands still for longer than a heartbeat | who spoke meanwhile or speaks at once stays |
| T2 the machine's clock jumps | the server's goes on; durations are what passed |
| T3 keys are changed | both are good while both are named; then the old one is refused |
| W1 order of callbacks | ids that stay, times by which to sort |
| W3 records while calls end | none, or a whole one |
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pycall.core import wire
from pycall.core.errors import ErrorCode
from signaling_server.callback_rules import CallbackRules
from signaling_server.clock import Clock
from signaling_server.limits import Limits
from tests.server.office import done
from tests.server.raw import KEY, QUICK, LeapingClock, Room, talking, ticket
from tests.server.target import Target
from tests.server.test_webhooks import wanted

OpenRoom = Callable[..., Awaitable[Room]]
BY_FILTER = "/v4/call_record_http_srv/get_record_by_filter"


async def test_v9_a_server_that_stood_still_drops_nobody(open_room: OpenRoom) -> None:
    room = await open_room(limits=QUICK)
    clients = [await room.user(f"user{number}") for number in range(20)]
    said, slept = clients[:10], clients[10:]
    for raw in said:
        await raw.say(wire.Ping(id=1))
    time.sleep(4 * QUICK.heartbeat)  # noqa: ASYNC251 - the whole loop is to stand still
    for _ in range(20):
        await asyncio.sleep(0)  # whoever watches over silence looks now
    for raw in slept:  # they stood still as well, and speak as soon as they can
        await raw.say(wire.Ping(id=1))
    for raw in clients:
        assert (await raw.hear(wire.Pong)).id == 1
    for raw in clients:
        await raw.say(wire.Ping(id=2))
        assert (await raw.hear(wire.Pong)).id == 2


async def test_t2_the_machines_clock_jumps(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = LeapingClock()
    room = await open_room(clock=clock)
    alice, bob, call_id = await talking(room)
    began, real = clock.now(), time.time
    for jump in (-86400.0, 86400.0):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        assert 0 <= clock.now() - began < 5 and 0 <= Clock.now(clock) - began < 5
    monkeypatch.undo()
    clock.ahead = 30
    assert (await bob.ask(wire.Hangup, call_id=call_id)).ok
    ended = await alice.hear(wire.Ended)
    assert 29 < ended.duration < 35
    [record] = (await done(room, BY_FILTER))["CallRecordList"]
    assert record["StartTime"] <= record["AcceptTime"] <= record["EndTime"] <= record["StartTime"] + 40


@pytest.mark.parametrize("overlap", [True, False])
async def test_t3_the_old_key_is_good_while_it_is_named(open_room: OpenRoom, overlap: bool) -> None:
    new = secrets.token_hex(32)
    room = await open_room(secret_keys=(new, KEY) if overlap else (new,))
    await (await room.open()).login("alice", user_sig=ticket("alice", secret_key=new))
    old = await room.open()
    if overlap:
        await old.login("bob", user_sig=ticket("bob"))
    else:
        await old.say(old.login_of("bob", user_sig=ticket("bob")))
        goodbye = await old.hear(wire.Goodbye)
        assert (goodbye.code, goodbye.retry) == (ErrorCode.SIG_INVALID, False)


async def test_w1_callbacks_can_be_put_in_order(tmp_path: Path, open_room: OpenRoom) -> None:
    target = Target()
    await target.start()
    await wanted(tmp_path / "calls.db", target.url, v1=())
    clock = LeapingClock()
    room = await open_room(clock=clock, callbacks=CallbackRules(allow_private=True))
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    for verb, kind in [(wire.Accept, wire.Joined), (wire.Hangup, wire.Ended)]:
        clock.ahead += 5
        assert (await bob.ask(verb, call_id=call_id)).ok
        while not isinstance(wire.decode_from_server((await alice.frame()).data), kind):
            pass
    letters = await target.until(4)
    await target.stop()
    assert {letter.body.get("CallInfo", letter.body)["CallId"] for letter in letters} == {call_id}
    assert len({letter.id for letter in letters}) == 4
    in_time = sorted(letters, key=lambda letter: int(letter.body["EventTime"]))
    commands = [letter.command.removeprefix("Call.CallbackAfter") for letter in in_time]
    assert commands[:2] == ["StartCall", "MemberChanged"] and set(commands[2:]) == {"MemberChanged", "EndCall"}


async def test_w3_records_are_whole_while_calls_end(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(rest_rate=100, calls_per_user=1000, calls_to_callee=1000))
    alice, bob, call_id = await talking(room)
    over = asyncio.Event()
    seen: list[int] = []

    async def look() -> None:
        while not over.is_set():
            records = (await done(room, BY_FILTER, {"NumberPerPage": 100}))["CallRecordList"]
            for one in records:
                assert (
                    one["CallResult"] and one["StartTime"] <= (one["AcceptTime"] or one["StartTime"]) <= one["EndTime"]
                )
            seen.append(len(records))

    looking = asyncio.create_task(look())
    for _ in range(15):
        assert (await bob.ask(wire.Hangup, call_id=call_id)).ok
        await bob.hear(wire.Ended)
        await alice.hear(wire.Ended)
        call_id = await alice.invite("bob")
        await bob.hear(wire.Invited)
        await alice.hear(wire.Ringing)
        assert (await bob.ask(wire.Accept, call_id=call_id)).ok
        await alice.hear(wire.Joined)
    over.set()
    await looking
    assert seen == sorted(seen) and seen[-1] <= 15, "a call that runs is no record"
    assert (await done(room, BY_FILTER, {"NumberPerPage": 100}))["TotalNum"] == 15
