"""Four people, each a process of their own: called, invited, joined, killed; each sees and hears every other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.calls.conftest import Party
from tests.switchroom import SwitchroomProcess

TONES = {"alice": 440, "bob": 1000, "carol": 1700, "dave": 2500}


@pytest_asyncio.fixture
async def crowd(server_process: SwitchroomProcess) -> AsyncIterator[dict[str, Party]]:
    """Four people with a tone and a numbered pattern each."""
    people = {name: Party(name) for name in TONES}
    start = (
        party.start(server_process, audio_source=f"tone:{TONES[name]}", video_profile="180p15")
        for name, party in people.items()
    )
    await asyncio.gather(*start)
    yield people
    await asyncio.gather(*(party.stop() for party in people.values()))


async def see_and_hear_each_other(people: dict[str, Party], *names: str) -> None:
    """The mixed tones of all others, and further numbered pictures of each of them."""
    for name in names:
        others = [other for other in names if other != name]
        await people[name].do("tones", *(TONES[other] for other in others))
        for other in others:
            numbers = await people[name].do("pictures_of", other)
            assert numbers == sorted(numbers), f"{name} sees {other} out of order"


@pytest.mark.timeout(180)
async def test_called_invited_joined_and_killed(crowd: dict[str, Party]) -> None:
    await crowd["alice"].do("group_call", "team", ["bob"], "video", 7)
    await crowd["bob"].saw("CallReceived")
    await crowd["bob"].do("accept")
    await see_and_hear_each_other(crowd, "alice", "bob")
    assert await crowd["bob"].do("invite", ["carol"]) == ["carol"]
    assert (await crowd["carol"].saw("CallReceived"))["inviter"] == "bob"
    await crowd["carol"].do("accept")
    await see_and_hear_each_other(crowd, "alice", "bob", "carol")
    await crowd["dave"].do("join_room", 7, "team")
    await crowd["dave"].do("open_camera")
    await see_and_hear_each_other(crowd, *crowd)
    await crowd["bob"].kill()
    rest = [name for name in crowd if name != "bob"]
    lefts = await asyncio.gather(*(crowd[name].saw("UserLeft", timeout=30) for name in rest))
    assert [(event["user_id"], event["reason"]) for event in lefts] == [("bob", "offline")] * 3
    await see_and_hear_each_other(crowd, *rest)
    for name in rest:
        assert await crowd[name].do("state") == "connected" and not crowd[name].all("CallReconnecting")
    await crowd["alice"].do("hangup")
    await crowd["carol"].do("hangup")
    ends = await asyncio.gather(*(crowd[name].ended() for name in rest))
    assert [(end["event"], end["user_id"]) for end in ends] == [
        ("CallEnded", "alice"),
        ("CallEnded", "carol"),
        ("CallEnded", "carol"),
    ]
