"""Smooths skin and keeps edges: a fast guided filter on the brightness, applied where the colour is that of skin.

The guided filter (He, Sun, Tang) fits brightness in each small window by `a * brightness + b`: where the window varies
little against `eps`, a is near 0 and the window's mean is shown; at an edge a is near 1 and nothing changes. Here the
filter guides itself, and a and b are found at a quarter of the size (the authors' own fast variant), so it is cheap.
Skin is found by its colour, which differs little between people (Chai and Ngan: U 77 to 127, V 133 to 173).
"""

from __future__ import annotations

import av
import numpy as np

from pycall.media.process.planes import Alpha, Planes, empty_planes, opencv, planes_of

MAX_LEVEL = 9.0
_SHRINK = 4
_RADIUS_PER_LINE = 1 / 72
"""Window at full size per line of the picture: 10 pixels at 720p, larger than a pore, smaller than an eye."""
_EPS = 18.0**2
"""Variance that still counts as skin's own texture, in steps of brightness squared."""
_U, _V = (77, 127), (133, 173)
_LIFT = 3.0
"""Steps of brightness added to skin at the highest level."""


class Beauty:
    """`level` above 0 and up to 9. For one thread at a time; about 3 ms at 720p."""

    def __init__(self, level: float) -> None:
        self._cv2 = opencv()
        self._strength = np.float32(level / MAX_LEVEL)

    def apply(self, picture: av.VideoFrame) -> av.VideoFrame:
        """A new yuv420p picture of the same size."""
        cv2, planes = self._cv2, planes_of(picture)
        width, height = planes.size
        small = (max(8, width // _SHRINK), max(8, height // _SHRINK))
        weight = self._skin(planes, small) * self._strength
        scale, offset = self._guided(cv2.resize(planes.y, small, interpolation=cv2.INTER_AREA), height)
        scale = 1.0 - weight * (1.0 - scale)
        offset = weight * (offset + _LIFT)
        made, drawn = empty_planes(width, height)
        smooth = cv2.multiply(planes.y, cv2.resize(scale, planes.size), dtype=cv2.CV_32F)
        cv2.add(smooth, cv2.resize(offset, planes.size), drawn.y, dtype=cv2.CV_8U)
        drawn.u[:], drawn.v[:] = planes.u, planes.v
        return made

    def _skin(self, planes: Planes, size: tuple[int, int]) -> Alpha:
        """How much of each place is skin, 0 to 1, with soft borders."""
        cv2 = self._cv2
        skin = cv2.bitwise_and(cv2.inRange(planes.u, *_U), cv2.inRange(planes.v, *_V))
        soft = cv2.blur(cv2.resize(skin, size, interpolation=cv2.INTER_AREA), (5, 5))
        share: Alpha = soft.astype(np.float32) * np.float32(1 / 255)
        return share

    def _guided(self, small: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
        """a and b of every place, at the small size."""
        cv2 = self._cv2
        side = 2 * max(1, round(height * _RADIUS_PER_LINE / _SHRINK)) + 1
        plane = small.astype(np.float32)
        mean = cv2.blur(plane, (side, side))
        variance = cv2.blur(plane * plane, (side, side)) - mean * mean
        scale = variance / (variance + np.float32(_EPS))
        return cv2.blur(scale, (side, side)), cv2.blur(mean * (1.0 - scale), (side, side))
