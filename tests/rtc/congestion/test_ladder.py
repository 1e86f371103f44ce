"""From bits to pictures: down at once, up with patience."""

from __future__ import annotations

import pytest

from pycall.rtc.congestion import Ladder, Step


def settled(ladder: Ladder, bitrate: float, now: float) -> Step | None:
    """The step after `bitrate` has been there for ten seconds."""
    for tick in range(101):
        step = ladder.update(bitrate, now + tick / 10)
    return step


@pytest.mark.parametrize(
    ("bitrate", "expected"),
    [
        (3_000_000, (1280, 720, 30)),
        (1_050_000, (1280, 720, 30)),
        (720_000, (960, 540, 30)),
        (420_000, (640, 360, 30)),
        (220_000, (640, 360, 15)),
        (90_000, (320, 180, 15)),
        (50_000, None),
    ],
)
def test_each_bitrate_has_its_picture(bitrate: int, expected: tuple[int, int, int] | None) -> None:
    step = settled(Ladder(1280, 720, 30, 2_250_000), bitrate, 0.0)
    assert (step and (step.width, step.height, step.fps)) == expected
    assert step is None or step.bitrate == min(bitrate, 2_250_000)


def test_pictures_of_four_to_three_keep_their_shape_and_even_sizes() -> None:
    ladder = Ladder(640, 480, 30, 1_350_000)
    steps = [settled(ladder, rate, i * 20.0) for i, rate in enumerate((1e6, 320e3, 150e3, 60e3))]
    assert [(s.width, s.height, s.fps) for s in steps if s] == [
        (640, 480, 30),
        (480, 360, 30),
        (480, 360, 15),
        (240, 180, 15),
    ]


def test_a_profile_is_never_exceeded() -> None:
    assert settled(Ladder(640, 360, 15, 800_000), 5e6, 0.0) == Step(640, 360, 15, 800_000)


def test_it_steps_down_at_once_and_up_only_after_a_time_with_headroom() -> None:
    ladder = Ladder(1280, 720, 30, 2_250_000)
    settled(ladder, 1.5e6, 0.0)
    assert ladder.update(400e3, 20.0) == Step(640, 360, 30, 400_000)
    heights = [(t / 10, step.height) for t in range(201, 260) if (step := ladder.update(1.5e6, t / 10))]
    climbed = next(at for at, height in heights if height > 360)
    assert 22.9 < climbed < 23.5
    assert heights[-1][1] == 720


def test_a_rate_that_wavers_about_a_threshold_is_not_seen() -> None:
    ladder = Ladder(1280, 720, 30, 2_250_000)
    settled(ladder, 1.1e6, 0.0)
    seen = {step.height for t in range(300) if (step := ladder.update(870e3 if t % 2 else 930e3, 20 + t / 10))}
    assert seen == {720}
    ladder.update(700e3, 60.0)
    seen = {step.height for t in range(300) if (step := ladder.update(870e3 if t % 2 else 1.2e6, 61 + t / 10))}
    assert seen == {540}


def test_at_the_beginning_it_climbs_as_soon_as_the_rate_is_found() -> None:
    ladder = Ladder(1280, 720, 30, 2_250_000)
    assert ladder.update(400e3, 0.0) == Step(640, 360, 30, 400_000)
    assert [getattr(ladder.update(2e6, at), "height", None) for at in (0.5, 0.9, 1.1)] == [360, 360, 720]


def test_a_picture_that_was_switched_off_comes_back() -> None:
    ladder = Ladder(1280, 720, 30, 2_250_000)
    assert settled(ladder, 20e3, 0.0) is None
    assert settled(ladder, 80e3, 20.0) == Step(320, 180, 15, 80_000)
