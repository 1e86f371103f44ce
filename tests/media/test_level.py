"""Volume follows the loudness in decibels."""

from __future__ import annotations

import numpy as np
import pytest

from pycall.media.level import Meter, rms, volume
from tests.media_tools import sine


@pytest.mark.parametrize(
    ("amplitude", "expected"), [(1.0, 95), (0.5, 85), (0.25, 75), (0.01, 28), (0.001, 0), (0.0, 0)]
)
def test_the_volume_of_a_sine(amplitude: float, expected: int) -> None:
    assert abs(volume(sine(1000.0, 4800, amplitude=amplitude)) - expected) <= 1


def test_full_scale_is_100_and_nothing_is_0() -> None:
    assert volume(np.full(960, -32768, np.int16)) == 100
    assert volume(np.empty(0, np.int16)) == 0
    assert rms(np.full((960, 1), 16384, np.int16)) == pytest.approx(0.5)


def test_a_meter_keeps_the_loudest_block_until_it_is_read() -> None:
    meter = Meter()
    for amplitude in (0.01, 0.5, 0.1):
        meter.hear(sine(440.0, 960, amplitude=amplitude))
    assert abs(meter.read() - 85) <= 1
    assert meter.read() == 0
