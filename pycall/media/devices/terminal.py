"""Shows pictures in the terminal: each character is two pixels, an upper half block in 24-bit colours."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import TextIO

import numpy as np
import numpy.typing as npt

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import UserId
from pycall.media.frames import VideoFrame
from pycall.media.scale import reformatted

MAX_FPS = 12
"""Pictures per second; a terminal cannot take many more (about 70 KB each at 80 columns)."""
MAX_COLUMNS = 120
_KEEP_ROWS = 3
"""Rows left free below the picture for whatever the program writes."""
_GONE_SECONDS = 2.0
"""Whose last picture is older has left, or closed the camera, if others are still seen."""


class Terminal:
    """A sink that draws the newest picture at the top of the terminal, from a thread of its own. Fits `VideoSink`.

    Several people are shown side by side, in the order of their ids.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream` is what to write to, standard output by default; it must be a terminal."""
        self._stream = stream or sys.stdout
        self._newest: dict[UserId, tuple[VideoFrame, float]] = {}
        self._arrived = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="terminal view", daemon=True)

    def start(self) -> None:
        """Clear the screen; raises `MediaError` if there is no terminal."""
        if not self._stream.isatty():
            raise MediaError(
                ErrorCode.NO_DISPLAY, "the terminal view needs a terminal; choose window, file:... or null"
            )
        self._stream.write("\x1b[2J")
        self._thread.start()

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        """Take the newest picture; one that was not drawn yet is forgotten."""
        self._newest[user_id] = frame, time.monotonic()
        self._arrived.set()

    def stop(self) -> None:
        self._done.set()
        self._arrived.set()
        if self._thread.ident is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        shown = 1
        while True:
            self._arrived.wait()
            self._arrived.clear()
            if self._done.is_set():
                return
            frames = self._present()
            try:
                size = os.get_terminal_size(self._stream.fileno())
                clear = "" if len(frames) == shown else "\x1b[2J"  # the tiles have another size now
                self._stream.write(f"\x1b7{clear}{mosaic(frames, size.columns, size.lines - _KEEP_ROWS)}\x1b8")
                self._stream.flush()
            except (OSError, ValueError):
                return  # the terminal or the stream was closed; nobody looks any more
            shown = len(frames)
            self._done.wait(1 / MAX_FPS)

    def _present(self) -> list[VideoFrame]:
        """Everybody's newest picture, without who has sent none for a while."""
        newest = dict(self._newest)
        latest = max(at for _, at in newest.values())
        for user, (_, at) in newest.items():
            if at <= latest - _GONE_SECONDS:
                self._newest.pop(user, None)
        return [newest[user][0] for user in sorted(newest) if user in self._newest]


def mosaic(frames: Sequence[VideoFrame], columns: int, rows: int) -> str:
    """All pictures in tiles of one size, each drawn at its place from the upper left corner on."""
    across = math.ceil(math.sqrt(len(frames)))
    down = math.ceil(len(frames) / across)
    wide, high = columns // across, max(1, rows // down)
    drawn = []
    for place, frame in enumerate(frames):
        top, left = place // across * high + 1, place % across * wide + 1
        lines = render(frame, wide, high).split("\r\n")
        drawn += [f"\x1b[{top + number};{left}H{line}" for number, line in enumerate(lines)]
    return "".join(drawn)


def render(frame: VideoFrame, columns: int, rows: int) -> str:
    """The picture as text with colour codes that fills at most `columns` x `rows` characters, its shape kept."""
    columns, rows = max(2, min(columns, MAX_COLUMNS)), max(1, rows)
    scale = min(columns / frame.width, 2 * rows / frame.height)
    width = max(1, int(frame.width * scale))
    height = max(2, int(frame.height * scale) // 2 * 2)
    pixels = reformatted(frame.picture, width, height, "rgb24").to_ndarray().astype(np.uint8, copy=False)
    return "\r\n".join(_line(upper, lower) for upper, lower in zip(pixels[0::2], pixels[1::2], strict=True))


def _line(upper: npt.NDArray[np.uint8], lower: npt.NDArray[np.uint8]) -> str:
    cells = [
        f"\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m\u2580"
        for a, b in zip(upper.tolist(), lower.tolist(), strict=True)
    ]
    return "".join(cells) + "\x1b[0m"
