"""The beat of playing: what is due when the machine is on time, late, and very late."""

from __future__ import annotations

import pytest

from pycall.rtc.receive.beat import LATE, LONGEST, LOOKS, READING, Beat

STEP = 0.02


def test_a_piece_is_due_when_the_one_before_has_been_played() -> None:
    beat = Beat(1.0)
    assert beat.wait(1.0) == 0.0
    beat.played(STEP)
    assert beat.wait(1.005) == pytest.approx(0.015)
    assert beat.wait(1.02 + LATE / 2) == 0.0
    beat.played(STEP)
    assert beat.due == pytest.approx(1.04), "a little late does not move the next one"


def test_after_a_hitch_what_came_is_read_first_and_then_all_that_is_due_is_played() -> None:
    beat = Beat(0.0)
    now = 0.1
    assert beat.wait(now) == READING
    beat.read(0.02, now)
    now += READING
    assert beat.wait(now) == READING, "old packets are still being read"
    now += READING
    played = 0
    while not beat.wait(now):
        beat.played(STEP)
        played += 1
    assert played == 6 and beat.due == pytest.approx(0.12)


def test_reading_is_not_waited_for_without_end() -> None:
    beat, now, looks = Beat(0.0), 0.2, 0
    while beat.wait(now) == READING:
        beat.read(now - 0.1, now)
        now += READING
        looks += 1
    assert looks == LOOKS


def test_after_a_very_long_stop_the_beat_begins_anew() -> None:
    beat = Beat(0.0)
    now = LONGEST + 0.5
    assert beat.wait(now) == READING
    assert beat.wait(now + READING) == 0.0
    assert beat.due == now + READING
