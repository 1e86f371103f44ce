"""Sound and picture together over a lossy link, in simulated time: nothing missing, hardly stretched, lips in sync."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pycall.rtc.opus import FRAME, RATE
from scripts.bench.link import Impairment
from tests.rtc.lossy import Near, Samples, Spell, Story, tell

BEGIN, END = 3.0, 13.0
"""Seconds that are looked at: what is known about the link at the beginning is nothing."""
OFF = 0.04


@cache
def voice() -> Samples:
    """Syllables of a voice of 120 Hz with pauses between them, 5 s."""
    time = np.arange(5 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * 120 * harmonic * time) / harmonic for harmonic in range(1, 25))
    said = np.clip(np.sin(2 * np.pi * 2.5 * time), 0, 1) * (np.sin(2 * np.pi * 0.4 * time) > -0.7)
    return np.asarray(tone * said * 5000, np.int16)


@cache
def call(loss: float, seed: int) -> Near:
    return tell(Story(Impairment(0.05, 0.02, loss), seed, END), voice())


def gaps(near: Near) -> list[float]:
    """Seconds of nothing between two pieces of sound."""
    pieces = [heard for heard in near.heard if heard.at >= BEGIN]
    ends = [heard.at + len(heard.samples) / RATE for heard in pieces]
    return [after.at - end for end, after in zip(ends, pieces[1:], strict=False)]


def skew(near: Near) -> np.ndarray:
    """By how much each picture was younger than the sound at that moment, seconds."""
    ages = [(heard.at, heard.age) for heard in near.heard if heard.age is not None]
    seen = [(at, age) for at, age in near.seen if at >= BEGIN]
    sound = np.interp([at for at, _ in seen], [at for at, _ in ages], [age for _, age in ages])
    return sound - np.array([age for _, age in seen])


LOSSES = [(0.05, 1), (0.05, 2), (0.10, 1), (0.10, 2)]


@pytest.mark.parametrize(("loss", "seed"), LOSSES)
def test_all_of_the_time_is_covered_and_hardly_anything_made_up(loss: float, seed: int) -> None:
    near = call(loss, seed)
    assert max(gaps(near)) < 0.001
    made_up = [heard.age is None for heard in near.heard if heard.at >= BEGIN]
    assert sum(made_up) / len(made_up) <= 0.01


@pytest.mark.parametrize(("loss", "seed"), LOSSES)
def test_the_voice_is_hardly_stretched(loss: float, seed: int) -> None:
    """Within words; in a pause nobody hears it."""
    spoken = [heard for heard in call(loss, seed).heard if heard.at >= BEGIN and np.abs(heard.samples).max() > 2000]
    moved = sum(abs(len(heard.samples) - FRAME) for heard in spoken)
    assert moved / (len(spoken) * FRAME) < 0.015


def calls(loss: float) -> list[Near]:
    """What is asked of pictures is asked of a minute of them: one unlucky call of 10 s says little."""
    return [call(loss, seed) for seed in range(1, 7)]


@pytest.mark.parametrize("loss", [0.05, 0.10])
def test_lips_are_in_sync_and_pictures_do_not_stop(loss: float) -> None:
    for near in calls(loss):
        assert abs(np.median(skew(near))) < 0.025
        shown = np.array([at for at, _ in near.seen if at >= BEGIN])
        left_out = [at for at in near.overtaken if at >= BEGIN]
        assert len(shown) + len(left_out) >= 0.97 * 30 * (END - BEGIN)
        assert (np.diff(shown) > 0.183).sum() <= 1


@pytest.mark.parametrize("loss", [0.05, 0.10])
def test_of_a_hundred_pictures_at_the_most_one_is_out_of_step(loss: float) -> None:
    apart = np.abs(np.concatenate([skew(near) for near in calls(loss)]))
    assert np.percentile(apart, 99) <= OFF


@pytest.mark.parametrize("loss", [0.05, 0.10])
def test_only_what_would_be_seen_for_a_moment_is_left_out(loss: float) -> None:
    """Each picture that is left out is followed by a younger one before the next would be due."""
    every = 0
    for near in calls(loss):
        left_out = [at for at in near.overtaken if at >= BEGIN]
        every += len(left_out)
        shown = np.array([at for at, _ in near.seen])
        assert all(shown[np.searchsorted(shown, at)] - at < 1 / 30 for at in left_out if at < END - 0.1)
    assert every <= 0.04 * 30 * (END - BEGIN) * 6


def test_on_a_calm_link_nothing_waits_and_nothing_is_stretched() -> None:
    near = tell(Story(Impairment(0.05, 0.0, 0.0), 3, END), voice())
    late = [heard for heard in near.heard if heard.at >= BEGIN]
    assert all(len(heard.samples) == FRAME for heard in late)
    assert max(heard.age for heard in late if heard.age is not None) < 0.05 + 0.045
    assert np.abs(skew(near)).max() < OFF


def test_a_machine_that_stops_now_and_then_loses_no_sound_and_gets_no_later() -> None:
    spells = tuple(Spell(3.3 + 1.9 * number, (0.05, 0.3, 0.1, 0.2)[number % 4]) for number in range(5))
    near = tell(Story(Impairment(0.02, 0.002, 0.0), 4, END, receiver_slow=spells), voice())
    late = [heard for heard in near.heard if heard.at >= BEGIN]
    assert sum(len(heard.samples) for heard in late) / RATE == pytest.approx(END - BEGIN, abs=0.05)
    assert sum(heard.age is None for heard in late) / len(late) <= 0.01
    ages = [heard.age for heard in late if heard.age is not None]
    assert np.median(ages[-100:]) <= np.median(ages[:15]) + 0.02
