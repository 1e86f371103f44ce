"""Pictures in another size or format, also where several threads read the same picture.

`VideoFrame.reformat` keeps its scaler at the picture: two encoders that make one picture smaller at the same moment
crash the process, or never come back. Here each thread has a scaler of its own, set up once and not for every picture.
The devices have another such (`pycall.media.scale`): neither room knows the other.
"""

from __future__ import annotations

import threading

import av
from av.video.reformatter import Interpolation, VideoReformatter

_own = threading.local()


def scaled(
    picture: av.VideoFrame, width: int, height: int, interpolation: Interpolation = Interpolation.BILINEAR
) -> av.VideoFrame:
    """In yuv420p and of this size, captured at the same moment; the same object where nothing is to be done."""
    if not hasattr(_own, "scaler"):
        _own.scaler = VideoReformatter()
    made: av.VideoFrame = _own.scaler.reformat(
        picture, width, height, "yuv420p", interpolation=interpolation, threads=1
    )
    made.pts = picture.pts
    if picture.time_base is not None:
        made.time_base = picture.time_base
    return made
