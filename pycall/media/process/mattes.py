"""Tells the person from the background without a model: by the colour of a screen, or by a picture of the empty place.

**Chroma key.** A screen of one hue hangs behind the person. In the (U, V) plane the screen's colour is a direction; a
colour's part along it, less its part across it, is how much it looks like the screen whatever its brightness and
saturation (the family of keyers that began with Vlahos' colour difference). One table over all (U, V) answers it.

**Clean plate.** The camera does not move and the place was seen empty once. What differs from that plate is the person.
Shifts of the whole brightness (automatic exposure) are taken out by the median; small specks and holes by opening and
closing.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.frames import Pixels
from pycall.media.process.planes import Alpha, Planes, opencv

KEY_COLOURS = {"green": (0, 177, 64), "blue": (0, 71, 187)}
"""The two usual screens, RGB ("chroma key green" and "chroma key blue")."""
_KEY_NONE, _KEY_ALL = 8.0, 26.0
"""How much like the screen, in steps of U and V, counts as not at all and as wholly; skin is below 0 for green."""
LEARN_PICTURES = 15
"""Pictures of the empty place that are averaged: 1 s at 15 fps; the noise of a camera falls to a quarter."""
_SAME, _OTHER = 14.0, 40.0
"""Difference, brightness plus both colours, that counts as noise and as surely somebody; a webcam's noise is 2 to 4."""
_GRAIN = 5
"""Pixels at half size: smaller specks and holes are not a person."""


class Matte(Protocol):
    """Finds the person in one picture after the other; for one thread at a time."""

    def alpha(self, planes: Planes) -> Alpha: ...


class ChromaKey:
    """`colour` (RGB) is the screen's; green and blue ones work best, as skin has little of them."""

    def __init__(self, colour: tuple[int, int, int]) -> None:
        self._table = _key_table(colour)

    def alpha(self, planes: Planes) -> Alpha:
        """About 1 ms at 720p."""
        places = planes.u.astype(np.uint16) << 8 | planes.v
        return self._table.take(places)


def key_colour(text: str) -> tuple[int, int, int]:
    """RGB of `green`, `blue` or `#rrggbb`; raises `MediaError` for anything else, and for greys, which have no hue."""
    colour = KEY_COLOURS.get(text) or _hex(text)
    if colour is None or max(colour) - min(colour) < 40:
        raise MediaError(ErrorCode.BAD_ARGUMENT, f"{text!r} is no colour of a screen; use green, blue or like #00b140")
    return colour


def _hex(text: str) -> tuple[int, int, int] | None:
    if len(text) != 7 or text[0] != "#":
        return None
    try:
        red, green, blue = bytes.fromhex(text[1:])
    except ValueError:
        return None
    return red, green, blue


def _key_table(colour: tuple[int, int, int]) -> Alpha:
    """Alpha by 256 * U + V."""
    red, green, blue = colour
    towards = np.array([-0.148 * red - 0.291 * green + 0.439 * blue, 0.439 * red - 0.368 * green - 0.071 * blue])
    towards /= np.hypot(*towards)
    u, v = np.meshgrid(np.arange(256) - 128, np.arange(256) - 128, indexing="ij")
    along = u * towards[0] + v * towards[1]
    across = np.abs(u * towards[1] - v * towards[0])
    likeness = (along - across - _KEY_NONE) / (_KEY_ALL - _KEY_NONE)
    table: Alpha = (1.0 - np.clip(likeness, 0.0, 1.0)).astype(np.float32).ravel()
    return table


class CleanPlate:
    """Learns the plate from the first `LEARN_PICTURES` pictures unless one is given; till then nobody is there."""

    def __init__(self, plate: Planes | None = None) -> None:
        self._cv2 = opencv()
        self._plate: list[Pixels] | None = None if plate is None else self._halved(plate)
        self._sum: list[np.ndarray] = []
        self._seen = 0
        size = (_GRAIN, _GRAIN)
        self._grain = self._cv2.getStructuringElement(self._cv2.MORPH_ELLIPSE, size)

    @property
    def learned(self) -> bool:
        return self._plate is not None

    def alpha(self, planes: Planes) -> Alpha:
        """About 2 ms at 720p."""
        halves = self._halved(planes)
        if self._plate is None or self._plate[0].shape != halves[0].shape:
            if self._plate is None:
                self._learn(halves)
                return np.zeros(halves[0].shape, np.float32)
            self._plate = [self._cv2.resize(part, planes.half) for part in self._plate]
        return self._difference(halves, self._plate)

    def _halved(self, planes: Planes) -> list[Pixels]:
        small = self._cv2.resize(planes.y, planes.half, interpolation=self._cv2.INTER_AREA)
        return [small, planes.u.copy(), planes.v.copy()]

    def _learn(self, halves: list[Pixels]) -> None:
        if not self._sum or self._sum[0].shape != halves[0].shape:
            self._sum, self._seen = [np.zeros(part.shape, np.float32) for part in halves], 0
        for total, part in zip(self._sum, halves, strict=True):
            total += part
        self._seen += 1
        if self._seen >= LEARN_PICTURES:
            self._plate = [(total / self._seen + 0.5).astype(np.uint8) for total in self._sum]
            self._sum = []

    def _difference(self, halves: list[Pixels], plate: list[Pixels]) -> Alpha:
        cv2 = self._cv2
        brighter = float(np.median(halves[0][::8, ::8].astype(np.int16) - plate[0][::8, ::8]))
        evened = cv2.add(plate[0], (brighter, 0, 0, 0))
        differs = cv2.absdiff(halves[0], evened)
        for part, empty in zip(halves[1:], plate[1:], strict=True):
            differs = cv2.add(differs, cv2.absdiff(part, empty))
        differs = cv2.morphologyEx(differs, cv2.MORPH_OPEN, self._grain)
        differs = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, self._grain)
        sure = (cv2.blur(differs, (3, 3)).astype(np.float32) - _SAME) * (1.0 / (_OTHER - _SAME))
        alpha: Alpha = np.clip(sure, 0.0, 1.0)
        return alpha
