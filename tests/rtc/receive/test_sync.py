"""Lips and voice: who waits for whom, and for how long."""

from __future__ import annotations

import pytest

from pycall.rtc.receive.sync import LONGEST_WAIT, MOST_FOR_SOUND, LipSync

NEED = 0.04
"""Seconds over the fastest packet that jitter alone asks for."""


def settle(sync: LipSync, sound: float, picture: float) -> tuple[float, float]:
    """Ten seconds of both with these ages of their own; gives how long the picture and the sound wait at the end."""
    held = wait = 0.0
    for step in range(500):
        delay = max(NEED, held)
        held = sync.heard(sound - NEED + delay, delay, NEED)
        if step % 2:
            wait = sync.arrived(picture, picture)
    return wait, max(NEED, held) - NEED


@pytest.mark.parametrize(("sound", "picture"), [(0.05, 0.02), (0.05, 0.05), (0.2, 0.02), (0.12, 0.1), (0.05, 0.15)])
def test_what_is_seen_and_heard_is_within_40_ms(sound: float, picture: float) -> None:
    wait, held = settle(LipSync(), sound, picture)
    assert abs((sound + held) - (picture + wait)) <= 0.04


def test_a_picture_that_is_younger_waits_and_the_sound_does_not() -> None:
    wait, held = settle(LipSync(), 0.2, 0.02)
    assert wait == pytest.approx(0.144, abs=0.01)
    assert held == pytest.approx(0, abs=0.001)


def test_nobody_waits_for_ever() -> None:
    wait, _ = settle(LipSync(), 2.0, 0.0)
    assert wait == LONGEST_WAIT
    _, held = settle(LipSync(), 0.0, 2.0)
    assert held == pytest.approx(MOST_FOR_SOUND, abs=0.01)


def test_an_unknown_offset_of_the_clocks_does_not_matter() -> None:
    assert settle(LipSync(), 1000.2, 1000.02) == pytest.approx(settle(LipSync(), 0.2, 0.02), abs=1e-6)


def test_without_sound_pictures_do_not_wait() -> None:
    assert LipSync().arrived(0.5, 0.5) == 0.0


def test_a_late_picture_moves_no_sound() -> None:
    sync = LipSync()
    settle(sync, 0.05, 0.1)
    before = sync.heard(0.1, 0.09, NEED)
    for _ in range(50):
        sync.arrived(0.1, 0.3)
        assert sync.heard(0.1, 0.09, NEED) == before


def test_how_fast_the_sound_follows_does_not_change_where_it_is_to_be() -> None:
    """What it waits for is an aim: whether it is there already or still far away, it is the same."""
    slow, fast = LipSync(), LipSync()
    for sync in (slow, fast):
        sync.heard(0.05, NEED, NEED)
        sync.arrived(0.15, 0.15)
    aims = [(slow.heard(0.05, NEED, NEED), fast.heard(0.05 + aim, NEED + aim, NEED)) for aim in (0.0, 0.03, 0.06, 0.1)]
    assert all(first == pytest.approx(second) for first, second in aims) and aims[0][0] > 0.1


def test_a_picture_that_is_too_old_for_the_sound_is_told() -> None:
    sync = LipSync()
    settle(sync, 0.1, 0.1)
    assert sync.arrived(0.1, 0.13) == 0.0
    assert sync.arrived(0.1, 0.19) == pytest.approx(-0.05, abs=0.02)
