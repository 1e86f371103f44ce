"""Time-scaling: one period less or more, the same pitch, and no crack."""

from __future__ import annotations

import numpy as np
import pytest

from pycall.rtc.receive.stretch import lengthen, shorten

RATE = 48000


def tone(frequency: float, count: int = 960) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * frequency * np.arange(count) / RATE)).astype(np.int16)


@pytest.mark.parametrize("frequency", [100, 150, 220, 400])
def test_a_period_goes_or_comes(frequency: float) -> None:
    x = tone(frequency)
    period = RATE / frequency
    for made in (len(x) - len(shorten(x)), len(lengthen(x)) - len(x)):
        assert made > 0
        assert abs(made / period - round(made / period)) < 0.1


@pytest.mark.parametrize("scale", [shorten, lengthen])
def test_nothing_cracks(scale: object) -> None:
    x = tone(200)
    made = scale(x)  # type: ignore[operator]
    steepest = np.abs(np.diff(x.astype(int))).max()
    assert np.abs(np.diff(made.astype(int))).max() < 1.5 * steepest


def test_silence_can_be_cut_anywhere() -> None:
    assert len(shorten(np.zeros(960, np.int16))) == 960 - 720


def test_noise_is_left_alone() -> None:
    x = np.random.default_rng(1).integers(-8000, 8000, 960).astype(np.int16)
    assert shorten(x) is x
    assert lengthen(x) is x


def test_too_short_a_piece_is_left_alone() -> None:
    x = tone(200, 350)
    assert shorten(x) is x


def test_half_a_step_is_changed_by_short_periods_only() -> None:
    high, low = tone(400, 480), tone(100, 480)
    assert len(shorten(high)) in (240, 360)
    assert len(lengthen(high)) in (600, 720)
    assert shorten(low) is low
