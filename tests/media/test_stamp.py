"""The number strip survives what a call does to a picture."""

from __future__ import annotations

import av
import numpy as np
import pytest

from pycall.media.frames import VideoFrame
from pycall.media.profiles import PROFILES, profile
from pycall.media.shape import PictureShaper
from pycall.media.stamp import MAX_NUMBER, Stamp, draw_stamp, luma_of, read_stamp, strip_height
from pycall.media.synthetic import Pattern
from tests.media_tools import through_h264

NOW = 1_760_000_000.1234
SIZES = ["360p30", "480p30", "540p30", "720p30", "1080p30"]


def pictures(name: str, count: int) -> list[av.VideoFrame]:
    pattern = Pattern(profile(name))
    return [pattern.picture(70_000 + n, NOW + n) for n in range(count)]


@pytest.mark.parametrize("name", SIZES)
def test_it_reads_back_exactly(name: str) -> None:
    stamp = read_stamp(pictures(name, 1)[0])
    assert stamp == Stamp(70_000, NOW)


def test_the_largest_and_smallest_numbers() -> None:
    luma = np.zeros((360, 640), np.uint8)
    for number in (0, 1, MAX_NUMBER):
        draw_stamp(luma, number, NOW)
        planes = np.vstack([luma, np.full((180, 640), 128, np.uint8)])
        assert read_stamp(av.VideoFrame.from_ndarray(planes, format="yuv420p")) == Stamp(number, NOW)


@pytest.mark.parametrize("name", ["360p30", "480p30", "720p30"])
def test_it_survives_h264_at_300_kbit(name: str) -> None:
    stamps = [read_stamp(picture) for picture in through_h264(pictures(name, 20), 300_000)]
    assert [stamp.number for stamp in stamps if stamp] == [70_000 + n for n in range(20)]


@pytest.mark.parametrize(("shot", "sent"), [("720p30", "360p30"), ("360p30", "1080p30"), ("1080p30", "540p30")])
def test_it_survives_scaling_and_h264(shot: str, sent: str) -> None:
    shaper = PictureShaper(profile(sent))
    scaled = [shaper.fit(picture) for picture in pictures(shot, 8)]
    stamps = [read_stamp(picture) for picture in through_h264(scaled, 500_000)]
    assert [stamp.number for stamp in stamps if stamp] == [70_000 + n for n in range(8)]


@pytest.mark.parametrize(("shot", "sent"), [("480p30", "720p30"), ("720p30", "480p30")])
def test_it_survives_bars_around_it(shot: str, sent: str) -> None:
    shaper = PictureShaper(profile(sent))
    scaled = [shaper.fit(picture) for picture in pictures(shot, 8)]
    assert (scaled[0].width, scaled[0].height) == (PROFILES[sent].width, PROFILES[sent].height)
    stamps = [read_stamp(picture) for picture in through_h264(scaled, 500_000)]
    assert [stamp.number for stamp in stamps if stamp] == [70_000 + n for n in range(8)]


def test_it_reads_from_rgb() -> None:
    rgb = VideoFrame(pictures("360p30", 1)[0]).to_numpy()
    assert read_stamp(VideoFrame.from_numpy(rgb).picture) == Stamp(70_000, NOW)


def test_a_picture_without_one_gives_none() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (20, 360 * 3 // 2, 640), np.uint8)
    for planes in [*noise, np.zeros_like(noise[0]), np.full_like(noise[0], 255)]:
        assert read_stamp(av.VideoFrame.from_ndarray(planes, format="yuv420p")) is None
    assert read_stamp(av.VideoFrame(16, 16, "yuv420p")) is None


def test_a_damaged_one_gives_none() -> None:
    picture = pictures("720p30", 1)[0]
    luma_of(picture)[: strip_height(720), 300:340] = 235
    assert read_stamp(picture) is None
