"""Shows pictures in windows, by way of a small process of its own (`window_process`).

OpenCV's windows cannot live in this process: its wheel and PyAV's carry the same X11 libraries in different builds, and
once PyAV is loaded the first window hangs. A process also keeps what the toolkit does when it fails, which is to abort,
away from the call, and gives it the main thread that it wants.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
import threading

import av
import numpy as np

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import UserId
from pycall.media.devices.window_process import HEADER, READY
from pycall.media.frames import VideoFrame
from pycall.media.scale import reformatted

logger = logging.getLogger(__name__)

MAX_WIDTH, MAX_HEIGHT = 1280, 720
"""Pixels; larger pictures are shown smaller, so that a window fits on most screens."""

_START_TIMEOUT = 5.0
_STOP_TIMEOUT = 0.4
_INSTALL = "pip install 'pycall[window]'"
_ELSE = "choose terminal, file:out.mkv or null"


class Window:
    """A sink with one window for each user, which shows their newest picture. Fits `VideoSink`.

    The user may close a window; nothing more is shown in it and the call goes on.
    """

    def __init__(self, title: str = "pycall") -> None:
        self._title = title
        self._newest: dict[UserId, VideoFrame] = {}
        self._arrived = threading.Event()
        self._done = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="window", daemon=True)

    def start(self) -> None:
        """Open the first window; raises `MediaError` without a display (`NO_DISPLAY`) or OpenCV (`NO_LIBRARY`)."""
        require_display()
        # A session of its own, so that Ctrl-C in the terminal reaches the call alone, which then closes the window.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pycall.media.devices.window_process", self._title],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        answer = _first_line(self._process)
        if answer != READY:
            self.stop()
            raise _refusal(answer)
        self._thread.start()

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        """Take the newest picture; one that was not shown yet is forgotten."""
        if self._thread.is_alive():
            self._newest[user_id] = frame
            self._arrived.set()

    def stop(self) -> None:
        """Close all windows; may be called twice."""
        self._done.set()
        self._arrived.set()
        process, self._process = self._process, None
        if process is None:
            return
        if self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT)
        _end(process)
        if self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT)

    def _run(self) -> None:
        process = self._process
        while not self._done.is_set() and process is not None and process.stdin is not None:
            self._arrived.wait()
            self._arrived.clear()
            for user_id in list(self._newest):
                try:
                    process.stdin.write(_packed(user_id, self._newest.pop(user_id).picture))
                    process.stdin.flush()
                except (OSError, ValueError):
                    logger.info("the window is closed")
                    return
                except av.FFmpegError as error:
                    logger.info("a picture cannot be shown: %s", error)


def require_display() -> None:
    """Raises `MediaError` (`NO_DISPLAY`) unless a window can be opened here."""
    if not sys.platform.startswith("linux"):
        return
    display = os.environ.get("DISPLAY")
    if not display:
        raise MediaError(ErrorCode.NO_DISPLAY, f"a window needs an X display, and DISPLAY is not set; {_ELSE}")
    if "x11grab" not in av.formats_available:
        return
    try:  # two pixels of the screen: this fails softly where the window toolkit aborts
        av.open(display, format="x11grab", options={"video_size": "2x2"}).close()
    except av.FFmpegError as error:
        raise MediaError(ErrorCode.NO_DISPLAY, f"the display {display!r} cannot be opened; {_ELSE}") from error


def _packed(user_id: UserId, picture: av.VideoFrame) -> bytes:
    """One picture as the other process reads it: header, user, planes."""
    scale = min(1.0, MAX_WIDTH / picture.width, MAX_HEIGHT / picture.height)
    width, height = (max(2, round(side * scale) // 2 * 2) for side in (picture.width, picture.height))
    planes = reformatted(picture, width, height, "yuv420p").to_ndarray().astype(np.uint8, copy=False)
    user = user_id.encode()
    return HEADER.pack(planes.shape[1], planes.shape[0], len(user)) + user + planes.tobytes()


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """What the process says first; empty if it ends, or says nothing, instead."""
    assert process.stdout is not None
    if sys.platform != "win32" and not select.select([process.stdout], [], [], _START_TIMEOUT)[0]:
        return ""
    return process.stdout.readline().decode(errors="replace").strip()


def _refusal(answer: str) -> MediaError:
    if answer:
        return MediaError(ErrorCode.NO_LIBRARY, f"a window needs OpenCV: {_INSTALL} ({answer})")
    return MediaError(ErrorCode.NO_DISPLAY, f"the display does not show a window; {_ELSE}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the process end by itself, as its input does; kill it if it does not."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.close()
    except OSError:
        logger.debug("the window was closed before")
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
