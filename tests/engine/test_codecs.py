"""Which picture codec a call uses is a setting, checked when it is made."""

from __future__ import annotations

from typing import Any

import pytest

from pycall import CallEngine, ConfigError, EngineConfig, ErrorCode, MediaType
from pycall.core.events import MediaStatistics
from tests.phones import phone, talk
from tests.switchroom import Switchroom


@pytest.mark.parametrize("names", [(), ("H265",), ("AV1", "AV1"), "AV1", ("av1",), (None,), None])
def test_an_unknown_codec_is_a_clear_error(names: Any) -> None:
    with pytest.raises(ConfigError, match="one or more of H264, VP8, AV1") as caught:
        CallEngine(EngineConfig(video_codecs=names))
    assert caught.value.code is ErrorCode.BAD_SETTING


async def test_a_call_in_av1_by_two_who_want_it(server: Switchroom) -> None:
    """And one of them would have H.264 from the graphics processor, which is tried before anybody calls."""
    async with (
        phone(server.url, video_codecs=("AV1", "VP8"), quality_interval=1.0) as alice,
        phone(server.url, video_codecs=("H264", "AV1"), hardware=True) as bob,
    ):
        await alice.engine.login("alice", server.ticket("alice"))
        await bob.engine.login("bob", server.ticket("bob"))
        await talk(alice, bob, MediaType.VIDEO)
        for eye in (alice.eye, bob.eye):
            numbers = await eye.pictures(15)
            assert numbers == sorted(set(numbers))
        await alice.until(lambda: bool(alice.all(MediaStatistics) and alice.all(MediaStatistics)[-1].video_codec))
        assert alice.all(MediaStatistics)[-1].video_codec == "AV1"
