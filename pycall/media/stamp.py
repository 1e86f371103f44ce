"""A frame number and a wall-clock time drawn into a picture, to be read back after lossy coding and scaling.

    post | 44 cells: number (24 bits), high part of the time | post     upper row
    post | 44 cells: low part of the time, CRC-16 of both    | post     lower row

Two rows of cells along the top edge, white for 1 and black for 0. A row is 1/45 of the height (16 lines at 720p), a
cell 1/46 of the width, so that one cell is several times larger than what a coder blurs. The posts at both ends are
white: they show where the picture begins when bars were added around it.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from functools import lru_cache

import av
import numpy as np
import numpy.typing as npt

from pycall.media.frames import Pixels, pixels_of
from pycall.media.scale import reformatted

_ROWS = 2
_COLUMNS = 46
_POINTS = 4
"""Of a cell are looked at, each way, where its middle alone does not do."""
_PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray"})
"""Formats that begin with a plane of 8-bit brightness; all others are converted."""
_NUMBER_BYTES, _TIME_BYTES, _CRC_BYTES = 3, 6, 2
_TICKS = 10_000
"""Steps of time in a second."""
_BLACK, _WHITE, _MIDDLE = 16, 235, 126
_SHADES = np.array([_BLACK, _WHITE], np.uint8)
Cells = npt.NDArray[np.bool_]
_POSTS = np.full((_ROWS, _COLUMNS), _WHITE, np.uint8)
MAX_NUMBER = (1 << 8 * _NUMBER_BYTES) - 1


@dataclass(frozen=True, slots=True)
class Stamp:
    """What was drawn: the frame's number, 0 to 2**24 - 1 (then it starts over), and unix time in seconds."""

    number: int
    time: float


def strip_height(height: int) -> int:
    """Lines at the top that a stamp covers in a picture of this height."""
    return _ROWS * round(height / 45)


def luma_of(picture: av.VideoFrame) -> Pixels:
    """The brightness of a planar 8-bit YUV picture, shape (height, width): a view, not a copy."""
    return pixels_of(picture.planes[0])


def draw_stamp(luma: Pixels, number: int, at: float) -> None:
    """Draw over the top lines, in place. `luma` is at least 320 x 180; `at` is unix time in seconds."""
    height, width = luma.shape
    cells = _POSTS.copy()
    bits = np.unpackbits(np.frombuffer(_encode(number, at), np.uint8))
    cells[:, 1:-1] = _SHADES[bits].reshape(_ROWS, _COLUMNS - 2)
    lines = cells.take(_column_of_pixel(width), axis=1)
    step = strip_height(height) // _ROWS
    for row in range(_ROWS):
        luma[row * step : (row + 1) * step] = lines[row]


def read_stamp(picture: av.VideoFrame) -> Stamp | None:
    """The stamp in a picture of any size and pixel format, with or without bars around it; None if none is readable."""
    luma = luma_of(picture if picture.format.name in _PLANAR else reformatted(picture, format="gray"))
    found = _read(luma)
    if found is None:
        inner = _without_bars(luma)
        found = None if inner is None else _read(inner)
    return found


def _encode(number: int, at: float) -> bytes:
    body = (number & MAX_NUMBER).to_bytes(_NUMBER_BYTES, "big") + int(at * _TICKS).to_bytes(_TIME_BYTES, "big")
    return body + binascii.crc_hqx(body, 0xFFFF).to_bytes(_CRC_BYTES, "big")


def _decode(white: Cells) -> Stamp | None:
    if not (white[0, 0] and white[0, -1] and white[1, 0] and white[1, -1]):
        return None
    data = np.packbits(white[:, 1:-1]).tobytes()
    body, crc = data[:-_CRC_BYTES], int.from_bytes(data[-_CRC_BYTES:], "big")
    if binascii.crc_hqx(body, 0xFFFF) != crc:
        return None
    return Stamp(int.from_bytes(body[:_NUMBER_BYTES], "big"), int.from_bytes(body[_NUMBER_BYTES:], "big") / _TICKS)


def _read(luma: Pixels) -> Stamp | None:
    height, width = luma.shape
    if height < 90 or width < 4 * _COLUMNS:
        return None
    return _decode(luma[_sample_points(height, width, 1)] > _MIDDLE) or _decode(_looked_at_closely(luma))


def _looked_at_closely(luma: Pixels) -> Cells:
    points = luma[_sample_points(*luma.shape, _POINTS)].reshape(_ROWS, _POINTS, _COLUMNS, _POINTS)
    white: Cells = points.sum(axis=(1, 3), dtype=np.uint16) > _MIDDLE * _POINTS**2
    return white


def _without_bars(luma: Pixels) -> Pixels | None:
    """The part between black bars of equal width, found by the posts."""
    height, width = luma.shape
    bright_rows = np.flatnonzero(luma[: height // 2].max(axis=1) > _MIDDLE)
    if len(bright_rows) == 0:
        return None
    top = int(bright_rows[0])
    bright = np.flatnonzero(luma[min(top + 3, height - 1)] > _MIDDLE)
    if len(bright) == 0:
        return None
    return luma[top : height - top, bright[0] : bright[-1] + 1]


@lru_cache(maxsize=16)
def _column_of_pixel(width: int) -> npt.NDArray[np.intp]:
    return (np.arange(width) * _COLUMNS // width).astype(np.intp)


@lru_cache(maxsize=16)
def _sample_points(height: int, width: int, points: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Lines of each row and pixels of each column to look at, to index with: of each cell the middle, or its middle
    part in so many points each way."""
    row_step, column_step = strip_height(height) / _ROWS, width / _COLUMNS
    offsets = np.linspace(0.3, 0.7, points) if points > 1 else np.array([0.5])
    rows = (np.arange(_ROWS)[:, None] + offsets) * row_step
    columns = (np.arange(_COLUMNS)[:, None] + offsets) * column_step
    return rows.astype(np.intp).reshape(-1, 1), columns.astype(np.intp).reshape(1, -1)
