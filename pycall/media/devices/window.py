"""Shows pictures in a window of their own, with OpenCV.

The toolkit inside OpenCV belongs for ever to the thread that used it first (a second one hangs), and it ends the whole
process if it finds no display. So one thread serves all windows of a process, is kept for the next call when the last
window closes, and starts only after the display has been tried.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import av

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import UserId
from pycall.media.frames import VideoFrame

logger = logging.getLogger(__name__)

_NO_WINDOW = "choose terminal, file:out.mkv or null"
_STEP_MS = 10
"""How long the toolkit handles its own events between two pictures."""
_ANSWER = 2.0


class Window:
    """A sink with one window for each user, which shows their newest picture. Fits `VideoSink`.

    The user may close a window; nothing more is shown in it and the call goes on.
    """

    def __init__(self, title: str = "pycall") -> None:
        self._title = title
        self._newest: dict[UserId, VideoFrame] = {}
        self._names: dict[UserId, str] = {}
        self._closed: set[str] = set()
        self._open = False

    def start(self) -> None:
        """Open the first window; raises `MediaError` without a display (`NO_DISPLAY`) or OpenCV (`NO_LIBRARY`)."""
        require_display()
        cv2 = _load()
        try:
            _gui(cv2).call(self._open_first)
        except cv2.error as error:
            raise MediaError(ErrorCode.NO_LIBRARY, f"this OpenCV has no windows; {_INSTALL}") from error
        self._open = True

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        """Take the newest picture; one that was not shown yet is forgotten."""
        if self._open:
            self._newest[user_id] = frame

    def stop(self) -> None:
        if self._open:
            self._open = False
            _gui(_load()).call(self._close)

    def _open_first(self, gui: _Gui) -> None:
        gui.make(self._title)
        gui.windows.append(self)

    def _close(self, gui: _Gui) -> None:
        gui.windows.remove(self)
        for name in {self._title, *self._names.values()} - self._closed:
            gui.cv2.destroyWindow(name)
        gui.cv2.waitKey(_STEP_MS)
        self._names.clear()

    def show(self, gui: _Gui) -> None:
        """Draw what is new; called on the toolkit's thread."""
        for user_id in list(self._newest):
            frame = self._newest.pop(user_id)
            if user_id not in self._names:
                self._names[user_id] = self._introduce(gui, user_id, frame)
            name = self._names[user_id]
            if name not in self._closed and not gui.visible(name):
                self._closed.add(name)
            if name not in self._closed:
                gui.cv2.imshow(name, frame.picture.to_ndarray(format="bgr24"))

    def _introduce(self, gui: _Gui, user_id: UserId, frame: VideoFrame) -> str:
        name = self._title if not self._names else f"{self._title} {user_id}"
        if name != self._title:
            gui.make(name)
        if name not in self._closed and gui.visible(name):
            gui.cv2.resizeWindow(name, frame.width, frame.height)
            gui.cv2.setWindowTitle(name, f"{self._title}: {user_id}")
        return name


class _Gui:
    """The thread that owns the toolkit, and what it has to do."""

    def __init__(self, cv2: Any) -> None:
        self.cv2 = cv2
        self.windows: list[Window] = []
        self._wanted: queue.Queue[tuple[Callable[[_Gui], None], Future[None]]] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="windows", daemon=True)
        self._thread.start()

    def call(self, work: Callable[[_Gui], None]) -> None:
        """Have something done on the thread and wait for it; its error comes out here."""
        done: Future[None] = Future()
        self._wanted.put((work, done))
        try:
            done.result(_ANSWER)
        except FutureTimeout as error:
            raise MediaError(ErrorCode.NO_DISPLAY, f"the display does not answer; {_NO_WINDOW}") from error

    def make(self, name: str) -> None:
        cv2 = self.cv2
        cv2.namedWindow(name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)

    def visible(self, name: str) -> bool:
        try:
            return bool(self.cv2.getWindowProperty(name, self.cv2.WND_PROP_VISIBLE) >= 1)
        except self.cv2.error:
            return False

    def _run(self) -> None:
        while True:
            self._work()
            for window in tuple(self.windows):
                try:
                    window.show(self)
                except (self.cv2.error, av.FFmpegError) as error:
                    logger.warning("a picture could not be shown: %s", error)
            if self.windows:
                self.cv2.waitKey(_STEP_MS)

    def _work(self) -> None:
        """Do what was asked for; without any window, wait until something is."""
        while self._wanted.qsize() or not self.windows:
            work, done = self._wanted.get()
            try:
                work(self)
            except (self.cv2.error, ValueError) as error:
                done.set_exception(error)
            else:
                done.set_result(None)


_INSTALL = "pip install 'pycall[window]'"
_the_gui: _Gui | None = None
_gui_lock = threading.Lock()


def _gui(cv2: Any) -> _Gui:
    global _the_gui
    with _gui_lock:
        if _the_gui is None:
            _the_gui = _Gui(cv2)
        return _the_gui


def _load() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MediaError(ErrorCode.NO_LIBRARY, f"a window needs OpenCV: {_INSTALL} ({error})") from error
    return cv2


def require_display() -> None:
    """Raises `MediaError` (`NO_DISPLAY`) unless a window can be opened here."""
    if sys.platform == "darwin":
        raise MediaError(ErrorCode.NO_DISPLAY, f"on macOS a window needs the main thread, which is taken; {_NO_WINDOW}")
    if not sys.platform.startswith("linux"):
        return
    display = os.environ.get("DISPLAY")
    if not display:
        raise MediaError(ErrorCode.NO_DISPLAY, f"a window needs an X display, and DISPLAY is not set; {_NO_WINDOW}")
    if not _answers(display):
        raise MediaError(ErrorCode.NO_DISPLAY, f"the display {display!r} cannot be opened; {_NO_WINDOW}")


def _answers(display: str) -> bool:
    """Ask the X server for two pixels: this fails softly where the toolkit would end the process."""
    if "x11grab" not in av.formats_available:
        return True
    try:
        with av.open(display, format="x11grab", options={"video_size": "2x2"}):
            return True
    except av.FFmpegError:
        return False
