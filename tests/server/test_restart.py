"""kill -9 and a clean stop of a real server process: no call is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio

from pycall.core import wire
from pycall.core.types import EndReason
from tests.server.raw import Raw, Room, room_of, talking
from tests.switchroom import SwitchroomProcess


@pytest_asyncio.fixture
async def process(tmp_path: Path) -> AsyncIterator[SwitchroomProcess]:
    process = SwitchroomProcess(tmp_path)
    await process.start()
    yield process
    await process.stop()


@asynccontextmanager
async def killed(process: SwitchroomProcess, *clients: Raw) -> AsyncIterator[Room]:
    """The server, killed and started again on its database and port."""
    await process.kill()
    for client in clients:
        await client.gone()
    await process.start()
    async with room_of(process.url, process.ticket) as room:
        yield room


async def back(room: Room, user_id: str, call_id: str) -> tuple[Raw, wire.Welcome]:
    raw = await room.open()
    return raw, await raw.login(user_id, call_id=call_id)


async def test_a_ring_goes_on_with_its_remaining_time(process: SwitchroomProcess) -> None:
    async with room_of(process.url, process.ticket) as room:
        alice, bob = await room.user("alice"), await room.user("bob")
        asked_at = time.monotonic()
        call_id = await alice.invite("bob", timeout=20)
        rang_at = time.monotonic()
        await bob.hear(wire.Invited)
        await alice.hear(wire.Ringing)
        async with killed(process, alice, bob) as again:
            back_at = time.monotonic()
            bob, welcome = await back(again, "bob", call_id)
            assert welcome.call is not None and welcome.call.call_id == call_id
            rung_at_least, rung_at_most = back_at - rang_at, time.monotonic() - asked_at
            assert 20 - rung_at_most <= (welcome.call.remaining or 0) <= 20 - rung_at_least
            alice, welcome = await back(again, "alice", call_id)
            assert welcome.call is not None and welcome.call.call_id == call_id
            assert (await bob.ask(wire.Accept, call_id=call_id)).ok
            assert (await alice.hear(wire.Joined)).user_id == "bob"


async def test_a_ring_that_ran_out_meanwhile_ends(process: SwitchroomProcess) -> None:
    async with room_of(process.url, process.ticket) as room:
        alice, bob = await room.user("alice"), await room.user("bob")
        call_id = await alice.invite("bob", timeout=1)
        await bob.hear(wire.Invited)
        await alice.hear(wire.Ringing)
        async with killed(process, alice, bob) as again:
            alice, welcome = await back(again, "alice", call_id)
            if welcome.ended is None:
                assert (await alice.hear(wire.Declined)).reason is EndReason.NO_ANSWER
                ended = await alice.hear(wire.Ended)
            else:
                ended = welcome.ended
            assert (ended.call_id, ended.reason) == (call_id, EndReason.NO_ANSWER)
            assert await alice.invite("bob")


async def test_a_running_call_is_bound_again(process: SwitchroomProcess) -> None:
    async with room_of(process.url, process.ticket) as room:
        alice, bob, call_id = await talking(room)
        began = time.monotonic()
        async with killed(process, alice, bob) as again:
            alice, welcome = await back(again, "alice", call_id)
            bob, other = await back(again, "bob", call_id)
            for view in [welcome.call, other.call]:
                assert view is not None and view.call_id == call_id and view.elapsed is not None
            await alice.say(wire.Signal(call_id=call_id, to="bob", kind="offer", generation=1, sdp="v=0"))
            assert (await bob.hear(wire.Signaled)).sender == "alice"
            assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
            ended = await bob.hear(wire.Ended)
            assert ended.reason is EndReason.HANGUP
            assert 0 < ended.duration < time.monotonic() - began + 2.0


async def test_an_ended_call_can_still_be_asked_for(process: SwitchroomProcess) -> None:
    async with room_of(process.url, process.ticket) as room:
        alice, bob, call_id = await talking(room)
        assert (await bob.ask(wire.Hangup, call_id=call_id)).ok
        async with killed(process) as again:
            _, welcome = await back(again, "alice", call_id)
            assert welcome.call is None
            assert welcome.ended is not None and welcome.ended.user_id == "bob"


async def test_a_clean_stop_sends_everybody_away_to_come_back(process: SwitchroomProcess) -> None:
    async with room_of(process.url, process.ticket) as room:
        alice, bob, call_id = await talking(room)
        stopping = asyncio.create_task(process.stop())
        for raw in [alice, bob]:
            goodbye = await raw.hear(wire.Goodbye)
            assert goodbye.retry
            assert await raw.close_code() == 1012
        assert await stopping == 0
        await process.start()
        async with room_of(process.url, process.ticket) as again:
            _, welcome = await back(again, "alice", call_id)
            assert welcome.call is not None and welcome.call.call_id == call_id
