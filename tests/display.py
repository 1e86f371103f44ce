"""A private X display without a screen, and screenshots of it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator

import av
import numpy as np


class Display:
    """A running Xvfb; `name` goes into DISPLAY."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.name}

    def screenshot(self) -> np.ndarray:
        """The whole screen as (height, width, 3) uint8 RGB."""
        command = ["import", "-window", "root", "-depth", "8", "ppm:-"]
        image = subprocess.run(command, env=self.environment, capture_output=True, check=True, timeout=20).stdout
        _, size, _, pixels = image.split(b"\n", 3)
        width, height = (int(part) for part in size.split())
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)

    def grab(self) -> np.ndarray:
        """As `screenshot`, but quick: one picture through FFmpeg."""
        with av.open(self.name, format="x11grab", options={"draw_mouse": "0"}) as container:
            return next(container.decode(video=0)).to_ndarray(format="rgb24")

    def paint(self, colour: str) -> None:
        """Fill the screen's background, such as `#ff0000`."""
        command = ["display", "-window", "root", "-size", "64x64", f"xc:{colour}"]
        subprocess.run(command, env=self.environment, capture_output=True, timeout=20)  # its status says nothing

    def close_windows(self) -> None:
        """What a click on each window's close button does: ask the program to delete it."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XDefaultRootWindow.restype = x11.XInternAtom.restype = ctypes.c_ulong
        connection = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        delete = x11.XInternAtom(connection, b"WM_DELETE_WINDOW", 0)
        protocols = x11.XInternAtom(connection, b"WM_PROTOCOLS", 0)
        for window in _top_windows(x11, connection):
            message = _ClientMessage(33, 0, 1, connection, window, protocols, 32, (delete, 0))
            x11.XSendEvent(connection, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
        x11.XCloseDisplay(connection)


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib.h, filled up to the size of XEvent."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("unused", ctypes.c_long * 24),
    ]


def _top_windows(x11: ctypes.CDLL, connection: ctypes.c_void_p) -> list[int]:
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children = ctypes.POINTER(ctypes.c_ulong)()
    top = ctypes.c_ulong(x11.XDefaultRootWindow(connection))
    found = [ctypes.byref(value) for value in (root, parent, children, count)]
    x11.XQueryTree(connection, top, *found)
    return list(children[: count.value])


@contextlib.contextmanager
def x_display(width: int = 640, height: int = 480) -> Iterator[Display]:
    """A display of its own for the length of a `with`; the server chooses a free number."""
    reading, writing = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    server = subprocess.Popen(
        command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield Display(f":{number}")
    finally:
        server.terminate()
        server.wait(10)
