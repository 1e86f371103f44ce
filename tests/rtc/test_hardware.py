"""Hardware encoders: nothing is assumed, probing is quick, and a call goes on without them."""

from __future__ import annotations

import asyncio
import threading
from fractions import Fraction

import av
import pytest
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import depayload

from pycall.config import EngineConfig
from pycall.rtc import hardware
from pycall.rtc.codecs import Decoder
from pycall.rtc.encoders import HardwareH264Encoder, SvtAv1Encoder, VpxEncoder, X264Encoder, picture_encoder
from pycall.rtc.hardware import probe
from pycall.rtc.mesh import Mesh
from tests.rtc.stage import CALL, End, Stage, picture, read_number

H264 = RTCRtpCodecParameters(mimeType="video/H264", clockRate=90000, payloadType=102)


def works(name: str) -> bool:
    """By another way than the probe: a second of pictures."""
    try:
        codec = hardware.context(name, 640, 360, 30, 1_000_000)
        sizes = [sum(packet.size for packet in codec.encode(numbered(number))) for number in range(30)]
    except hardware.ERRORS:
        return False
    return all(sizes)


def numbered(number: int) -> av.VideoFrame:
    frame = picture(number, 640, 360)
    frame.pts, frame.time_base = number * 3000, Fraction(1, 90000)
    return frame


def test_only_what_works_is_found_and_looked_for_once() -> None:
    hardware._probed.cache_clear()
    found = probe()
    assert set(found) == {name for name in hardware.OPTIONS if works(name)}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pycall-probe")]
    assert probe() == found
    assert hardware._probed.cache_info().misses == 1


async def test_probing_from_several_calls_at_once_is_done_once() -> None:
    hardware._probed.cache_clear()
    assert len(set(await asyncio.gather(*(asyncio.to_thread(probe) for _ in range(5))))) == 1
    assert hardware._probed.cache_info().misses == 1


def test_the_encoder_for_each_codec() -> None:
    kinds = {name: type(picture_encoder(name)) for name in ("H264", "VP8", "AV1")}
    assert kinds == {"H264": X264Encoder, "VP8": VpxEncoder, "AV1": SvtAv1Encoder}
    assert type(picture_encoder("H264", ("h264_nvenc", "h264_qsv"))) is HardwareH264Encoder
    assert type(picture_encoder("VP8", ("h264_nvenc",))) is VpxEncoder


@pytest.mark.parametrize("name", hardware.OPTIONS)
def test_every_picture_is_encoded_with_or_without_the_device(name: str, caplog: pytest.LogCaptureFixture) -> None:
    encoder, decoder = HardwareH264Encoder(name), Decoder(H264)
    for number in range(10):
        payloads, at = encoder.encode(numbered(number), key=False, bitrate=900_000, ceiling=1_000_000, fps=30)
        (frame,) = decoder.decode(b"".join(depayload(H264, payload) for payload in payloads), at)
        assert read_number(frame) == number
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == (0 if works(name) else 1)


async def test_a_call_with_an_encoder_that_is_not_there() -> None:
    stage = Stage(End("alice"), End("bob"))
    alice, bob = stage.ends["alice"], stage.ends["bob"]
    alice.mesh = Mesh(alice, alice, call_id=CALL, hardware=("h264_nvenc",))
    try:
        stage.connect("alice", "bob")
        await bob.until(lambda: bob.pictures >= 20)
        assert bob.seen[-1][1] > 0
    finally:
        await stage.close()


def test_it_is_off_unless_asked_for() -> None:
    assert EngineConfig().hardware is False and EngineConfig().video_codecs == ("H264", "VP8")
