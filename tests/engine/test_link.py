"""The link to the server breaks, comes back, is taken over or ends: what becomes of the call."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from pycall import CallError, CallState, EndReason, ErrorCode, LoginError, MediaType, SignalingError
from pycall.core.events import (
    CallBegan,
    CallEnded,
    CallNotConnected,
    CallReceived,
    CallReconnected,
    CallReconnecting,
    ErrorOccurred,
    KickedOffline,
    SignalingLost,
    SignalingRestored,
)
from tests.phones import Phone, phone, ring, talk
from tests.relay import Relay
from tests.switchroom import Switchroom


async def test_a_cut_socket_in_the_call_comes_back_and_nobody_hears_it(bob: Phone, server: Switchroom) -> None:
    async with Relay(server.url) as relay, phone(relay.url) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob)
        relay.cut()
        await carol.saw(SignalingLost)
        await carol.saw(SignalingRestored)
        assert carol.engine.state is CallState.CONNECTED
        await bob.ear.tone(440)
        await carol.engine.hangup()
        assert (await bob.ended()).reason is EndReason.HANGUP
        assert isinstance(await carol.ended(), CallEnded)
        assert len(carol.all(CallBegan)) == len(bob.all(CallBegan)) == 1


async def test_a_cut_socket_while_it_rings_rings_on(alice: Phone, server: Switchroom) -> None:
    async with Relay(server.url) as relay, phone(relay.url) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await ring(alice, carol)
        relay.cut()
        await carol.saw(SignalingRestored)
        assert carol.engine.state is CallState.RINGING
        assert len(carol.all(CallReceived)) == 1
        await carol.engine.accept()
        await alice.saw(CallBegan)
        await carol.ear.tone(440)


async def test_the_end_that_came_while_away_is_told_on_return(alice: Phone, server: Switchroom) -> None:
    async with Relay(server.url) as relay, phone(relay.url) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await ring(alice, carol)
        relay.close_door()
        await carol.saw(SignalingLost)
        await alice.engine.hangup()
        await alice.ended()
        relay.open_door()
        ended = await carol.ended(timeout=20)
        assert isinstance(ended, CallNotConnected)
        assert ended.reason is EndReason.CANCELED


async def test_hanging_up_without_a_link_ends_at_once_here_and_for_the_other_on_return(
    bob: Phone, server: Switchroom
) -> None:
    async with Relay(server.url) as relay, phone(relay.url) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob)
        relay.close_door()
        await carol.saw(SignalingLost)
        began = time.monotonic()
        await carol.engine.hangup()
        assert isinstance(await carol.ended(), CallEnded)
        assert time.monotonic() - began < 1
        relay.open_door()
        assert isinstance(await bob.ended(timeout=25), CallEnded)


@pytest.mark.parametrize("talking", [False, True], ids=["ringing", "talking"])
async def test_a_restarted_server_loses_no_call(alice: Phone, bob: Phone, server: Switchroom, talking: bool) -> None:
    await (talk(alice, bob) if talking else ring(alice, bob))
    await server.restart()
    for side in (alice, bob):
        await side.saw(SignalingRestored, timeout=20)
    if not talking:
        await bob.engine.accept()
        await alice.saw(CallBegan)
    await bob.ear.tone(440)
    await alice.ear.tone(1000)
    await alice.engine.hangup()
    for side in (alice, bob):
        assert isinstance(await side.ended(), CallEnded)
        assert len(side.all(CallReceived)) <= 1


async def test_kicked_in_a_call_ends_it_here_and_the_engine_stays_away(
    alice: Phone, bob: Phone, server: Switchroom
) -> None:
    await talk(alice, bob)
    async with phone(server.url) as elsewhere:
        await elsewhere.engine.login("alice", server.ticket("alice"))
        await alice.saw(KickedOffline)
        assert isinstance(await alice.ended(), CallEnded)
        assert isinstance(await bob.ended(), CallEnded)
        assert not alice.engine.signed_in
        with pytest.raises(LoginError) as caught:
            await alice.engine.call("bob")
        assert caught.value.code is ErrorCode.NOT_LOGGED_IN
        assert not elsewhere.all(KickedOffline)
        await alice.engine.login("alice", server.ticket("alice"))
        await elsewhere.saw(KickedOffline)
        assert alice.engine.signed_in


async def test_kicked_while_it_rings_moves_the_ring(alice: Phone, bob: Phone, server: Switchroom) -> None:
    await ring(alice, bob)
    async with phone(server.url) as elsewhere:
        await elsewhere.engine.login("bob", server.ticket("bob"))
        await bob.saw(KickedOffline)
        await elsewhere.saw(CallReceived)
        await elsewhere.engine.accept()
        await alice.saw(CallBegan)


async def test_media_that_dies_is_brought_back_without_an_end(alice: Phone, bob: Phone) -> None:
    """Alice's media connection is taken away under her line: Bob hears its good-bye; 1 s later there is a new one."""
    await talk(alice, bob)
    assert alice.engine._driver._call is not None
    alice.engine._driver._call.mesh.close("bob")
    await bob.saw(CallReconnecting)
    assert bob.engine.state is CallState.RECONNECTING
    await bob.saw(CallReconnected, timeout=3)
    await bob.ear.tone(440)
    await alice.ear.tone(1000)
    await bob.engine.hangup()
    for side in (alice, bob):
        ended = await side.ended()
        assert isinstance(ended, CallEnded)
        assert ended.duration > 1


