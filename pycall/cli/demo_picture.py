"""demo.png: the same picture as it was sent and as it arrived, side by side, with the main figures under it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from pycall.media.profiles import profile

from .demo_clip import PROFILE, open_reference
from .lettering import HEIGHT, Picture, write

if TYPE_CHECKING:
    from .demo_report import Report, Shown

WIDTH = 640
"""Pixels of each of the two pictures."""
_SCALE = 2
_MARGIN = 12
_BACKGROUND = 24


def draw(report: Report, path: Path) -> None:
    """Write the image; a call without a picture gives one with figures only."""
    height = WIDTH * 9 // 16
    if report.shown is not None:
        received = av.VideoFrame.from_ndarray(np.load(report.shown.path), format="rgb24")
        both = [_scaled(picture, height) for picture in (_sent(report.shown), received)]
    else:
        both = [np.zeros((height, WIDTH, 3), np.uint8)] * 2
    lines = [f"{name:10} {value}" for name, value in report.rows()]
    _save(_compose(both, lines), path)


def _sent(shown: Shown) -> av.VideoFrame:
    """The picture as its sender made it, worked out anew."""
    clip = open_reference(profile(PROFILE))
    try:
        return clip.picture(shown.number, shown.time)
    finally:
        clip.close()


def _compose(both: list[Picture], lines: list[str]) -> Picture:
    step = HEIGHT * _SCALE + 4
    top = step + _MARGIN
    height = both[0].shape[0]
    page = np.full((top + height + _MARGIN + step * len(lines) + _MARGIN, 2 * WIDTH, 3), _BACKGROUND, np.uint8)
    for i, (title, picture) in enumerate(zip(("sent", "received"), both, strict=True)):
        write(page, title, i * WIDTH + _MARGIN, _MARGIN, scale=_SCALE)
        page[top : top + height, i * WIDTH : (i + 1) * WIDTH] = picture
    for i, line in enumerate(lines):
        write(page, line, _MARGIN, top + height + _MARGIN + i * step, scale=_SCALE)
    return page[: page.shape[0] // 2 * 2]


def _scaled(picture: av.VideoFrame, height: int) -> Picture:
    return picture.reformat(width=WIDTH, height=height, format="rgb24").to_ndarray().astype(np.uint8, copy=False)


def _save(page: Picture, path: Path) -> None:
    """One PNG image."""
    coder = av.CodecContext.create("png", "w")
    assert isinstance(coder, VideoCodecContext)
    coder.width, coder.height, coder.pix_fmt = page.shape[1], page.shape[0], "rgb24"
    coder.time_base = Fraction(1, 1)
    frame = av.VideoFrame.from_ndarray(page, format="rgb24")
    path.write_bytes(b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)]))
