"""Pictures in another size or format, also where several threads read the same picture.

`VideoFrame.reformat`, and `to_ndarray` with a format, keep their scaler at the picture: two threads that scale one
picture at the same moment crash the process, or never come back. Here each thread has a scaler of its own.
"""

from __future__ import annotations

import threading
from typing import Any

import av
from av.video.reformatter import VideoReformatter

_own = threading.local()


def reformatted(
    picture: av.VideoFrame, width: int | None = None, height: int | None = None, format: str | None = None, **more: Any
) -> av.VideoFrame:
    """As `VideoFrame.reformat` does it, and with its further options; what is None stays."""
    if not hasattr(_own, "scaler"):
        _own.scaler = VideoReformatter()
    made: av.VideoFrame = _own.scaler.reformat(picture, width, height, format, threads=1, **more)
    return made
