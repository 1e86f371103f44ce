"""The filters that are switched on, over every picture before it is sent."""

from __future__ import annotations

import logging
from threading import Lock
from typing import Protocol

import av

from pycall.core.errors import ErrorCode, MediaError

log = logging.getLogger(__name__)


class PictureFilter(Protocol):
    """A yuv420p picture in, a new one of the same size out; for one thread at a time."""

    def apply(self, picture: av.VideoFrame) -> av.VideoFrame: ...


class PictureEffects:
    """Beauty first, then the background. Both may be exchanged from any thread, at any time, and outlive calls."""

    def __init__(self) -> None:
        self.beauty: PictureFilter | None = None
        self.background: PictureFilter | None = None
        self._lock = Lock()

    def apply(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The picture itself if nothing is on. Raises `MediaError` rather than let one pass that was to be hidden."""
        with self._lock:
            made = picture
            for step in (self.beauty, self.background):
                if step is not None:
                    made = _applied(step, made)
        if made is not picture:
            made.pts = picture.pts
            if picture.time_base is not None:
                made.time_base = picture.time_base
        return made


def _applied(step: PictureFilter, picture: av.VideoFrame) -> av.VideoFrame:
    try:
        return step.apply(picture)
    except MediaError:
        raise
    except Exception as error:  # OpenCV's errors and those of a model have no type in common
        log.exception("a picture filter raised")
        name = type(step).__name__.lower()
        raise MediaError(ErrorCode.EFFECT, f"the {name} effect fails, so no picture is sent; turn it off") from error
