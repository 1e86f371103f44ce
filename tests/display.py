"""A private X display without a screen, and screenshots of it."""

from __future__ import annotations

import contextlib
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
        subprocess.run(command, env=self.environment, capture_output=True, check=True, timeout=20)


@contextlib.contextmanager
def x_display(width: int = 640, height: int = 480) -> Iterator[Display]:
    """A display of its own for the length of a `with`; the server chooses a free number."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
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
