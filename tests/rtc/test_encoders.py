"""The encoders: what comes out can be decoded, follows the target and survives changes."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc import RTCRtpCodecParameters
from av.video.frame import PictureType

from pycall.rtc import opus, x264
from pycall.rtc.codecs import Decoder, assemble, begins_keyframe, unpack
from pycall.rtc.encoders import (
    PictureEncoder,
    SvtAv1Encoder,
    VpxEncoder,
    WrappedX264Encoder,
    X264Encoder,
    even_yuv420p,
    narrow_asm,
    picture_encoder,
)
from pycall.rtc.send.voice import dbov
from tests.rtc.stage import picture, read_number

H264 = RTCRtpCodecParameters(mimeType="video/H264", clockRate=90000, payloadType=99)
VP8 = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90000, payloadType=97)
OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48000, channels=2, payloadType=96)
AV1 = RTCRtpCodecParameters(mimeType="video/AV1", clockRate=90000, payloadType=45)
KINDS = [(X264Encoder, H264), (WrappedX264Encoder, H264), (VpxEncoder, VP8), (SvtAv1Encoder, AV1)]
TEXTURE = np.random.default_rng(3).integers(40, 200, (720, 1280), dtype=np.uint8)
SOFT = np.mean([np.roll(TEXTURE, (y, x), (0, 1)) for y in range(4) for x in range(4)], axis=0).astype(np.uint8)
"""As detailed as a real picture at its best; `TEXTURE` is noise."""


def grainy(seed: int) -> np.ndarray:
    """As a camera in poor light gives it: no two pictures are alike."""
    return SOFT + np.random.default_rng(seed).integers(0, 17, SOFT.shape, dtype=np.uint8)


class Bench:
    """Encodes numbered pictures and keeps what came out."""

    def __init__(self, encoder: PictureEncoder, codec: RTCRtpCodecParameters) -> None:
        self.encoder, self.codec = encoder, codec
        self.decoder = Decoder(codec)
        self.number = 0
        self.sizes: list[int] = []
        self.keys: list[int] = []

    def encode(self, width: int = 320, height: int = 240, *, key: bool = False, bitrate: int = 600_000,
               ceiling: int = 600_000, fps: int = 30, leak: PictureType = PictureType.NONE,
               texture: np.ndarray | None = None) -> list[av.VideoFrame]:  # fmt: skip
        frame = picture(self.number, width, height, texture)
        frame.pts, frame.time_base, frame.pict_type = self.number * 33333, Fraction(1, 1_000_000), leak
        payloads, timestamp = self.encoder.encode(frame, key=key, bitrate=bitrate, ceiling=ceiling, fps=fps)
        assert timestamp == self.number * 33333 * 9 // 100
        assert all(0 < len(payload) <= 1300 for payload in payloads)
        data = [unpack(self.codec, payload) for payload in payloads]
        if any(begins_keyframe(self.codec, payload, part) for payload, part in zip(payloads, data, strict=True)):
            self.keys.append(self.number)
        self.sizes.append(sum(map(len, payloads)))
        self.number += 1
        return self.decoder.decode(assemble(self.codec, data), timestamp)


@pytest.mark.parametrize(("encoder", "codec"), KINDS)
def test_every_picture_can_be_read_at_once(encoder: type, codec: RTCRtpCodecParameters) -> None:
    bench = Bench(encoder(), codec)
    for number in range(20):
        frames = bench.encode()
        assert [read_number(frame) for frame in frames] == [number]
        assert frames[0].time_base == Fraction(1, 90000)
    assert bench.keys == [0]


@pytest.mark.parametrize(("encoder", "codec"), KINDS)
def test_keyframes_come_when_asked_for_and_never_leak_from_the_source(encoder: type, codec) -> None:  # type: ignore[no-untyped-def]
    bench = Bench(encoder(), codec)
    for number in range(20):
        bench.encode(key=number == 10, leak=PictureType.I)
    assert bench.keys == [0, 10]


@pytest.mark.parametrize(("encoder", "codec"), KINDS)
def test_size_rate_and_bitrate_may_change_between_pictures(encoder: type, codec: RTCRtpCodecParameters) -> None:
    bench = Bench(encoder(), codec)
    for width, height, fps, ceiling in [(320, 240, 30, 600_000), (640, 360, 15, 400_000), (160, 120, 30, 1_000_000)]:
        for _ in range(3):
            (frame,) = bench.encode(width, height, fps=fps, ceiling=ceiling, bitrate=ceiling)
            assert (frame.width, frame.height) == (width, height)
            assert read_number(frame) == bench.number - 1
    assert bench.keys == [0, 3, 6]


def test_more_bits_need_no_keyframe() -> None:
    """With many, blocks are not smoothed any more."""
    bench = Bench(X264Encoder(), H264)
    for number in range(60):
        rate = 300_000 if number < 20 or number >= 40 else 2_000_000
        (frame,) = bench.encode(640, 360, bitrate=rate, ceiling=rate, texture=TEXTURE)
        assert read_number(frame) == number
    assert bench.keys == [0]


def test_a_running_encoder_changes_to_what_another_began_with() -> None:
    def encoder(sharp: int) -> x264.X264:
        return x264.X264(640, 360, fps=30, threads=1, settings={"subme": 1, "no-deblock": sharp})

    def second(made: x264.X264) -> bytes:
        return made.encode(picture(2, 640, 360, TEXTURE), key=True, quantiser=40)

    smooth, changed, sharp = encoder(0), encoder(0), encoder(1)
    for made in (smooth, changed, sharp):
        made.encode(picture(1, 640, 360, TEXTURE), key=True, quantiser=40)
    changed.change({"no-deblock": 1})
    assert second(changed) == second(sharp) != second(smooth)


@pytest.mark.parametrize(("encoder", "codec"), KINDS)
def test_odd_sizes_and_other_formats_are_made_to_fit(encoder: type, codec: RTCRtpCodecParameters) -> None:
    odd = av.VideoFrame.from_ndarray(np.full((121, 163, 3), 90, np.uint8), format="rgb24")
    odd.pts, odd.time_base = 0, Fraction(1, 30)
    fitted = even_yuv420p(odd)
    assert (fitted.width, fitted.height, fitted.format.name, fitted.pts) == (162, 120, "yuv420p", 0)
    payloads, _ = encoder().encode(odd, key=True, bitrate=300_000, ceiling=300_000, fps=30)
    assert payloads


def test_x264_keeps_to_a_lower_target_within_ten_pictures() -> None:
    bench = Bench(X264Encoder(), H264)
    rng = np.random.default_rng(5)
    for number in range(90):
        moving = np.roll(TEXTURE, int(rng.integers(-3, 4)), axis=1)
        bench.encode(640, 360, bitrate=1_500_000 if number < 60 else 300_000, ceiling=1_500_000, texture=moving)
    assert sum(bench.sizes[30:60]) * 8 > 900_000
    assert sum(bench.sizes[60:70]) * 8 * 3 < 600_000
    assert sum(bench.sizes[70:90]) * 8 * 1.5 == pytest.approx(300_000, rel=0.2)
    assert bench.keys == [0]


def test_x264_spends_the_same_on_fewer_pictures_without_a_keyframe() -> None:
    bench = Bench(X264Encoder(), H264)
    rng = np.random.default_rng(5)
    for number in range(90):
        moving = np.roll(TEXTURE, int(rng.integers(-3, 4)), axis=1)
        bench.encode(640, 360, bitrate=300_000, ceiling=1_500_000, fps=30 if number < 60 else 15, texture=moving)
    assert sum(bench.sizes[30:60]) * 8 == pytest.approx(300_000, rel=0.2)
    assert 200_000 < sum(bench.sizes[75:90]) * 8 < 330_000
    assert bench.keys == [0]


def test_another_scene_fits_and_nothing_shows_of_what_was_coded_in_vain() -> None:
    bench = Bench(X264Encoder(), H264)
    for number in range(80):
        scene = TEXTURE[::-1] if number >= 40 else SOFT
        (frame,) = bench.encode(640, 360, bitrate=400_000, ceiling=400_000, texture=scene)
        assert read_number(frame) == number
    assert max(bench.sizes) * 8 < 0.25 * 400_000
    assert bench.keys == [0, 40]


def test_the_first_picture_is_no_smaller_than_the_wrappers() -> None:
    sizes = []
    for kind in (X264Encoder, WrappedX264Encoder):
        bench = Bench(kind(), H264)
        bench.encode(1280, 720, bitrate=540_000, ceiling=1_080_000, texture=TEXTURE)
        sizes.append(bench.sizes[0])
    assert 0.75 * sizes[1] < sizes[0] <= 0.12 * 1_080_000 / 8


def test_without_libx264_by_itself_the_wrapper_encodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x264, "CANDIDATES", ("/no/such/libx264.so", *opus.CANDIDATES))
    x264.load.cache_clear()
    try:
        assert isinstance(picture_encoder("H264"), WrappedX264Encoder)
    finally:
        x264.load.cache_clear()
    monkeypatch.undo()
    assert isinstance(picture_encoder("H264"), X264Encoder)


def test_libx264_is_found_beside_pyav_and_refuses_what_does_not_fit() -> None:
    assert x264.available()
    encoder = x264.X264(64, 48, fps=30, threads=1, settings={})
    with pytest.raises(ValueError, match="cannot take"):
        encoder.encode(picture(0, 320, 240), key=False, quantiser=30)
    encoder.close()
    encoder.close()
    with pytest.raises(RuntimeError, match="no-such"):
        x264.X264(64, 48, fps=30, threads=1, settings={"no-such": 1})
    with pytest.raises(RuntimeError, match="cannot encode 0x0"):
        x264.X264(0, 0, fps=30, threads=1, settings={})


def test_a_keyframe_is_sized_by_the_target_in_force() -> None:
    bench = Bench(X264Encoder(), H264)
    for number in range(60):
        bench.encode(640, 360, key=number == 50, bitrate=1_500_000 if number < 20 else 200_000, ceiling=1_500_000,
                     texture=TEXTURE)  # fmt: skip
    late = [key for key in bench.keys if key >= 20]
    assert 50 in late and all(bench.sizes[key] * 8 < 0.5 * 200_000 for key in late)


@pytest.mark.parametrize("kind", [X264Encoder, WrappedX264Encoder])
def test_x264_follows_the_target_at_once_and_without_a_keyframe(kind: type) -> None:
    bench = Bench(kind(), H264)
    rates = []
    for target in (1_200_000, 400_000, 900_000):
        for number in range(60):
            bench.encode(640, 360, bitrate=target, ceiling=1_200_000, texture=grainy(number))
        rates.append(sum(bench.sizes[-30:]) * 8)
    high, low, middle = rates
    assert high < 1_300_000 and low < 450_000
    assert low * 1.5 < middle < high
    assert bench.keys == [0]


@pytest.mark.parametrize("kind", [X264Encoder, WrappedX264Encoder])
def test_a_keyframe_fits_into_the_bucket(kind: type) -> None:
    bench = Bench(kind(), H264)
    bench.encode(1280, 720, bitrate=1_500_000, ceiling=1_500_000, texture=TEXTURE)
    assert bench.sizes[0] * 8 < 0.6 * 1_500_000


@pytest.mark.parametrize(("encoder", "codec"), KINDS)
def test_a_picture_without_measure_is_refused(
    encoder: type, codec: RTCRtpCodecParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pycall.rtc.codecs.MAX_PIXELS", 640 * 360)
    bench = Bench(encoder(), codec)
    assert bench.encode(640, 360)
    with pytest.raises(av.FFmpegError):
        bench.encode(642, 362)


@pytest.mark.parametrize(("encoder", "codec"), KINDS[2:])
def test_the_others_are_opened_anew_only_for_a_big_step(encoder: type, codec: RTCRtpCodecParameters) -> None:
    bench = Bench(encoder(), codec)
    for target in (600_000, 550_000, 500_000, 440_000):
        bench.encode(bitrate=target)
    assert bench.keys == [0, 3]
    for _ in range(100):
        bench.encode(bitrate=600_000)
    assert len(bench.keys) == 3 and bench.keys[2] >= 90


def tone(number: int) -> av.AudioFrame:
    samples = np.sin(2 * np.pi * 440 * (np.arange(960) + 960 * number) / 48000) * 16000
    frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), 960 * number
    return frame


def test_levels() -> None:
    tone = (16000 * np.sin(2 * np.pi * 440 * np.arange(960) / 48000)).astype(np.int16)
    assert dbov(tone) == pytest.approx(-20 * np.log10(16000 / 32768 / np.sqrt(2)), abs=1)
    assert dbov(np.zeros(960, np.int16)) == 127


def test_wide_code_is_left_out_only_where_the_rest_exists() -> None:
    wide = "processor\t: 0\nflags\t\t: fpu abm avx fma avx2 bmi1 bmi2 avx512f\n"
    assert narrow_asm(wide) == "avx2,fma3,bmi2"
    for missing in ("avx512f", "avx2", "fma", "bmi2", "abm"):
        assert narrow_asm(wide.replace(f" {missing}", " ")) == ""
    assert narrow_asm("") == narrow_asm("Features\t: fp asimd\n") == ""
