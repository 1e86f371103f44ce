"""One budget for sound, repair and pictures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pycall.rtc.congestion import split


def test_sound_comes_first() -> None:
    assert split(30_000, 48_000, 0.0, [1e6]).audio == 30_000
    assert split(100_000, 48_000, 0.0, []).audio == 48_000


def test_repair_grows_with_loss_and_has_an_end() -> None:
    repairs = [split(1_050_000, 50_000, loss, [2e6]).repair for loss in (0.0, 0.005, 0.05, 0.1, 0.2, 0.4)]
    assert repairs[:2] == [0, 0]
    assert repairs == sorted(repairs)
    assert 50_000 < repairs[2] < 70_000
    assert repairs[-1] <= 0.3 * 1_000_000
    assert split(1e6, 50e3, 0.3, []).repair == 0


def test_what_one_picture_cannot_use_goes_to_the_others() -> None:
    assert split(1_050_000, 50_000, 0.0, [200_000, 3e6]).videos == (200_000, 800_000)
    assert split(1_050_000, 50_000, 0.0, [3e6, 3e6]).videos == (500_000, 500_000)


def test_too_little_for_all_pictures_is_given_to_the_first() -> None:
    assert split(150_000, 50_000, 0.0, [1e6, 1e6]).videos == (100_000, 0)
    assert split(100_000, 50_000, 0.0, [1e6, 1e6]).videos == (0, 0)


@given(
    st.floats(0, 1e8),
    st.floats(0, 1e6),
    st.floats(0, 1),
    st.lists(st.floats(0, 1e7), max_size=6),
)
def test_never_more_than_there_is(target: float, audio: float, loss: float, videos: list[float]) -> None:
    budget = split(target, audio, loss, videos)
    assert budget.audio + budget.repair + sum(budget.videos) <= target + 1
    assert all(given <= wanted + 1 for given, wanted in zip(budget.videos, videos, strict=True))
    assert min(budget.audio, budget.repair, *budget.videos, 0) == 0
