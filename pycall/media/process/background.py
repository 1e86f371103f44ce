"""What is behind the person: blurred, or replaced by a picture.

    picture ─► matte (who is the person?) ─► background, blurred without the person in it, or an image ─► blended

The matte has half the picture's size, as the colour planes do; blending is done on the planes. The blur works on a
picture shrunk to 90 lines, so its cost and its look do not depend on the size; the person is left out of it, or a halo
of them would lie around them.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import av
import numpy as np

from pycall.core.types import VideoProfile
from pycall.media.frames import Pixels
from pycall.media.process.mattes import Matte
from pycall.media.process.planes import Alpha, Planes, empty_planes, opencv, planes_of
from pycall.media.shape import PictureShaper
from pycall.media.tracks import Track
from pycall.media.turn import middle

_LINES = 90
_SIGMAS = {1: 1.2, 2: 2.5, 3: 5.0}
"""Blur in lines of 90 by level; 3 leaves nothing to recognise of a room."""


class BackgroundMode(str, Enum):
    """How the person is told from the background; the strings themselves will do."""

    PERSON = "person"
    """By a segmentation model: `EngineConfig.segmentation_model`."""
    WHOLE = "whole"
    """Not at all: the whole picture is blurred, the person too."""
    CHROMA_KEY = "chroma_key"
    """By the colour of a screen behind the person."""
    CLEAN_PLATE = "clean_plate"
    """By what differs from the empty place, which the first second of pictures shows, or a photograph."""


class Scenery(Protocol):
    """What is to be seen where the person is not."""

    def behind(self, planes: Planes, alpha: Alpha | None) -> Planes: ...


class Blur:
    """The picture itself, blurred; `level` 1 to 3."""

    def __init__(self, level: int) -> None:
        self._cv2 = opencv()
        self._sigma = _SIGMAS[level]

    def behind(self, planes: Planes, alpha: Alpha | None) -> Planes:
        """Blurred planes; about 1 ms at 720p."""
        width, height = planes.size
        small = (max(2, round(width * _LINES / height)), _LINES)
        weight = None if alpha is None else self._small(1.0 - alpha, small) + np.float32(1e-3)
        return Planes(*(self._blurred(plane, small, weight) for plane in planes))

    def _small(self, plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        small: np.ndarray = self._cv2.resize(plane, size, interpolation=self._cv2.INTER_AREA)
        return small

    def _blurred(self, plane: Pixels, size: tuple[int, int], weight: np.ndarray | None) -> Pixels:
        small = self._small(plane, size)
        if weight is None:
            soft = self._soften(small)
        else:
            soft = (self._soften(small * weight) / self._soften(weight)).astype(np.uint8)
        grown: Pixels = self._cv2.resize(soft, (plane.shape[1], plane.shape[0]))
        return grown

    def _soften(self, small: np.ndarray) -> np.ndarray:
        soft: np.ndarray = self._cv2.GaussianBlur(small, (0, 0), self._sigma)
        return soft


class Image:
    """A picture file, cut to the shape of what is sent. Raises `MediaError` (NO_SUCH_FILE, BAD_FILE)."""

    def __init__(self, path: str) -> None:
        opencv()
        self._picture = load_picture(path)
        self._fitted: Planes | None = None

    def behind(self, planes: Planes, alpha: Alpha | None) -> Planes:
        if self._fitted is None or self._fitted.size != planes.size:
            self._fitted = fitted(self._picture, *planes.size)
        return self._fitted


def load_picture(path: str) -> av.VideoFrame:
    """The (first) picture of a file. Raises `MediaError` (NO_SUCH_FILE, BAD_FILE)."""
    track = Track(path, av.VideoFrame)
    try:
        return track.head
    finally:
        track.close()


def fitted(picture: av.VideoFrame, width: int, height: int) -> Planes:
    """The middle of the picture in exactly this size."""
    made = PictureShaper(VideoProfile("", width, height, 30, 0)).fit(middle(picture, width, height))
    return planes_of(made)


class Background:
    """Puts a scenery behind the person; without a matte the scenery is all there is to see. One thread at a time."""

    def __init__(self, scenery: Scenery, matte: Matte | None) -> None:
        self._cv2 = opencv()
        self.scenery = scenery
        self._matte = matte

    def apply(self, picture: av.VideoFrame) -> av.VideoFrame:
        """A new yuv420p picture of the same size."""
        planes = planes_of(picture)
        alpha = None if self._matte is None else self._matte.alpha(planes)
        behind = self.scenery.behind(planes, alpha)
        made, drawn = empty_planes(*planes.size)
        if alpha is None:
            for target, plane in zip(drawn, behind, strict=True):
                target[:] = plane
        else:
            self._blend(planes, behind, alpha, drawn)
        return made

    def _blend(self, planes: Planes, behind: Planes, alpha: Alpha, drawn: Planes) -> None:
        cv2, rest = self._cv2, 1.0 - alpha
        large, large_rest = (cv2.resize(part, planes.size) for part in (alpha, rest))
        cv2.blendLinear(planes.y, behind.y, large, large_rest, drawn.y)
        for plane, other, target in zip((planes.u, planes.v), (behind.u, behind.v), (drawn.u, drawn.v), strict=True):
            cv2.blendLinear(plane, other, alpha, rest, target)
