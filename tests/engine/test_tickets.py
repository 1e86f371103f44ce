"""A ticket that runs out while its user is on the phone: told once, and not a word of the conversation is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pycall import CallEnded, CallError, ErrorCode, LoginError, UserSigExpired
from signaling_server.limits import Limits
from tests.phones import phone, ring, talk
from tests.server.raw import LeapingClock
from tests.switchroom import Switchroom


async def test_the_conversation_outlives_its_tickets(tmp_path: Path) -> None:
    clock = LeapingClock()
    async with (
        Switchroom(tmp_path / "calls.db", clock=clock, limits=Limits(heartbeat=0.5)) as server,
        phone(server.url) as alice,
        phone(server.url, audio_source="tone:880") as bob,
    ):
        await alice.engine.login("alice", server.ticket("alice", expire=60))
        await bob.engine.login("bob", server.ticket("bob", expire=86400))
        await talk(alice, bob)
        clock.ahead = 61
        await alice.saw(UserSigExpired)
        clock.ahead = 200  # beyond the grace, which counts outside calls only
        await alice.ear.tone(880)
        await bob.ear.tone(440)
        await alice.engine.login("alice", server.ticket("alice", expire=3600))
        await alice.ear.tone(880)
        await alice.engine.hangup()
        assert isinstance(await bob.ended(), CallEnded)
        assert len(alice.all(UserSigExpired)) == 1 and not bob.all(UserSigExpired)
        await talk(alice, bob)


async def test_no_call_begins_until_there_is_a_new_ticket(tmp_path: Path) -> None:
    clock = LeapingClock()
    async with (
        Switchroom(tmp_path / "calls.db", clock=clock) as server,
        phone(server.url) as alice,
        phone(server.url) as bob,
    ):
        await bob.engine.login("bob", server.ticket("bob", expire=86400))
        await alice.engine.login("alice", server.ticket("alice", expire=60))
        await ring(bob, alice)
        clock.ahead = 70
        await alice.saw(UserSigExpired)
        with pytest.raises(CallError) as caught:
            await alice.engine.accept()
        assert caught.value.code is ErrorCode.SIG_EXPIRED
        await alice.engine.reject()
        await bob.ended()
        with pytest.raises(LoginError) as caught:
            await alice.engine.call("bob")
        assert caught.value.code is ErrorCode.SIG_EXPIRED
        await alice.engine.login("alice", server.ticket("alice", now=time.time() + 200))
        await ring(alice, bob)
