"""Whatever a source pushes leaves in the one shape that is sent."""

from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest

from pycall.core.errors import MediaError
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.profiles import profile
from pycall.media.shape import PictureShaper, RateLimit, Shells, SoundShaper, inner_size
from tests.media_tools import loudest_frequency, sine

P360 = profile("360p30")


def grey(picture: av.VideoFrame) -> np.ndarray:
    return np.asarray(picture.to_ndarray()[: picture.height], int)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("block", [37, 441, 5000])
def test_any_rate_and_block_size_keeps_its_pitch_and_length(rate: int, block: int) -> None:
    shaper = SoundShaper()
    sound = sine(700.0, rate, rate=rate)
    parts = [shaper.shape(AudioFrame(sound[i : i + block, None], rate)) for i in range(0, rate, block)]
    out = np.concatenate(parts)
    assert out.dtype == np.int16
    assert abs(len(out) - 48000) < 200
    assert abs(loudest_frequency(out[2000:46000]) - 700.0) < 1.0


def test_channels_are_mixed_without_clipping() -> None:
    left, right = sine(500.0, 960, amplitude=1.0), sine(500.0, 960, amplitude=1.0)
    out = SoundShaper().shape(AudioFrame(np.stack([left, right], axis=1)))
    assert np.abs(out.astype(int) - left).max() <= 1


def test_a_change_of_rate_in_the_middle_is_followed() -> None:
    shaper = SoundShaper()
    shaper.shape(AudioFrame(sine(700.0, 4410, rate=44100)[:, None], 44100))
    out = [shaper.shape(AudioFrame(sine(700.0, 1600, rate=16000)[:, None], 16000)) for _ in range(3)]
    assert abs(sum(map(len, out)) - 14400) < 100


@pytest.mark.parametrize(
    "frame",
    [
        AudioFrame(np.zeros((960, 1), np.float32)),  # type: ignore[arg-type]
        AudioFrame(np.zeros((9, 1, 1), np.int16)),
        AudioFrame(np.zeros((960, 1), np.int16), 0),
    ],
)
def test_sound_of_no_use_is_refused(frame: AudioFrame) -> None:
    with pytest.raises(MediaError):
        SoundShaper().shape(frame)


@pytest.mark.parametrize(
    "pixel_format", ["rgb24", "gray", "yuv444p", "nv12", "yuyv422", "yuvj420p", "yuv420p10le", "bgra"]
)
@pytest.mark.parametrize("size", [(641, 361), (320, 240), (1, 1), (1920, 1080), (240, 426)])
def test_any_picture_becomes_yuv420p_of_the_profiles_size(pixel_format: str, size: tuple[int, int]) -> None:
    white = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), 255, np.uint8)).reformat(format=pixel_format)
    out = PictureShaper(P360).shape(VideoFrame(white, 5.0))
    assert out is not None
    assert (out.width, out.height, out.picture.format.name) == (640, 360, "yuv420p")
    assert out.picture.pict_type == av.video.frame.PictureType.NONE
    assert out.picture.pts * out.picture.time_base == 5
    assert 225 <= grey(out.picture)[180, 320] <= 240


def test_a_narrower_picture_gets_bars_and_keeps_its_shape() -> None:
    white = av.VideoFrame.from_ndarray(np.full((480, 640, 3), 255, np.uint8))
    luma = grey(PictureShaper(P360).fit(white))
    assert luma[:, 82:558].min() > 220
    assert luma[:, :78].max() < 20
    assert luma[:, 562:].max() < 20


def test_the_inner_size_is_even_and_fits() -> None:
    assert inner_size(1366, 768, 1280, 720) == (1280, 720)
    for width, height in [(1, 8000), (8000, 1), (333, 777), (4, 3)]:
        inner = inner_size(width, height, 1280, 720)
        assert all(side % 2 == 0 and side >= 2 for side in inner)
        assert inner[0] <= 1280 and inner[1] <= 720


def test_a_picture_that_fits_is_not_copied_and_not_touched() -> None:
    picture = av.VideoFrame(640, 360, "yuv420p")
    picture.pict_type = av.video.frame.PictureType.I
    picture.pts = 77
    out = PictureShaper(P360).fit(picture)
    assert out is not picture
    assert out.planes[0].buffer_ptr == picture.planes[0].buffer_ptr
    PictureShaper(P360).shape(VideoFrame(picture, 1.0))
    assert (picture.pts, picture.pict_type) == (77, av.video.frame.PictureType.I)


def test_shells_share_the_planes_but_not_the_fields() -> None:
    picture = av.VideoFrame(640, 360, "yuv420p")
    shells = Shells()
    one, two = shells.another(picture), shells.another(picture)
    one.pts, one.pict_type = 5, av.video.frame.PictureType.I
    assert two.pts is None
    assert two.pict_type == av.video.frame.PictureType.NONE
    assert one.planes[1].buffer_ptr == two.planes[1].buffer_ptr == picture.planes[1].buffer_ptr
    larger = shells.another(av.VideoFrame(1280, 720, "yuv420p"))
    assert larger.width == 1280


@pytest.mark.parametrize(
    ("source", "limit", "expected"), [(60, 30, 30), (30, 15, 15), (25, 30, 25), (25, 15, 15), (30, 30, 30)]
)
def test_the_rate_is_limited_evenly(source: int, limit: int, expected: int) -> None:
    gate = RateLimit(limit)
    jitter = np.random.default_rng(2).uniform(-0.004, 0.004, source * 10)
    taken = [n / source for n in range(source * 10) if gate.admits(100 + n / source + jitter[n])]
    assert abs(len(taken) - expected * 10) <= expected * 0.3
    assert max(b - a for a, b in pairwise(taken)) <= 2.01 / min(source, limit)


def test_the_rate_limit_outlives_a_clock_that_jumps() -> None:
    gate = RateLimit(30)
    assert gate.admits(100.0)
    assert gate.admits(50.0)
    assert gate.admits(5000.0)
