"""A device that falls silent is told once; one that lives, or was closed, never."""

from __future__ import annotations

import threading

from pycall.media.devices.watch import StallWatch


def test_silence_is_told_once() -> None:
    told: list[str] = []
    heard = threading.Event()
    watch = StallWatch("camera", 0.05, lambda: (told.append("stalled"), heard.set()))
    watch.start()
    assert heard.wait(5)
    watch.stop()
    assert told == ["stalled"]


def test_a_living_device_is_left_alone() -> None:
    stalled, pace = threading.Event(), threading.Event()
    watch = StallWatch("camera", 0.3, stalled.set)
    watch.start()
    for _ in range(30):
        watch.alive()
        pace.wait(0.02)
    watch.stop()
    watch.stop()
    assert not stalled.is_set()


def test_it_can_be_stopped_from_within_and_before_it_began() -> None:
    done = threading.Event()
    watch = StallWatch("camera", 0.01, lambda: (watch.stop(), done.set()))
    watch.stop()
    again = StallWatch("camera", 0.01, lambda: (again.stop(), done.set()))
    again.start()
    assert done.wait(5)
