"""Freezes: W3C's rule, the rule of half a second, and what is none."""

from __future__ import annotations

import pytest

from pycall.rtc.receive.freezes import Freezes


def shown(*gaps: float, steady: int = 40, fps: float = 30.0) -> Freezes:
    """A steady stream, then pictures after these gaps."""
    freezes, now = Freezes(), 0.0
    for _ in range(steady):
        freezes.shown(now)
        now += 1 / fps
    now -= 1 / fps
    for gap in gaps:
        now += gap
        freezes.shown(now)
    return freezes


@pytest.mark.parametrize(("gap", "freezes"), [(0.18, 0), (0.19, 1), (0.49, 1), (2.0, 1)])
def test_a_steady_stream_freezes_when_150_ms_are_missing(gap: float, freezes: int) -> None:
    counted = shown(gap)
    assert counted.count == freezes
    assert counted.seconds == pytest.approx(gap if freezes else 0.0)


@pytest.mark.parametrize(("gap", "freezes"), [(0.59, 0), (0.61, 1)])
def test_a_slow_stream_is_given_three_of_its_intervals(gap: float, freezes: int) -> None:
    assert shown(gap, fps=5.0).count == freezes


def test_what_people_call_a_freeze_is_half_a_second() -> None:
    counted = shown(0.49, 0.5, 0.03, 1.5)
    assert (counted.long_count, counted.long_seconds) == (2, pytest.approx(2.0))


def test_a_stop_is_told_while_it_lasts() -> None:
    freezes = shown()
    last = 39 / 30
    assert [freezes.stopped(last + gap) for gap in (0.0, 0.49)] == [0.0, 0.0]
    assert freezes.stopped(last + 1.2) == pytest.approx(1.2)
    freezes.shown(last + 1.5)
    assert freezes.stopped(last + 1.6) == pytest.approx(1.5)


def test_a_slow_source_has_not_stopped() -> None:
    slow = shown(fps=1.0)
    assert slow.stopped(41.0) == 0.0 and slow.long_count == 39
    assert slow.stopped(39.0 + 3.1) == pytest.approx(3.1)


def test_a_picture_that_stays_alone_has_stopped() -> None:
    freezes = Freezes()
    freezes.shown(0.0)
    assert (freezes.stopped(2.9), freezes.stopped(3.5)) == (0.0, 3.5)


def test_a_camera_that_was_closed_is_no_freeze() -> None:
    freezes = shown()
    freezes.camera(False)
    freezes.camera(True)
    freezes.shown(100.0)
    freezes.shown(100.033)
    assert (freezes.count, freezes.long_count) == (0, 0)
    freezes.camera(False)
    assert freezes.stopped(200.0) == 0.0


def test_the_last_pictures_of_a_closed_camera_do_not_stand_still() -> None:
    freezes = shown()
    freezes.camera(False)
    freezes.shown(2.0)  # it was under way
    assert freezes.stopped(50.0) == 0.0
    freezes.camera(True)
    freezes.shown(60.0)
    assert (freezes.count, freezes.long_count) == (0, 0)
    assert freezes.stopped(61.0) == pytest.approx(1.0), "and now it does"


def test_the_rate_is_that_of_the_last_thirty() -> None:
    assert shown(fps=15.0).rate == pytest.approx(15.0)
    assert Freezes().rate is None


def test_the_mean_rate_is_of_the_time_with_a_camera() -> None:
    counted = shown(fps=15.0)
    assert counted.mean_rate == pytest.approx(15.0)
    counted.camera(True)
    for number in range(40):
        counted.shown(100 + number / 15)
    assert counted.mean_rate == pytest.approx(15.0)
    assert Freezes().mean_rate == 0.0
