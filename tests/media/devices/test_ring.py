"""The loudspeaker's queue: waits for 60 ms, never grows beyond 200 ms, follows a slow device, never clicks."""

from __future__ import annotations

import numpy as np

from pycall.media.devices.ring import MAX_FRAMES, START_FRAMES, PlayoutRing
from tests.media.listening import tone


def steepest(sound: np.ndarray) -> int:
    return int(abs(np.diff(sound.astype(int))).max())


def test_it_plays_once_enough_is_waiting() -> None:
    ring = PlayoutRing()
    for index in range(START_FRAMES - 1):
        ring.put(tone(440, index * 960))
        assert not ring.get(480).any()
    ring.put(tone(440, 1920))
    assert ring.get(480).any()


def test_what_goes_in_comes_out_in_blocks_of_any_size() -> None:
    ring, out = PlayoutRing(), []
    for index in range(60):
        ring.put(tone(440, index * 960))
        if index >= START_FRAMES:
            out += [ring.get(count) for count in (480, 100, 380)]
    heard = np.concatenate(out)
    assert np.array_equal(heard[240:], tone(440, 240, len(heard) - 240)), "only the first 5 ms are faded in"
    assert (ring.starved, ring.dropped) == (0, 0)


def test_a_device_that_takes_nothing_costs_the_oldest() -> None:
    ring = PlayoutRing()
    for index in range(100):
        ring.put(np.full(960, index, np.int16))
    assert len(ring) in (MAX_FRAMES - 1, MAX_FRAMES)
    assert ring.dropped + ring.shortened == 100 - len(ring)
    ring.get(480)
    assert ring.get(480)[0] >= 88


def test_running_dry_fades_out_and_coming_back_fades_in() -> None:
    ring = PlayoutRing()
    for index in range(START_FRAMES):
        ring.put(tone(440, index * 960))
    out = [ring.get(480) for _ in range(2 * START_FRAMES + 4)]
    assert ring.starved == 1
    assert not out[-1].any()
    for index in range(START_FRAMES):
        ring.put(tone(440, 12345 + index * 960))
    out += [ring.get(480) for _ in range(4)]
    assert steepest(np.concatenate(out)) <= steepest(tone(440)) * 1.3


def test_a_device_that_runs_slow_is_followed_without_a_click() -> None:
    """A device 1 % slow (far more than any is) for 60 s: 600 ms would pile up, or be cut off with a click."""
    ring, out, owed = PlayoutRing(), [], 0.0
    for index in range(3000):
        ring.put(tone(110, index * 960))
        owed += 960 * 0.99
        while owed >= 480:
            out.append(ring.get(480))
            owed -= 480
    assert ring.dropped == 0
    assert ring.shortened > 20
    assert len(ring) <= 6
    assert steepest(np.concatenate(out)[960:]) < 300
    assert abs(np.concatenate(out)[-48000:].astype(float)).mean() > 4500, "a sine of level 8000 has a mean of 5093"
