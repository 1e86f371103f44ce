"""A stamped file is the same wherever it is computed, so that what arrives can be compared with what was sent."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import pycall
from pycall.core.errors import ErrorCode, MediaError
from pycall.media.frames import VideoFrame
from pycall.media.profiles import profile
from pycall.media.stamp import luma_of, read_stamp, strip_height
from pycall.media.stamped import ReferenceClip, StampedFile
from tests.media_tools import Collector, running, sine, through_h264, write_media

BUNNY = str(Path(pycall.__file__).parent / "data" / "bunny.mp4")
P360 = profile("360p30")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def test_each_picture_is_the_reference_of_its_number() -> None:
    got = Collector[VideoFrame]()
    with running(StampedFile(BUNNY, P360), got):
        frames = got.wait_for(20)
    clip = ReferenceClip(BUNNY, P360)
    top = strip_height(360)
    for number, frame in enumerate(frames):
        stamp = read_stamp(frame.picture)
        assert stamp is not None
        assert stamp.number == number
        assert abs(stamp.time - time.time()) < 10
        assert np.array_equal(luma_of(frame.picture)[top:], clip.luma(number)[top:])
    assert all(abs(b.time - a.time - 1 / 30) < 1e-6 for a, b in pairwise(frames))


def test_numbers_follow_the_files_time_over_many_loops() -> None:
    clip = ReferenceClip(BUNNY, P360)
    assert [clip.index(n) for n in range(7)] == [0, 0, 1, 2, 3, 4, 5]
    assert [clip.index(n) for n in (158, 159)] == [131, 0]
    for loop in (1, 7, 1000):
        assert clip.index(30 * 132 * loop) == 0  # 132 s are 25 passes of 5.28 s
        assert clip.index(30 * 132 * loop + 75) == 62


def test_going_back_and_over_the_end_gives_the_same_pictures() -> None:
    clip, other = ReferenceClip(BUNNY, P360), ReferenceClip(BUNNY, P360)
    late = clip.luma(150).copy()
    early = clip.luma(3).copy()
    assert np.array_equal(other.luma(3), early)
    assert np.array_equal(other.luma(150), late)
    assert not np.array_equal(early, late)


def test_a_coded_picture_is_like_its_reference_and_unlike_others() -> None:
    clip = ReferenceClip(BUNNY, P360)
    coded = through_h264([clip.picture(number, 1.7e9) for number in range(40, 52)], 1_500_000)
    top = strip_height(360)
    seen: dict[int, np.ndarray] = {}
    for picture in coded[4:]:
        stamp = read_stamp(picture)
        assert stamp is not None
        seen[stamp.number] = luma_of(picture)[top:]
    assert len(seen) == 8
    # First all of the one, then all of the other: a clip that goes back begins anew.
    assert all(psnr(luma, clip.luma(number)[top:]) > 32.0 for number, luma in seen.items())
    assert all(psnr(luma, clip.luma(number + 60)[top:]) < 26.0 for number, luma in seen.items())


@pytest.mark.parametrize("name", ["nowhere.mp4", "/dev/null"])
def test_no_file_no_clip(name: str) -> None:
    with pytest.raises(MediaError) as caught:
        StampedFile(name, P360)
    assert caught.value.code in (ErrorCode.NO_SUCH_FILE, ErrorCode.BAD_FILE)


def test_a_file_of_sound_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no picture"):
        StampedFile(write_media(tmp_path / "talk.wav", sound=sine(440.0, 4800)), P360)
