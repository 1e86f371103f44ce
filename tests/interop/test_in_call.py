"""What happens in a call with Chromium: voice and video switched, signaling lost, a connection lost, rates found."""

from __future__ import annotations

import pytest

from pycall import MediaType
from pycall.core.events import (
    CallMediaChanged,
    CallReconnected,
    CallReconnecting,
    SignalingLost,
    SignalingRestored,
    UserVideoAvailable,
)
from pycall.rtc.session import Session
from tests.interop.calls import PATIENCE, alice_sees, bob_sees, both_hear, chromium_calls, hung_up, pycall_calls
from tests.interop.page import PagePhone
from tests.phones import Phone, phone
from tests.relay import Relay
from tests.switchroom import Switchroom

pytestmark = pytest.mark.browser

CHROMIUM_STARTS_AT = 300_000
"""bit/s; without feedback it only falls from there."""


async def test_voice_to_video_and_back(alice: Phone, bob: PagePhone, server: Switchroom) -> None:
    await bob.login(server)
    await pycall_calls(alice, bob, MediaType.AUDIO)
    await both_hear(alice, bob)
    assert alice.eye.sizes == []
    await bob.do("switchMedia", "video")
    assert (await alice.saw(CallMediaChanged, PATIENCE)).new is MediaType.VIDEO
    await alice_sees(alice)
    await alice.engine.open_camera()
    assert (await bob.told("media_set"))["video"] is True
    await bob_sees(bob)
    await alice.engine.switch_media(MediaType.AUDIO)
    assert (await bob.told("media_switched", count=2))["new"] == "audio"
    assert (await alice.saw(CallMediaChanged, PATIENCE, 2)).new is MediaType.AUDIO
    await both_hear(alice, bob)
    await alice.engine.switch_media(MediaType.VIDEO)
    await bob_sees(bob, again=True)
    await bob.do("openCamera")
    assert (await alice.saw(UserVideoAvailable, PATIENCE, len(alice.all(UserVideoAvailable)))).available
    await alice_sees(alice)
    await hung_up(alice, bob, by="bob")


async def test_signaling_lost_and_restored_leaves_the_media_alone(bob: PagePhone, server: Switchroom) -> None:
    await bob.login(server)
    async with Relay(server.url) as relay, phone(relay.url) as alice:
        await alice.engine.login("alice", server.ticket("alice"))
        await pycall_calls(alice, bob)
        await both_hear(alice, bob)
        relay.cut()
        await alice.saw(SignalingLost, PATIENCE)
        await alice_sees(alice, 5)
        await bob_sees(bob, 3)
        await alice.saw(SignalingRestored, PATIENCE)
        await both_hear(alice, bob)
        assert await bob.tab.run("phone.connection.generation") == 0
        assert alice.all(CallReconnecting) == []
        await hung_up(alice, bob, by="alice")


async def test_a_lost_connection_is_offered_anew(alice: Phone, bob: PagePhone, server: Switchroom) -> None:
    await bob.login(server)
    await chromium_calls(alice, bob)
    await both_hear(alice, bob)
    await bob.do("disconnect")
    await alice.saw(CallReconnecting, PATIENCE)
    await alice.saw(CallReconnected, PATIENCE)
    assert await bob.until("p.connection && p.connection.generation") > 0
    await both_hear(alice, bob)
    await alice_sees(alice, 5)
    await bob_sees(bob)
    await hung_up(alice, bob, by="bob")


def session_with(alice: Phone, user_id: str) -> Session:
    call = alice.engine._driver._call
    assert call is not None
    session = call.mesh.peers[user_id].session
    assert session is not None
    return session


async def test_each_side_tells_the_other_how_its_packets_arrive(
    alice: Phone, bob: PagePhone, server: Switchroom
) -> None:
    await bob.login(server)
    await pycall_calls(alice, bob)
    rates = session_with(alice, "bob").sending.controller
    await alice.eye.until(lambda: rates.acknowledged is not None, PATIENCE, "transport-wide feedback")
    await alice.eye.until(lambda: rates.estimate > 900_000, PATIENCE, "900 kbit/s found by probing")
    assert rates.rtt is not None and rates.rtt < 0.5
    found = f"s.type === 'candidate-pair' && s.availableOutgoingBitrate > {CHROMIUM_STARTS_AT}"
    await bob.until(f"(await p.stats()).some((s) => {found})", PATIENCE)
