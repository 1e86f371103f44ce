"""Music between pycall and Chromium: two channels both ways, where both say that they like them."""

from __future__ import annotations

import re

import pytest

from pycall import MediaType
from tests.interop.calls import PATIENCE, Dial, chromium_calls, pycall_calls
from tests.interop.page import PagePhone
from tests.phones import phone
from tests.stereo import LEFT, RIGHT, TwoEars, TwoTones
from tests.switchroom import Switchroom

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("dial", [pycall_calls, chromium_calls])
async def test_left_is_left_and_right_is_right_both_ways(bob: PagePhone, server: Switchroom, dial: Dial) -> None:
    await bob.login(server, stereo=True, capture="drawn")
    ears = TwoEars()
    async with phone(server.url, audio_profile="music", audio_source=TwoTones(), audio_sink=ears) as alice:
        await alice.engine.login("alice", server.ticket("alice"))
        await dial(alice, bob, MediaType.AUDIO)
        assert await bob.until(f"p.leaning({LEFT}) > 30 && p.leaning({RIGHT}) < -30", PATIENCE)
        await ears.apart(30, 1000, 1500, PATIENCE)
        said = await bob.tab.run("[phone.connection.localDescription.sdp, phone.connection.remoteDescription.sdp]")
        assert all(re.search(r"[ ;]stereo=1", sdp) and "sprop-stereo=1" in sdp for sdp in said)


async def test_a_page_that_does_not_ask_for_stereo_hears_both_tones_in_one(bob: PagePhone, server: Switchroom) -> None:
    await bob.login(server)
    async with phone(server.url, audio_profile="music", audio_source=TwoTones()) as alice:
        await alice.engine.login("alice", server.ticket("alice"))
        await pycall_calls(alice, bob, MediaType.AUDIO)
        assert await bob.until(f"p.levels({LEFT})[0] > -40 && p.levels({RIGHT})[0] > -40", PATIENCE)
        sdp = await bob.tab.run("phone.connection.localDescription.sdp")
        assert "stereo=1" not in sdp
