"""Three engines in one call, with real media: who is heard, who is invited, who joins, who leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pycall import (
    CallBegan,
    CallEnded,
    CallError,
    CallReceived,
    ErrorCode,
    MediaType,
    Scene,
    UserInfoChanged,
    UserInviting,
    UserJoined,
    UserLeft,
    VoiceVolume,
)
from tests.phones import Phone, phone, talk
from tests.switchroom import Switchroom


@pytest_asyncio.fixture
async def carol(server: Switchroom) -> AsyncIterator[Phone]:
    async with phone(server.url, audio_source="tone:2500", volume_interval=0.2) as it:
        await it.engine.login("carol", server.ticket("carol"))
        yield it


async def hears(one: Phone, *others: str) -> None:
    """These are heard by this one, by the level of each."""
    heard: set[str] = set()
    stop = one.engine.on(VoiceVolume, lambda event: heard.update(u for u, v in event.volumes.items() if v > 10))
    try:
        await one.until(lambda: set(others) <= heard, 15.0, f"the voices of {others}")
    finally:
        stop()


async def test_two_are_called_and_one_leaves(alice: Phone, bob: Phone, carol: Phone) -> None:
    await alice.engine.calls(["bob", "carol"], room_id="green room")
    for one in (bob, carol):
        received = await one.saw(CallReceived)
        assert (received.callees, received.scene, received.room_id) == (("bob", "carol"), Scene.MULTI, "green room")
        await one.engine.accept()
    for one in (alice, bob, carol):
        await one.saw(CallBegan)
        await one.saw(UserJoined, count=2)
    await hears(alice, "bob", "carol")
    await hears(carol, "alice", "bob")
    await alice.engine.hangup()
    assert (await alice.ended()).user_id == "alice"
    assert (await carol.saw(UserLeft)).user_id == "alice"
    await bob.ear.tone(2500)
    await carol.ear.tone(1000)
    await carol.engine.hangup()
    assert isinstance(await bob.ended(), CallEnded) and isinstance(await carol.ended(), CallEnded)


async def test_a_third_is_invited_into_a_call_of_two(alice: Phone, bob: Phone, carol: Phone) -> None:
    await talk(alice, bob)
    await carol.engine.set_self_info("Carol C.")
    assert await bob.engine.invite_user(["carol", "alice"], user_data="come") == ("carol",)
    assert (await alice.saw(UserInviting)).inviter == "bob"
    received = await carol.saw(CallReceived)
    assert (received.caller, received.inviter, received.user_data) == ("alice", "bob", "come")
    await carol.engine.accept()
    await carol.saw(CallBegan)
    await alice.saw(UserJoined, count=2)
    assert {member.nickname for member in alice.engine.members} == {"", "Carol C."}
    await carol.engine.set_self_info("C.", "https://example.org/c.png")
    assert await alice.saw(UserInfoChanged) == UserInfoChanged("carol", "C.", "https://example.org/c.png")
    await hears(carol, "alice", "bob")
    with pytest.raises(CallError) as caught:
        await alice.engine.switch_media(MediaType.VIDEO)
    assert caught.value.code is ErrorCode.NOT_SUPPORTED
    with pytest.raises(CallError) as caught:
        await alice.engine.invite_user(["carol"])
    assert caught.value.code is ErrorCode.REPEATED


async def test_a_group_is_joined_by_room(alice: Phone, bob: Phone, carol: Phone) -> None:
    call_id = await alice.engine.group_call("team", ["bob"], MediaType.VIDEO, room_id=7)
    await bob.saw(CallReceived)
    await bob.engine.accept()
    await bob.saw(CallBegan)
    assert await carol.engine.join_in_group_call(7, "team") == call_id
    await carol.saw(CallBegan)
    assert (carol.engine.scene, carol.engine.camera_open, carol.engine.microphone_open) == (Scene.GROUP, False, True)
    await carol.eye.until(lambda: carol.eye.users == {"alice", "bob"}, 15.0, "both pictures")
    await carol.engine.hangup()
    await carol.ended()
    await carol.engine.join(call_id)
    await carol.saw(CallBegan, count=2)
    with pytest.raises(CallError) as caught:
        await carol.engine.join(call_id)
    assert caught.value.code is ErrorCode.WRONG_STATE
