"""The sources without hardware push what they promise, at their pace."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest

from pycall.core.errors import ConfigError
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.profiles import profile
from pycall.media.stamp import read_stamp
from pycall.media.synthetic import Pattern, Tone
from tests.media_tools import Collector, loudest_frequency


def test_a_tone_has_continuous_phase_over_blocks() -> None:
    tone = Tone(441.0)
    whole = tone.samples(0, 9600)
    blocks = [tone.samples(n * 960, 960) for n in range(10)]
    assert np.abs(np.concatenate(blocks).astype(int) - whole).max() <= 1


def test_a_tone_keeps_its_pitch_after_a_day() -> None:
    samples = Tone(997.0).samples(86_400 * 48_000, 48_000)
    assert abs(loudest_frequency(samples.ravel()) - 997.0) < 1.0


@pytest.mark.parametrize("hertz", [0.0, -5.0, 30_000.0, float("nan")])
def test_an_inaudible_tone_is_refused(hertz: float) -> None:
    with pytest.raises(ConfigError, match="20 to 20000"):
        Tone(hertz)


def test_a_tone_comes_in_20_ms_blocks_of_real_time() -> None:
    got = Collector[AudioFrame]()
    tone = Tone(440.0)
    began = time.monotonic()
    tone.start(got)
    frames = got.wait_for(20)
    took = time.monotonic() - began
    tone.stop()
    assert 0.3 < took < 0.7
    assert all(len(frame.samples) == 960 for frame in frames)
    assert all(abs(b.time - a.time - 0.02) < 1e-6 for a, b in pairwise(frames))
    count = len(got.frames)
    tone.stop()
    assert len(got.frames) == count


def test_a_pattern_moves_and_can_be_read_back() -> None:
    got = Collector[VideoFrame]()
    pattern = Pattern(profile("360p30"))
    pattern.start(got)
    frames = got.wait_for(8)
    pattern.stop()
    stamps = [read_stamp(frame.picture) for frame in frames]
    assert [stamp.number for stamp in stamps if stamp] == list(range(len(frames)))
    assert all(stamp and abs(stamp.time - time.time()) < 5.0 for stamp in stamps)
    first, last = (np.asarray(frames[i].to_numpy(), int) for i in (0, 7))
    assert np.abs(first - last).mean() > 5.0
    assert (frames[0].width, frames[0].height, frames[0].picture.format.name) == (640, 360, "yuv420p")
