"""How coarse pictures are coded: against sources whose bits follow, roughly, the law that is assumed."""

from __future__ import annotations

import random

import pytest

from pycall.rtc.quantiser import COARSEST, FINEST, LAST, Quantiser, Trial

PIXELS = 1280 * 720
FPS = 30


class Source:
    """Pictures that take `bits` at quantiser 28, and `key` as a keyframe; each a little other than the one before."""

    def __init__(self, bits: float, key: float, seed: int = 1) -> None:
        self.bits, self.key = bits, key
        self.tries: list[list[Trial]] = []
        self.sizes: list[int] = []
        self._random = random.Random(seed)
        self._quantiser = Quantiser(PIXELS, 0.12)

    def code(self, count: int, bitrate: int, *, fps: int = FPS, key: bool = False) -> list[int]:
        for number in range(count):
            trial: Trial | None = self._quantiser.plan(key=key and number == 0, bitrate=bitrate, fps=fps)
            tries = []
            while trial is not None:
                tries.append(trial)
                taken = self._taken(trial)
                trial = self._quantiser.made(trial, taken)
            self.tries.append(tries)
            self.sizes.append(taken)
        return self.sizes[-count:]

    def _taken(self, trial: Trial) -> int:
        at_28 = self.key if trial.key else self.bits * self._random.uniform(0.7, 1.4)
        return round(at_28 * 2 ** ((28 - trial.step) / (6.0 if trial.key else 5.2)))

    def sent(self) -> list[Trial]:
        return [tries[-1] for tries in self.tries]


@pytest.mark.parametrize("bits", [8_000, 60_000, 400_000])
@pytest.mark.parametrize("bitrate", [300_000, 2_250_000])
def test_the_rate_is_met(bits: int, bitrate: int) -> None:
    source = Source(bits, 6 * bits)
    source.code(60, bitrate)
    finest = all(trial.step == FINEST for trial in source.sent()[-20:])
    assert sum(source.code(90, bitrate)) == pytest.approx(3 * bitrate, rel=0.05) or finest
    assert sum(trial.key for trial in source.sent()) == 1


def test_no_second_takes_more_than_the_rate_and_a_little() -> None:
    source = Source(60_000, 500_000)
    source.code(300, 1_000_000)
    for begin in range(30, 270):
        assert sum(source.sizes[begin : begin + 30]) <= 1_150_000


def test_the_next_picture_is_already_small_when_the_rate_falls() -> None:
    source = Source(60_000, 500_000)
    source.code(90, 2_250_000)
    after = source.code(15, 300_000)
    assert max(after) <= 3 * 300_000 / FPS
    assert sum(after) <= 1.2 * 300_000 / 2
    assert not any(trial.key for trial in source.sent()[90:])


@pytest.mark.parametrize("key", [60_000, 500_000, 4_000_000])
def test_a_first_picture_fits_whatever_it_shows(key: int) -> None:
    source = Source(key / 8, key)
    (first,) = source.code(1, 1_000_000)
    assert first <= 1.25 * 0.12 * 1_000_000
    assert first >= 0.4 * 0.12 * 1_000_000 or source.sent()[0].step == FINEST
    assert len(source.tries[0]) <= 3


def test_a_new_scene_is_coded_anew_as_a_keyframe_that_fits() -> None:
    source = Source(20_000, 400_000)
    source.code(60, 1_000_000)
    source.bits, source.key = 900_000, 1_200_000
    (scene,) = source.code(1, 1_000_000)
    assert [trial.key for trial in source.tries[-1]][:2] == [False, True]
    assert scene <= 0.15 * 1_000_000
    source.bits = 30_000
    assert not any(trial.key for trial in (source.code(30, 1_000_000), source.sent()[-30:])[1])


def test_a_new_scene_is_never_late_although_keyframes_took_much_in_the_old_one() -> None:
    source = Source(8_000, 600_000)
    source.code(60, 500_000)
    source.bits, source.key = 150_000, 200_000
    (scene,) = source.code(1, 500_000)
    assert scene <= 0.15 * 500_000


def test_one_big_picture_in_the_same_scene_is_sent_and_paid_for() -> None:
    source = Source(20_000, 2_000_000)
    source.code(60, 1_000_000)
    source.bits = 200_000
    (big,) = source.code(1, 1_000_000)
    source.bits = 20_000
    assert big > 3 * 1_000_000 / FPS and not source.sent()[-1].key
    assert big + sum(source.code(29, 1_000_000)) <= 1.1 * 1_000_000


def test_what_is_fine_already_takes_no_more() -> None:
    source = Source(500, 50_000)
    assert sum(source.code(90, 2_250_000)) < 0.2 * 3 * 2_250_000
    assert source.sent()[-1].step == FINEST


def test_noise_is_made_softer_where_the_coarsest_is_not_enough() -> None:
    source = Source(1_500_000, 6_000_000)
    assert sum(source.code(60, 300_000)[-30:]) <= 1.1 * 300_000
    last = source.sent()[-1]
    assert last.step > LAST and last.softer == 2 and last.quantiser <= LAST


@pytest.mark.parametrize(
    ("step", "softer", "quantiser"), [(18, 1, 18), (51, 1, 51), (52, 2, 39), (64, 2, 51), (65, 4, 39), (77, 4, 51)]
)
def test_the_steps_go_on_where_the_quantiser_ends(step: int, softer: int, quantiser: int) -> None:
    trial = Trial(False, step, 1.0)
    assert (trial.softer, trial.quantiser) == (softer, quantiser)
    assert step <= COARSEST


def test_each_number_of_pictures_a_second_gets_the_whole_rate() -> None:
    source = Source(60_000, 500_000)
    source.code(60, 1_000_000)
    source.code(10, 1_000_000, fps=15)
    assert sum(source.code(30, 1_000_000, fps=15)) == pytest.approx(2_000_000, rel=0.08)
