"""Calls between two processes through a third: what was sent is what is heard and seen."""

from __future__ import annotations

import asyncio

from tests.calls.conftest import Party

Parties = tuple[Party, Party]


async def talk(parties: Parties, media: str) -> None:
    alice, bob = parties
    await alice.do("call", "bob", media)
    received = await bob.saw("CallReceived")
    assert (received["caller"], received["media"]) == ("alice", media)
    await bob.do("accept")
    await asyncio.gather(alice.saw("CallBegan"), bob.saw("CallBegan"))


async def hang_up(parties: Parties) -> None:
    """The callee does; both are told the same once."""
    alice, bob = parties
    await bob.do("hangup")
    ends = await asyncio.gather(alice.ended(), bob.ended())
    assert {end["event"] for end in ends} == {"CallEnded"}
    assert {(end["reason"], end["user_id"]) for end in ends} == {("hangup", "bob")}
    assert abs(ends[0]["duration"] - ends[1]["duration"]) < 1


async def test_a_video_call_carries_both_tones_and_rising_frame_numbers(parties: Parties) -> None:
    alice, bob = parties
    await talk(parties, "video")
    await asyncio.gather(alice.do("tone", 1000), bob.do("tone", 440))
    for numbers in await asyncio.gather(alice.do("pictures", 30), bob.do("pictures", 30)):
        assert numbers == sorted(set(numbers))
        assert numbers[-1] - numbers[0] < 60
    assert (await alice.do("sizes"))[-1] == [640, 360]
    await hang_up(parties)


async def test_the_size_follows_the_profile_and_the_microphone_the_mute(parties: Parties) -> None:
    alice, bob = parties
    await talk(parties, "video")
    await bob.do("size", 640, 360)
    await alice.do("profile", "480p15")
    await bob.do("size", 640, 480)
    numbers = await bob.do("pictures", 5)
    assert numbers == sorted(set(numbers))
    await bob.do("tone", 440)
    await alice.do("close_microphone")
    await bob.do("silence")
    await alice.do("open_microphone")
    await bob.do("tone", 440)
    await hang_up(parties)


async def test_voice_to_video_and_back(parties: Parties) -> None:
    alice, bob = parties
    await talk(parties, "audio")
    await asyncio.gather(alice.do("tone", 1000), bob.do("tone", 440))
    assert await bob.do("sizes") == []
    await alice.do("switch", "video")
    await bob.do("size", 640, 360)
    assert await alice.do("sizes") == []
    await bob.do("open_camera")
    await alice.do("pictures", 5)
    await bob.do("switch", "audio")
    await asyncio.gather(alice.saw("CallMediaChanged", count=2), bob.saw("CallMediaChanged", count=2))
    assert [(e["new"], e["user_id"]) for e in bob.all("CallMediaChanged")] == [("video", "alice"), ("audio", "bob")]
    await asyncio.gather(alice.do("tone", 1000), bob.do("tone", 440))
    await hang_up(parties)