async def test_a_refused_ticket(server: Switchroom) -> None:
    async with phone(server.url) as it:
        with pytest.raises(LoginError) as caught:
            await it.engine.login("carol", server.ticket("carol", expire=10, now=time.time() - 100))
        assert caught.value.code is ErrorCode.SIG_EXPIRED
        with pytest.raises(LoginError) as caught:
            await it.engine.login("carol", server.ticket("dora"))
        assert caught.value.code is ErrorCode.SIG_WRONG_USER
        with pytest.raises(LoginError):
            await it.engine.login("carol", "eJwAAAA_")
        assert not it.engine.signed_in
        await it.engine.login("carol", server.ticket("carol"))
        assert (it.engine.signed_in, it.engine.user_id) == (True, "carol")


async def test_a_renewed_ticket_does_not_touch_the_call(alice: Phone, bob: Phone, server: Switchroom) -> None:
    await talk(alice, bob)
    await alice.engine.login("alice", server.ticket("alice"))
    await bob.ear.tone(440)
    assert alice.engine.state is CallState.CONNECTED
    assert not bob.all(CallEnded)
    with pytest.raises(LoginError) as caught:
        await alice.engine.login("carol", server.ticket("carol"))
    assert caught.value.code is ErrorCode.WRONG_STATE
    await bob.engine.hangup()
    assert isinstance(await alice.ended(), CallEnded)


async def test_signing_out_and_in_as_somebody_else(alice: Phone, bob: Phone, server: Switchroom) -> None:
    await alice.engine.logout()
    await alice.engine.logout()
    assert not alice.engine.signed_in
    await alice.engine.login("carol", server.ticket("carol"))
    assert alice.engine.user_id == "carol"
    await ring(bob, alice)
    await alice.engine.accept()
    await bob.saw(CallBegan)


async def test_a_verb_without_an_answer_ends_and_leaves_no_half_open_call(bob: Phone, server: Switchroom) -> None:
    async with Relay(server.url) as relay, phone(relay.url, reply_timeout=0.5) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        relay.close_door()
        await carol.saw(SignalingLost)
        with pytest.raises((SignalingError, CallError)):
            await carol.engine.call("bob")
        assert (await carol.engine.wait_for(CallNotConnected, 5) if carol.engine.state else True) is not None
        relay.open_door()
        await carol.saw(SignalingRestored, timeout=20)
        assert carol.engine.state is None
        assert not bob.all(CallReceived) or await bob.ended()


async def test_the_engine_leaves_nothing_behind(server: Switchroom, bob: Phone) -> None:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    async with phone(server.url) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob, MediaType.VIDEO)
        await bob.eye.pictures(3)
    await bob.ended()
    async with asyncio.timeout(3):
        while bob.engine._driver._closing:
            await asyncio.wait(bob.engine._driver._closing)
    left = {task for task in asyncio.all_tasks() - tasks - {*bob.engine._listeners._tasks} if not task.done()}
    ours = [task.get_name() for task in left if not task.get_name().startswith("Task-")]
    assert ours == []
    assert {t.name for t in set(threading.enumerate()) - threads if not t.name.startswith("asyncio_")} == set()
    assert carol.ear.stopped == carol.ear.started == 1


async def test_closing_with_the_server_gone_takes_two_seconds_at_most(server: Switchroom, bob: Phone) -> None:
    async with Relay(server.url) as relay:
        async with phone(relay.url) as carol:
            await carol.engine.login("carol", server.ticket("carol"))
            await talk(carol, bob, MediaType.VIDEO)
            relay.close_door()
            began = time.monotonic()
        assert time.monotonic() - began < 3
        assert isinstance(carol.log[-1], CallEnded)
        assert not carol.all(ErrorOccurred)
