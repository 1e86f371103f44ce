"""The demo's figures, checked on notes whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pycall.cli.demo_clip import open_reference
from pycall.cli.demo_figures import Sound, SoundMatch, freezes, match_sound, mean_psnr, psnr
from pycall.cli.demo_report import Direction
from pycall.media.profiles import profile

RATE = 48000
RNG = np.random.default_rng(7)


def voice(seconds: float) -> np.ndarray:
    """Noise that swells and fades like speech, int16."""
    count = int(seconds * RATE)
    swell = 0.6 + 0.4 * np.sin(np.arange(count) * 2 * np.pi * 3 / RATE)
    smooth = np.convolve(RNG.normal(0, 3000, count), np.ones(12) / 12, "same")
    return (smooth * swell).astype(np.int16)


def sound(samples: np.ndarray, begin: float, piece: int = 960) -> Sound:
    """Samples as they come, one piece after the other, from `begin` on."""
    count = len(samples) // piece
    times = begin + np.arange(count) * (piece / RATE)
    return Sound(times, np.full(count, piece), samples[: count * piece])


def test_freezes_by_the_rule() -> None:
    even = [i / 30 for i in range(60)]
    assert freezes(even) == (0, 0.0)
    assert freezes([*even, even[-1] + 0.17]) == (0, 0.0)  # below the mean + 150 ms
    count, seconds = freezes([*even, even[-1] + 0.5, even[-1] + 0.54])
    assert count == 1 and seconds == pytest.approx(0.5)


def test_freezes_of_nothing() -> None:
    assert freezes([]) == (0, 0.0)
    assert freezes([1.0]) == (0, 0.0)


def test_psnr_below_the_stamp() -> None:
    sent = np.full((720, 1280), 100, np.uint8)
    seen = sent.copy()
    seen[:32] = 255  # the stamp does not count
    assert psnr(seen, sent) == 99.0
    seen[32:] += 10
    assert psnr(seen, sent) == pytest.approx(20 * np.log10(255 / 10), abs=0.01)


def test_sound_that_arrives_whole_and_late() -> None:
    said = voice(6)
    match = match_sound(sound(said, 100.0, 1024), sound(said // 2, 100.12), 100.0, 106.0)
    assert match.received_ratio == 1.0
    assert match.latency == pytest.approx(0.12, abs=0.005)


def test_a_second_that_is_lost_is_missed() -> None:
    said = voice(6)
    heard = said.copy()
    heard[2 * RATE : 3 * RATE] = 0
    match = match_sound(sound(said, 0.0), sound(heard, 0.05), 0.0, 6.0)
    assert match.received_ratio == pytest.approx(0.8, abs=0.021)


def test_a_stall_delays_but_loses_nothing() -> None:
    said = voice(6)
    heard = sound(said, 0.05)
    late = np.where((heard.times > 2) & (heard.times < 2.4), 2.4, heard.times)
    match = match_sound(sound(said, 0.0), Sound(late, heard.lengths, heard.samples), 0.0, 6.0)
    assert match.received_ratio == 1.0


def test_other_sound_does_not_count() -> None:
    match = match_sound(sound(voice(6), 0.0), sound(voice(6), 0.05), 0.0, 6.0)
    assert match.received_ratio < 0.1


def test_silence_and_nothing_at_all() -> None:
    nothing = Sound(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int16))
    assert match_sound(sound(voice(3), 0.0), nothing, 0.0, 3.0).latency is None
    assert match_sound(sound(voice(3), 0.0), sound(np.zeros(3 * RATE, np.int16), 0.0), 0.0, 3.0).received_ratio == 0


def test_kept_pictures_are_compared_with_the_right_ones(tmp_path: Path) -> None:
    clip = open_reference(profile("360p30"))
    numbers = [200, 3, 90]
    try:
        kept = b"".join(clip.luma(number).tobytes() for number in numbers)
        (tmp_path / "kept").write_bytes(kept)
        assert mean_psnr(tmp_path / "kept", (640, 360), numbers, clip) == 99.0
        other = mean_psnr(tmp_path / "kept", (640, 360), [3, 90, 200], clip)
        assert other is not None and other < 30
        assert mean_psnr(tmp_path / "kept", (640, 360), [], clip) is None
    finally:
        clip.close()


@pytest.mark.parametrize(
    ("fps", "likeness", "heard", "problem"),
    [
        (28.0, 38.0, 1.0, None),
        (11.0, 38.0, 1.0, "only 11.0 of 28.0 pictures"),
        (28.0, None, 1.0, "no picture came in full size"),
        (28.0, 12.0, 1.0, "not the one that was sent (12.0 dB)"),
        (28.0, 38.0, 0.31, "31% recognised"),
    ],
)
def test_what_did_not_arrive_is_named(fps: float, likeness: float | None, heard: float, problem: str | None) -> None:
    told = Direction(28.0, fps, [], likeness, (0, 0.0), SoundMatch(heard, 0.05)).problem
    assert told is None if problem is None else problem in (told or "")
