"""When pictures are shown."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pycall.rtc.receive.pacing import MOST, PictureClock


def shown(lateness: list[float], fps: int = 30) -> list[float]:
    """When pictures are shown that come this late each, in order: a late one holds up the next ones."""
    clock, moments, before = PictureClock(), [], 0.0
    for index, late in enumerate(lateness):
        came = max(before, index / fps + 0.05 + late)
        before = came
        moments.append(clock.place(index * 90000 // fps, came, came))
    return moments


def freezes(moments: list[float]) -> int:
    """By the rule of the W3C at 30 fps: a gap of more than 183 ms."""
    return sum(later - earlier > 0.183 for earlier, later in pairwise(moments))


def test_on_a_calm_path_pictures_are_shown_as_they_come() -> None:
    chance = random.Random(1)
    lateness = [chance.random() * 0.01 for _ in range(300)]
    moments = shown(lateness)
    assert all(
        abs(m - (i / 30 + 0.05 + late)) < 0.012 for i, (m, late) in enumerate(zip(moments, lateness, strict=True))
    )


def test_repairs_of_a_round_trip_make_no_stutter() -> None:
    chance = random.Random(2)
    lateness = [0.15 if chance.random() < 0.3 else chance.random() * 0.02 for _ in range(600)]
    moments = shown(lateness)[60:]
    assert freezes(moments) == 0
    assert max(later - earlier for earlier, later in pairwise(moments)) < 0.15


def test_when_the_path_is_calm_again_the_delay_goes() -> None:
    lateness = [0.18 if i % 3 == 0 and i < 300 else 0.0 for i in range(1500)]
    moments = shown(lateness)
    assert moments[290] - (290 / 30 + 0.05) > 0.08
    assert moments[-1] - (1499 / 30 + 0.05) < 0.03


def test_nothing_is_held_back_for_long_and_order_is_kept() -> None:
    chance = random.Random(3)
    lateness = [chance.choice([0.0, 0.0, 1.0]) for _ in range(300)]
    clock, before = PictureClock(), 0.0
    for index, late in enumerate(lateness):
        came = max(before, index / 30 + late)
        before = came
        assert clock.place(index * 3000, came, came) <= came + MOST


def held_for(lateness: list[float], *, behind: int = 0) -> float:
    """Seconds over the fastest picture for which the voice waits at the end. Every late picture holds up so many."""
    clock, moment = PictureClock(), 0.0
    for index, late in enumerate(lateness):
        moment = index / 30 + late
        clock.place(index * 3000, moment, moment)
        for step in range(behind * (late > 0)):
            clock.place(index * 3000, moment, moment, last=step == behind - 1)
    return clock.meant - (len(lateness) - 1) / 30


def test_the_voice_waits_for_99_of_100_pictures() -> None:
    """What one picture in two hundred needs is not waited for; what three in a hundred need is, less 40 ms or so."""
    assert held_for([0.15 * (index % 200 == 7) for index in range(2000)]) < 0.01
    assert held_for([0.15 * (index % 33 == 7) for index in range(2000)]) == pytest.approx(0.11, abs=0.01)


def test_pictures_that_a_younger_one_overtakes_do_not_hold_the_voice() -> None:
    """One picture in two hundred is late and the six behind it are complete when it is: the last one alone counts."""
    assert held_for([0.15 * (index % 250 == 7) for index in range(2000)], behind=6) < 0.01
