"""Who speaks."""

from __future__ import annotations

import pytest

from pycall.core.speaker import AUDIBLE, HOLD_SECONDS, Speaker


def heard(*steps: tuple[float, dict[str, int]]) -> list[str | None]:
    """Who was said to speak, each time it changed."""
    it = Speaker()
    return [it.user_id for now, volumes in steps if it.hear(volumes, now)]


def test_the_first_who_is_loud_enough_speaks_at_once() -> None:
    assert heard((0, {"a": AUDIBLE - 1, "b": 0}), (1, {"a": 0, "b": AUDIBLE})) == ["b"]


def test_the_loudest_of_two() -> None:
    assert heard((0, {"a": 50, "b": 60})) == ["b"]


def test_a_short_interjection_changes_nothing() -> None:
    assert heard((0, {"a": 50, "b": 0}), (0.5, {"a": 40, "b": 60}), (1.0, {"a": 50, "b": 0})) == ["a"]


def test_somebody_who_stays_louder_takes_over() -> None:
    steps = [(n / 2, {"a": 40, "b": 60 if n else 0}) for n in range(5)]
    assert heard(*steps) == ["a", "b"]


def test_a_pause_is_forgiven_and_silence_is_noticed() -> None:
    quiet = {"a": 0, "b": 0}
    assert heard((0, {"a": 50}), (0.5, quiet), (0.9, {"a": 50}), (1.5, quiet)) == ["a"]
    assert heard((0, {"a": 50}), (0.5, quiet), (HOLD_SECONDS, quiet), (9, quiet)) == ["a", None]


def test_a_speaker_who_left_loses_the_floor_at_once() -> None:
    assert heard((0, {"a": 50, "b": 20}), (0.1, {"b": 20})) == ["a", "b"]
    assert heard((0, {"a": 50}), (0.1, {})) == ["a", None]


@pytest.mark.parametrize("current", ["a", "b"])
def test_of_two_equally_loud_the_speaker_stays(current: str) -> None:
    assert heard((0, {current: 50}), *[(n, {"a": 50, "b": 50}) for n in range(1, 9)]) == [current]
