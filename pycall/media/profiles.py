"""Picture profiles by their documented names: size, rate and bitrate."""

from __future__ import annotations

from dataclasses import replace

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.types import VideoProfile

_BITRATES_AT_15 = {
    "120p": (160, 120, 200_000),
    "180p": (320, 180, 350_000),
    "240p": (320, 240, 400_000),
    "360p": (640, 360, 800_000),
    "480p": (640, 480, 900_000),
    "540p": (960, 540, 850_000),
    "720p": (1280, 720, 1_500_000),
    "1080p": (1920, 1080, 2_000_000),
    "1440p": (2560, 1440, 3_240_000),
    "4K": (3840, 2160, 6_000_000),
}
"""Width, height and bit/s at 15 fps, as TRTC documents them: 540p in its native guide, the others in its web guide,
where 1440p and 4K are given at 30 fps."""

FACTOR_AT_30 = 1.5
"""Bitrate at 30 fps against 15 fps. Our own choice: twice the pictures differ less from each other, so they need less
than twice the bits; TRTC documents no 30 fps rate for these sizes."""


def _both_rates(name: str, width: int, height: int, bitrate: int) -> list[VideoProfile]:
    return [
        VideoProfile(f"{name}15", width, height, 15, bitrate),
        VideoProfile(f"{name}30", width, height, 30, int(bitrate * FACTOR_AT_30)),
    ]


PROFILES = {p.name: p for name, row in _BITRATES_AT_15.items() for p in _both_rates(name, *row)}
"""Every profile by its full name, such as `720p30`."""


def profile(name: str) -> VideoProfile:
    """The profile called `name`: `120p` to `4K` as above, with `15` or `30` behind it or nothing, which means 15 fps.
    Raises `ConfigError` (BAD_ARGUMENT) for any other name."""
    found = PROFILES.get(name) or PROFILES.get(f"{name}15")
    if found is None:
        sizes = ", ".join(_BITRATES_AT_15)
        raise ConfigError(
            ErrorCode.BAD_ARGUMENT,
            f"no video profile {name!r}; use {sizes}, with 15 or 30 behind it for the frame rate",
        )
    return found


def upright(found: VideoProfile) -> VideoProfile:
    """The same profile higher than wide."""
    return replace(found, name=f"{found.name}-portrait", width=found.height, height=found.width)
