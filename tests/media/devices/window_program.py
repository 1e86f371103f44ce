"""A program that shows plain pictures in windows; prints what happens. OpenCV's windows belong to one process.

show [TIMES]   show red from bob and green from eve until standard input has a line, TIMES times over
error          try to open a window, print the error
"""

from __future__ import annotations

import sys
import threading

import numpy as np

from pycall.core.errors import MediaError
from pycall.media.devices.window import Window
from pycall.media.frames import VideoFrame


def show(times: str = "1") -> None:
    for _ in range(int(times)):
        window = Window()
        window.start()
        red = VideoFrame.from_numpy(np.full((120, 160, 3), (255, 0, 0), np.uint8))
        green = VideoFrame.from_numpy(np.full((120, 160, 3), (0, 255, 0), np.uint8))
        done, pace = threading.Event(), threading.Event()
        threading.Thread(target=lambda done=done: (sys.stdin.readline(), done.set()), daemon=True).start()
        print("showing", flush=True)  # noqa: T201
        while not done.is_set():
            window.see("bob", red)
            window.see("eve", green)
            pace.wait(0.03)
        window.stop()
        window.stop()
        print("stopped", flush=True)  # noqa: T201


def error() -> None:
    try:
        Window().start()
    except MediaError as refused:
        print(refused.code.value, refused)  # noqa: T201


if __name__ == "__main__":
    {"show": show, "error": error}[sys.argv[1]](*sys.argv[2:])
