"""One person with two real engines: both ring, one answers and has the sound, the other is told so.

| what happens                                   | test                                               |
|------------------------------------------------|----------------------------------------------------|
| both ring, one answers, the other is told      | test_the_one_that_answers_has_the_call             |
| both ring, one refuses, the other is told      | test_one_that_refuses_stops_the_other              |
| both answer in the same moment                 | test_both_answer_and_one_is_in_the_call            |
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pycall import CallBegan, CallEnded, CallError, CallNotConnected, CallReceived, EndReason, KickedOffline, UserJoined
from tests.phones import Phone, phone
from tests.switchroom import Switchroom


@pytest_asyncio.fixture
async def pocket(server: Switchroom, bob: Phone) -> AsyncIterator[Phone]:
    """Bob's second device, which sends another tone."""
    await bob.engine.enable_multi_device_ability(True)
    async with phone(server.url, audio_source="tone:2500") as it:
        await it.engine.login("bob", server.ticket("bob"))
        await it.engine.enable_multi_device_ability(True)
        yield it


async def rings(alice: Phone, *devices: Phone) -> None:
    await alice.engine.call("bob")
    for device in devices:
        await device.saw(CallReceived)


@pytest.mark.parametrize("newer", [True, False])
async def test_the_one_that_answers_has_the_call(alice: Phone, bob: Phone, pocket: Phone, newer: bool) -> None:
    await rings(alice, bob, pocket)
    answering, other = (pocket, bob) if newer else (bob, pocket)
    await answering.engine.accept()
    told = await other.ended()
    assert isinstance(told, CallNotConnected)
    assert (told.reason, told.user_id) == (EndReason.OTHER_DEVICE_ACCEPTED, "bob")
    await alice.saw(CallBegan)
    await answering.saw(CallBegan)
    await alice.ear.tone(2500 if newer else 1000)
    await answering.ear.tone(440)
    assert other.ear.frames == 0 and other.engine.call_id is None
    assert len(alice.all(UserJoined)) == 1 and not bob.all(KickedOffline)
    await alice.engine.hangup()
    assert isinstance(await answering.ended(), CallEnded) and isinstance(await alice.ended(), CallEnded)
    assert await other.ended() == told, "one end for each, and nothing after it"


async def test_one_that_refuses_stops_the_other(alice: Phone, bob: Phone, pocket: Phone) -> None:
    await rings(alice, bob, pocket)
    await bob.engine.reject()
    assert (await bob.ended()).reason is EndReason.REJECTED
    assert (await pocket.ended()).reason is EndReason.OTHER_DEVICE_REJECTED
    assert (await alice.ended()).reason is EndReason.REJECTED


async def test_both_answer_and_one_is_in_the_call(alice: Phone, bob: Phone, pocket: Phone) -> None:
    await rings(alice, bob, pocket)
    answers = await asyncio.gather(bob.engine.accept(), pocket.engine.accept(), return_exceptions=True)
    (refused,) = [answer for answer in answers if answer is not None]
    assert isinstance(refused, CallError)
    winner, loser = (bob, pocket) if answers[0] is None else (pocket, bob)
    assert (await loser.ended()).reason is EndReason.OTHER_DEVICE_ACCEPTED
    await alice.saw(CallBegan)
    await winner.saw(CallBegan)
    await alice.ear.tone(1000 if winner is bob else 2500)
    assert loser.ear.frames == 0 and not loser.all(CallBegan) and len(alice.all(UserJoined)) == 1
