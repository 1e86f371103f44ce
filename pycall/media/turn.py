"""Turns and mirrors pictures, plane by plane."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import ColorRange

from pycall.media.frames import pixels_of
from pycall.media.scale import reformatted


def turned(picture: av.VideoFrame, quarters: int, *, mirror: bool = False) -> av.VideoFrame:
    """A new yuv420p picture: `quarters` of 90 degrees against the clock, then mirrored left to right.

    The picture itself if there is nothing to do. About 1 ms at 720p. An odd last row or column is lost.
    """
    quarters %= 4
    if quarters == 0 and not mirror:
        return picture
    even = _even(picture)
    planes = [np.rot90(pixels_of(plane), quarters) for plane in even.planes]
    if mirror:
        planes = [plane[:, ::-1] for plane in planes]
    height, width = planes[0].shape
    made = av.VideoFrame(width, height, "yuv420p")
    for plane, pixels in zip(made.planes, planes, strict=True):
        pixels_of(plane)[:] = pixels
    return made


def middle(picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """The largest part of the shape width : height around the middle of the picture, yuv420p, a copy."""
    even = _even(picture)
    wide = min(even.width, max(2, round(even.height * width / height) // 2 * 2))
    tall = min(even.height, max(2, round(even.width * height / width) // 2 * 2))
    left, top = (even.width - wide) // 4 * 2, (even.height - tall) // 4 * 2
    made = av.VideoFrame(wide, tall, "yuv420p")
    for index, (source, target) in enumerate(zip(even.planes, made.planes, strict=True)):
        x, y = (left, top) if index == 0 else (left // 2, top // 2)
        pixels_of(target)[:] = pixels_of(source)[y : y + target.height, x : x + target.width]
    return made


def _even(picture: av.VideoFrame) -> av.VideoFrame:
    width, height = picture.width // 2 * 2, picture.height // 2 * 2
    return reformatted(picture, width, height, "yuv420p", dst_color_range=ColorRange.MPEG)
