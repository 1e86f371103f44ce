"""Profiles have the documented sizes, rates and bitrates."""

from __future__ import annotations

import pytest

from pycall.core.errors import ConfigError, ErrorCode
from pycall.media.profiles import PROFILES, profile


@pytest.mark.parametrize(
    ("name", "width", "height", "fps", "bitrate"),
    [
        ("360p", 640, 360, 15, 800_000),
        ("480p", 640, 480, 15, 900_000),
        ("540p", 960, 540, 15, 850_000),
        ("720p", 1280, 720, 15, 1_500_000),
        ("720p15", 1280, 720, 15, 1_500_000),
        ("720p30", 1280, 720, 30, 2_250_000),
        ("1080p30", 1920, 1080, 30, 3_000_000),
    ],
)
def test_a_profile_by_name(name: str, width: int, height: int, fps: int, bitrate: int) -> None:
    found = profile(name)
    assert (found.width, found.height, found.fps, found.bitrate) == (width, height, fps, bitrate)


def test_every_profile_is_even_and_called_by_its_own_name() -> None:
    assert len(PROFILES) == 20
    for name, found in PROFILES.items():
        assert profile(name) == found
        assert found.name == name
        assert found.width % 2 == found.height % 2 == 0


@pytest.mark.parametrize("name", ["", "721p", "720p60", "720P", "720p1515", "p", "720p30 "])
def test_an_unknown_profile_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="120p, 180p, 240p, 360p, 480p, 540p, 720p, 1080p, 1440p, 4K") as caught:
        profile(name)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
