"""kill -9 of the server while it rings and while people talk, and of one of the people."""

from __future__ import annotations

import asyncio
import re

from tests.calls.conftest import Party
from tests.switchroom import SwitchroomProcess

Parties = tuple[Party, Party]


async def kill_and_start(server: SwitchroomProcess, parties: Parties) -> None:
    await server.kill()
    await asyncio.gather(*(party.saw("SignalingLost") for party in parties))
    await server.start()
    await asyncio.gather(*(party.saw("SignalingRestored", timeout=30) for party in parties))


async def test_the_server_is_killed_while_it_rings(parties: Parties, server_process: SwitchroomProcess) -> None:
    alice, bob = parties
    await alice.do("call", "bob", "audio")
    await bob.saw("CallReceived")
    await kill_and_start(server_process, parties)
    await bob.do("accept")
    await asyncio.gather(alice.do("tone", 1000), bob.do("tone", 440))
    await alice.do("hangup")
    ends = await asyncio.gather(alice.ended(), bob.ended())
    assert [end["event"] for end in ends] == ["CallEnded", "CallEnded"]
    assert len(bob.all("CallReceived")) == 1


async def test_the_server_is_killed_while_they_talk(parties: Parties, server_process: SwitchroomProcess) -> None:
    alice, bob = parties
    await alice.do("call", "bob", "video")
    await bob.saw("CallReceived")
    await bob.do("accept")
    await asyncio.gather(alice.do("pictures", 5), bob.do("tone", 440))
    await server_process.kill()
    await asyncio.gather(alice.saw("SignalingLost"), bob.saw("SignalingLost"))
    await asyncio.gather(alice.do("pictures", 15), bob.do("tone", 440))
    await server_process.start()
    await asyncio.gather(*(party.saw("SignalingRestored", timeout=30) for party in parties))
    await asyncio.gather(alice.do("pictures", 5), bob.do("tone", 440))
    await alice.do("hangup")
    ends = await asyncio.gather(alice.ended(), bob.ended())
    assert [(end["event"], end["reason"]) for end in ends] == [("CallEnded", "hangup")] * 2
    assert len(alice.all("CallBegan")) == len(bob.all("CallBegan")) == 1


async def test_a_person_is_killed_and_the_other_is_told_in_time(parties: Parties) -> None:
    alice, bob = parties
    await alice.do("call", "bob", "audio")
    await bob.saw("CallReceived")
    await bob.do("accept")
    await alice.do("tone", 1000)
    await alice.saw("NetworkQualityChanged", count=2)
    await bob.kill()
    end = await alice.ended(timeout=30)
    assert end["event"] == "CallEnded"
    assert end["user_id"] == "bob"
    how = (await alice.saw("CallQuality"))["users"]["bob"]
    assert re.search(r"mos=[34]\.", how) and "first_sound" in how, f"of the time that worked: {how}"
