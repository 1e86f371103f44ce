"""Pictures as three planes of numpy, which is what the filters work on: no conversion to RGB and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.frames import Pixels, pixels_of

Alpha = npt.NDArray[np.float32]
"""How much of each place belongs to the person, 0.0 to 1.0, at half the picture's width and height."""


@dataclass(frozen=True, slots=True)
class Planes:
    """Brightness at full size, both colours at half the width and height; BT.601, limited range."""

    y: Pixels
    u: Pixels
    v: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.y.shape[1], self.y.shape[0]

    @property
    def half(self) -> tuple[int, int]:
        """(width, height) of the colour planes."""
        return self.u.shape[1], self.u.shape[0]

    def __iter__(self) -> Any:
        return iter((self.y, self.u, self.v))


def planes_of(picture: av.VideoFrame) -> Planes:
    """A view of a yuv420p picture; it must not be drawn on, as others may share it."""
    return Planes(*(pixels_of(plane) for plane in picture.planes))


def empty_planes(width: int, height: int) -> tuple[av.VideoFrame, Planes]:
    """A new picture and its planes to draw on."""
    picture = av.VideoFrame(width, height, "yuv420p")
    return picture, planes_of(picture)


def opencv() -> Any:
    """OpenCV; raises `MediaError` (NO_LIBRARY) if it is not installed."""
    try:
        import cv2
    except ImportError as error:
        reason = str(error).splitlines()[0]
        message = f"picture effects need OpenCV: pip install 'pycall[effects]' ({reason})"
        raise MediaError(ErrorCode.NO_LIBRARY, message) from error
    return cv2
