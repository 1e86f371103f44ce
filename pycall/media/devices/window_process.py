"""The process that shows pictures with OpenCV: started by `window`, fed through standard input, ended by its end.

It must not load PyAV (see `window`), so it takes raw pictures: a header, the user's id, and the planes of I420.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER = struct.Struct("<HHB")
"""Width in pixels, rows of all planes together (1.5 times the height), length of the user's id."""
READY = "ready"
_STEP_MS = 10
_IDLE_STEPS = 10
"""Steps without a new picture after which the last ones are drawn again."""

Planes = npt.NDArray[np.uint8]


class Inbox:
    """The newest picture of each user, filled by a thread that reads standard input."""

    def __init__(self) -> None:
        self.newest: dict[str, Planes] = {}
        self.ended = False
        threading.Thread(target=self._read, name="pictures", daemon=True).start()

    def _read(self) -> None:
        stream = sys.stdin.buffer
        while len(header := stream.read(HEADER.size)) == HEADER.size:
            width, rows, length = HEADER.unpack(header)
            user = stream.read(length).decode(errors="replace")
            planes = stream.read(width * rows)
            if len(planes) == width * rows:
                self.newest[user] = np.frombuffer(planes, np.uint8).reshape(rows, width)
        self.ended = True


class Windows:
    """One window for each user; the first user has the one that is open from the beginning."""

    def __init__(self, cv2: Any, title: str) -> None:
        self._cv2 = cv2
        self._title = title
        self._names: dict[str, str] = {}
        self._shown: set[str] = set()
        self._last: dict[str, Planes] = {}
        self._make(title)

    def show(self, user: str, planes: Planes) -> None:
        name = self._names.get(user) or self._introduce(user)
        self._last[name] = self._cv2.cvtColor(planes, self._cv2.COLOR_YUV2BGR_I420)
        self._draw(name)

    def show_again(self) -> None:
        """Draw the last pictures once more: one drawn before its window is on the screen is lost."""
        for name in self._last:
            self._draw(name)

    def _draw(self, name: str) -> None:
        if not self._closed(name):
            self._cv2.imshow(name, self._last[name])

    def any_open(self) -> bool:
        return not all(self._closed(name) for name in {self._title, *self._names.values()})

    def step(self) -> None:
        """Let the toolkit draw and take its events."""
        self._cv2.waitKey(_STEP_MS)

    def _introduce(self, user: str) -> str:
        name = f"{self._title} {user}" if self._names else self._title
        if self._names:
            self._make(name)
        self._names[user] = name
        if not self._closed(name):
            self._cv2.setWindowTitle(name, f"{self._title}: {user}")
        return name

    def _make(self, name: str) -> None:
        self._cv2.namedWindow(name, self._cv2.WINDOW_AUTOSIZE | self._cv2.WINDOW_GUI_NORMAL)

    def _closed(self, name: str) -> bool:
        """True once the user has closed it: a window that was never visible is still on its way to the screen."""
        try:
            visible = self._cv2.getWindowProperty(name, self._cv2.WND_PROP_VISIBLE) >= 1
        except self._cv2.error:
            visible = False
        if visible:
            self._shown.add(name)
        return not visible and name in self._shown


def main(title: str) -> None:
    """Say that the first window is open, or why it is not; then show until the input ends or all are closed."""
    _stay_on_one_processor()
    try:
        import cv2
    except ImportError as error:
        return _say(str(error).splitlines()[0])
    try:
        windows = Windows(cv2, title)
        windows.step()
    except cv2.error:
        return _say("this build of OpenCV has no windows")
    _say(READY)
    inbox = Inbox()
    idle = 0
    while not inbox.ended and windows.any_open():
        idle = 0 if inbox.newest else idle + 1
        for user in list(inbox.newest):
            windows.show(user, inbox.newest.pop(user))
        if idle % _IDLE_STEPS == _IDLE_STEPS - 1:
            windows.show_again()
        windows.step()


def _stay_on_one_processor() -> None:
    """Two threads of the Qt in OpenCV's wheel, if they run at once, sometimes lose the event that a window has come to
    the screen, and it stays black for ever: seen in 1 of 10 starts on two processors, in 1 of 70 on one."""
    if sys.platform.startswith("linux"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
