"""Who speaks in a real call of three: one has a voice, two are silent, and all three are told the same."""

from __future__ import annotations

from contextlib import AsyncExitStack

from pycall import ActiveSpeakerChanged, CallBegan, CallReceived, UserJoined
from tests.phones import Phone, phone
from tests.switchroom import Switchroom


async def test_the_one_who_speaks_is_told_to_all_and_then_that_nobody_does(server: Switchroom, alice: Phone) -> None:
    async with AsyncExitStack() as stack:
        silent = []
        for user in ("carol", "dave"):
            one = await stack.enter_async_context(phone(server.url, audio_source="null", volume_interval=0.2))
            await one.engine.login(user, server.ticket(user))
            silent.append(one)
        await alice.engine.group_call("team", ["carol", "dave"])
        for one in silent:
            await one.saw(CallReceived)
            await one.engine.accept()
        for one in (alice, *silent):
            await one.saw(UserJoined, count=2)
            await one.saw(CallBegan)
        for one in (alice, *silent):
            assert (await one.saw(ActiveSpeakerChanged)).user_id == "alice"
        await alice.engine.close_microphone()
        for one in (alice, *silent):
            assert (await one.saw(ActiveSpeakerChanged, count=2)).user_id is None
            assert len(one.all(ActiveSpeakerChanged)) == 2, "nobody jumped in between"
