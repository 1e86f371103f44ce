"""Shows pictures in the terminal: each character is two pixels, an upper half block in 24-bit colours."""

from __future__ import annotations

import os
import sys
import threading
from typing import TextIO

import numpy as np
import numpy.typing as npt

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import UserId
from pycall.media.frames import VideoFrame

MAX_FPS = 12
"""Pictures per second; a terminal cannot take many more (about 70 KB each at 80 columns)."""
MAX_COLUMNS = 120
_KEEP_ROWS = 3
"""Rows left free below the picture for whatever the program writes."""


class Terminal:
    """A sink that draws the newest picture at the top of the terminal, from a thread of its own. Fits `VideoSink`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream` is what to write to, standard output by default; it must be a terminal."""
        self._stream = stream or sys.stdout
        self._newest: VideoFrame | None = None
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
        self._newest = frame
        self._arrived.set()

    def stop(self) -> None:
        self._done.set()
        self._arrived.set()
        if self._thread.ident is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._done.is_set():
            self._arrived.wait()
            self._arrived.clear()
            frame, self._newest = self._newest, None
            if frame is None:
                continue
            try:
                size = os.get_terminal_size(self._stream.fileno())
                self._stream.write("\x1b7\x1b[H" + render(frame, size.columns, size.lines - _KEEP_ROWS) + "\x1b8")
                self._stream.flush()
            except (OSError, ValueError):
                return  # the terminal or the stream was closed; nobody looks any more
            self._done.wait(1 / MAX_FPS)


def render(frame: VideoFrame, columns: int, rows: int) -> str:
    """The picture as text with colour codes that fills at most `columns` x `rows` characters, its shape kept."""
    columns, rows = max(2, min(columns, MAX_COLUMNS)), max(1, rows)
    scale = min(columns / frame.width, 2 * rows / frame.height)
    width = max(1, int(frame.width * scale))
    height = max(2, int(frame.height * scale) // 2 * 2)
    pixels = frame.picture.reformat(width, height, "rgb24").to_ndarray().astype(np.uint8, copy=False)
    return "\r\n".join(_line(upper, lower) for upper, lower in zip(pixels[0::2], pixels[1::2], strict=True))


def _line(upper: npt.NDArray[np.uint8], lower: npt.NDArray[np.uint8]) -> str:
    cells = [
        f"\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m\u2580"
        for a, b in zip(upper.tolist(), lower.tolist(), strict=True)
    ]
    return "".join(cells) + "\x1b[0m"
