"""Video calls between pycall and Chromium: what one sends is what the other hears and sees, whoever calls."""

from __future__ import annotations

import pytest

from tests.interop.calls import PATIENCE, Dial, alice_sees, bob_sees, both_hear, chromium_calls, hung_up, pycall_calls
from tests.interop.page import PagePhone
from tests.phones import Phone, phone
from tests.switchroom import Switchroom

pytestmark = pytest.mark.browser


SMOOTH = """(async () => {
    const video = async () => (await p.stats()).find((s) => s.type === "inbound-rtp" && s.kind === "video");
    const before = await video();
    const full = (now) => now.framesDecoded >= before.framesDecoded + 15;
    const after = await p.until(async () => { const now = await video(); return full(now) && now; });
    return after.freezeCount === before.freezeCount && after;
})()"""
"""Statistics after a second without a freeze; a busy machine may need several attempts."""


async def received_well(bob: PagePhone, codec: str) -> None:
    """Chromium decodes our pictures as they are and without a freeze, and has little to ask for again."""
    video = await bob.until(SMOOTH, PATIENCE)
    assert (video["frameWidth"], video["frameHeight"]) == (640, 360)
    assert video["keyFramesDecoded"] <= 3 + video["pliCount"], video
    assert video["nackCount"] <= 5 and video["pliCount"] <= 2, video
    stats = await bob.stats()
    assert stats.codec("inbound-rtp", "video") == f"video/{codec}"
    assert stats.codec("inbound-rtp", "audio") == "audio/opus"


async def carries_both_ways(alice: Phone, bob: PagePhone, codec: str) -> None:
    await both_hear(alice, bob)
    await alice_sees(alice)
    await bob_sees(bob)
    await received_well(bob, codec)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_pycall_calls(alice: Phone, bob: PagePhone, server: Switchroom, codec: str) -> None:
    await bob.login(server, codecs=None if codec == "H264" else [codec])
    await pycall_calls(alice, bob)
    await carries_both_ways(alice, bob, codec)
    assert (await bob.stats()).codec("outbound-rtp", "video") == f"video/{codec}"
    await hung_up(alice, bob, by="bob")


async def test_chromium_calls(alice: Phone, bob: PagePhone, server: Switchroom) -> None:
    await bob.login(server)
    await chromium_calls(alice, bob)
    await carries_both_ways(alice, bob, "H264")
    assert (await bob.stats()).codec("outbound-rtp", "video") == "video/H264"
    await hung_up(alice, bob, by="alice")


async def test_chromium_answers_with_vp8_only_and_sends_the_first_codec_of_our_offer(
    alice: Phone, bob: PagePhone, server: Switchroom
) -> None:
    await bob.login(server, codecs=["VP8"])
    await chromium_calls(alice, bob)
    await carries_both_ways(alice, bob, "VP8")
    assert (await bob.stats()).codec("outbound-rtp", "video") == "video/H264"
    await hung_up(alice, bob, by="alice")


@pytest.mark.parametrize("dial", [pycall_calls, chromium_calls])
@pytest.mark.parametrize("codec", ["VP8", "AV1"])
async def test_pycall_wants_another_codec(bob: PagePhone, server: Switchroom, dial: Dial, codec: str) -> None:
    await bob.login(server)
    async with phone(server.url, video_codecs=(codec,)) as alice:
        await alice.engine.login("alice", server.ticket("alice"))
        await dial(alice, bob)
        await carries_both_ways(alice, bob, codec)
        assert (await bob.stats()).codec("outbound-rtp", "video") == f"video/{codec}"
