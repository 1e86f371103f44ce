"""From notes to figures, on notes made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.bench.quality import Speech, delays, freezes, play, psnr

RATE = 48000
FRAME = 1 / 30


def noise(seconds: float) -> np.ndarray:
    """Bursts of low noise, loud enough to be found."""
    samples = np.random.default_rng(1).normal(0, 3000, round(seconds * RATE))
    return np.convolve(samples, np.ones(12) / 12, "same").astype(np.int16)


def test_an_even_stream_has_no_freeze() -> None:
    shown = np.arange(0, 10, FRAME).tolist()
    assert freezes(shown, 10.0) == (0, 0.0)


def test_a_gap_over_150_ms_above_the_mean_is_a_freeze_and_a_shorter_one_is_none() -> None:
    before = np.arange(0, 5, FRAME)
    for gap, count in ((0.18, 0), (0.19, 1)):
        shown = [*before, *(before + before[-1] + gap)]
        found, seconds = freezes(shown, shown[-1])
        assert found == count
        assert seconds == pytest.approx(gap * count)


def test_at_a_low_rate_a_freeze_is_three_times_the_mean() -> None:
    before = np.arange(0, 10, 0.2)
    assert freezes([*before, before[-1] + 0.55], before[-1] + 0.55)[0] == 0
    assert freezes([*before, before[-1] + 0.65], before[-1] + 0.65)[0] == 1


def test_a_picture_that_stands_still_until_the_end_is_a_freeze() -> None:
    shown = np.arange(0, 5, FRAME).tolist()
    assert freezes(shown, 8.0) == (1, pytest.approx(8.0 - shown[-1]))


def test_pieces_a_little_late_leave_no_gap_and_later_ones_do() -> None:
    times = np.array([0.0, 0.035, 0.04, 0.09, 0.12])  # due at 0, .02, .04, .06, and .11
    heard = play(times, np.full(5, 960), np.zeros(5 * 960, np.int16))
    assert heard.starts == pytest.approx([0.0, 0.02, 0.04, 0.09, 0.11])
    assert heard.gaps(0.0, 0.13) == pytest.approx([0.03])


def test_silence_before_the_first_and_after_the_last_piece_counts() -> None:
    heard = play(np.array([1.0]), np.array([960]), np.zeros(960, np.int16))
    assert heard.gaps(0.5, 2.0) == pytest.approx([0.5, 0.98])
    assert heard.gaps(1.005, 1.015) == pytest.approx([])


def test_a_burst_is_played_one_piece_after_the_other() -> None:
    heard = play(np.array([1.0, 1.0, 1.0]), np.full(3, 960), np.arange(3 * 960).astype(np.int16))
    assert heard.starts == pytest.approx([1.0, 1.02, 1.04])
    assert heard.between(1.0, 1.06).tolist() == list(range(3 * 960))


def test_the_delay_of_sound_is_found_with_gaps_and_late_pieces() -> None:
    loop = noise(10)
    blocks = len(loop) // 960
    times = 100.0 + 0.082 + 0.02 * np.arange(blocks)
    kept = np.arange(blocks) % 20 != 7
    heard = play(times[kept], np.full(kept.sum(), 960), loop.reshape(-1, 960)[kept].ravel())
    found = delays(Speech(loop, 100.0), heard, 101.0, 109.0)
    assert len(found) >= 6
    assert found == pytest.approx([0.082] * len(found), abs=0.001)


def test_sound_that_is_not_what_was_said_is_not_found() -> None:
    loop = noise(10)
    other = np.random.default_rng(2).normal(0, 3000, len(loop)).astype(np.int16)
    heard = play(100.0 + 0.02 * np.arange(500), np.full(500, 960), other)
    assert delays(Speech(loop, 100.0), heard, 101.0, 109.0) == []


def test_psnr_below_the_stamp() -> None:
    sent = np.full((720, 1280), 100, np.uint8)
    seen = sent + 10
    seen[:32] = 0
    assert psnr(seen, sent) == pytest.approx(28.13, abs=0.01)
    assert psnr(sent, sent) == 99.0


def test_a_smaller_picture_is_enlarged_before_it_is_compared() -> None:
    sent = np.tile(np.linspace(20, 200, 1280).astype(np.uint8), (720, 1))
    assert psnr(sent[::2, ::2].copy(), sent) > 40
