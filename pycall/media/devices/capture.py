"""Live pictures through FFmpeg's capture devices: cameras, the screen, and a moving test picture without any hardware.

| selector | Linux | macOS | Windows |
| --- | --- | --- | --- |
| camera | v4l2 | avfoundation | dshow |
| screen | x11grab (X11 only) | avfoundation | gdigrab |

Tried on Linux only; the other two follow FFmpeg's documentation.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.video.frame import PictureType

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import VideoProfile
from pycall.media.devices.watch import StallWatch
from pycall.media.frames import VideoFrame

if TYPE_CHECKING:
    from pycall.media.source import Intake

logger = logging.getLogger(__name__)

STALL = 4.0
"""Seconds without a picture after which a device counts as lost; a camera may take 2 s for its first."""
_MAX_AGE = 0.5
_RAW_LIMIT = 640 * 480
"""Pixels above which a USB 2 camera cannot send raw pictures at 30 fps, so Motion JPEG is asked for first."""


@dataclass(frozen=True, slots=True)
class CameraDevice:
    """A camera: `selector` goes behind `camera:`, `name` is for people."""

    selector: str
    name: str


@dataclass(frozen=True, slots=True)
class _Input:
    """What to open: a name in one of FFmpeg's input formats, and options to try one after the other."""

    file: str
    format: str
    attempts: tuple[dict[str, str], ...]


class _Capture:
    """Reads one FFmpeg input from a thread of its own and pushes its pictures. Fits `VideoSource`."""

    def __init__(self, what: str, source: _Input) -> None:
        self._what = what
        self._input = source
        self._intake: Intake[VideoFrame] | None = None
        self._stopping = threading.Event()
        self._told = threading.Lock()
        self._thread: threading.Thread | None = None
        self._watch = StallWatch(what, STALL, self._stalled)

    def start(self, intake: Intake[VideoFrame]) -> None:
        """Open the device and begin to push; raises `MediaError` if there is none or another program has it."""
        container = self._open()
        self._intake = intake
        self._thread = threading.Thread(target=self._run, args=(container,), name=self._what, daemon=True)
        self._thread.start()
        self._watch.start()

    def stop(self) -> None:
        """Release the device; may be called twice."""
        self._stopping.set()
        self._watch.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.0)
            if thread.is_alive():
                logger.warning("the %s does not let go; its thread ends when its driver answers", self._what)

    def _open(self) -> InputContainer:
        refused: Exception | None = None
        for options in self._input.attempts:
            try:
                return av.open(self._input.file, format=self._input.format, options=dict(options))
            except (av.FFmpegError, ValueError) as error:
                refused = error
                if getattr(error, "errno", None) not in (errno.EINVAL, errno.ENOTTY, errno.EIO, None):
                    break
        raise _reason(self._what, self._input.file, refused) from refused

    def _run(self, container: InputContainer) -> None:
        try:
            with container:
                self._push_all(container)
        except (av.FFmpegError, ValueError) as error:
            self._fail(f"the {self._what} is gone ({getattr(error, 'strerror', None) or error})")
        else:
            self._fail(f"the {self._what} gives no more pictures")

    def _push_all(self, container: InputContainer) -> None:
        for picture in container.decode(video=0):
            if self._stopping.is_set() or self._intake is None:
                return
            self._watch.alive()
            picture.pict_type = PictureType.NONE
            self._intake.push(VideoFrame(picture, _capture_time(picture)))

    def _stalled(self) -> None:
        self._fail(f"the {self._what} has given no picture for {STALL:.0f} s")

    def _fail(self, message: str) -> None:
        if self._intake is not None and not self._stopping.is_set() and self._told.acquire(blocking=False):
            self._intake.fail(MediaError(ErrorCode.DEVICE_LOST, message))


class Camera(_Capture):
    """A source of pictures from a camera.

    `selector`: a number, a device file (`/dev/video2`) or a name; None is the first camera; `test` is a moving test
    picture in real time that needs no camera. Raises `MediaError` from `start`.
    """

    def __init__(self, selector: str | None, profile: VideoProfile) -> None:
        selector = selector or "0"
        super().__init__(
            f"camera {selector}", _test_input(profile) if selector == "test" else _camera(selector, profile)
        )


class Screen(_Capture):
    """A source of pictures of the whole screen at the profile's rate.

    `selector`: on Linux an X display such as `:0` (default: `$DISPLAY`), on macOS a screen's number. Raises
    `MediaError` (NO_DISPLAY) if there is no screen to see, and what a camera raises from `start`.
    """

    def __init__(self, selector: str | None, profile: VideoProfile) -> None:
        super().__init__("screen", _screen(selector, profile))
        if self._input.format == "x11grab" and not self._input.file:
            message = "there is no screen to show: DISPLAY is not set (X11 only); choose a camera, a file or pattern"
            raise MediaError(ErrorCode.NO_DISPLAY, message)


def list_cameras() -> list[CameraDevice]:
    """All cameras that can be named; none if there are none."""
    if sys.platform.startswith("linux"):
        return [CameraDevice(path.name.removeprefix("video"), _linux_name(path)) for path in _linux_cameras()]
    form = "dshow" if sys.platform == "win32" else "avfoundation"
    try:
        devices = av.enumerate_input_devices(form)
    except (av.FFmpegError, ValueError) as error:
        logger.info("this FFmpeg cannot list cameras: %s", error)
        return []
    cameras = [device for device in devices if "video" in device.media_types]
    return [CameraDevice(str(number), device.description or device.name) for number, device in enumerate(cameras)]


def _linux_cameras() -> Iterator[Path]:
    yield from sorted(Path("/dev").glob("video[0-9]*"), key=lambda path: int(path.name.removeprefix("video") or 0))


def _linux_name(path: Path) -> str:
    try:
        return Path("/sys/class/video4linux", path.name, "name").read_text().strip()
    except OSError:
        return path.name


def _test_input(profile: VideoProfile) -> _Input:
    graph = f"testsrc2=size={profile.width}x{profile.height}:rate={profile.fps},realtime"
    return _Input(graph, "lavfi", ({},))


def _camera(selector: str, profile: VideoProfile) -> _Input:
    rate = {"framerate": str(profile.fps)}
    wanted = {**rate, "video_size": f"{profile.width}x{profile.height}"}
    if sys.platform == "darwin":
        return _Input(f"{selector}:none", "avfoundation", (wanted, rate, {"framerate": "30"}, {}))
    if sys.platform == "win32":
        return _Input(f"video={_windows_name(selector)}", "dshow", (wanted, {}))
    file = f"/dev/video{selector}" if selector.isdigit() else _linux_file(selector)
    compressed = {**wanted, "input_format": "mjpeg"}
    large = profile.width * profile.height > _RAW_LIMIT
    return _Input(file, "v4l2", (compressed, wanted, {}) if large else (wanted, compressed, {}))


def _linux_file(selector: str) -> str:
    """A device file as it is; else that of the first camera whose name contains the selector."""
    if not selector.startswith("/"):
        for path in _linux_cameras():
            if selector.lower() in _linux_name(path).lower():
                return str(path)
    return selector


def _windows_name(selector: str) -> str:
    names = {camera.selector: camera.name for camera in list_cameras()}
    return names.get(selector, selector)


def _screen(selector: str | None, profile: VideoProfile) -> _Input:
    rate = {"framerate": str(profile.fps)}
    if sys.platform == "darwin":
        return _Input(f"Capture screen {selector or 0}:none", "avfoundation", (rate,))
    if sys.platform == "win32":
        return _Input(selector or "desktop", "gdigrab", (rate,))
    return _Input(selector or os.environ.get("DISPLAY", ""), "x11grab", (rate,))


def _reason(what: str, file: str, error: Exception | None) -> MediaError:
    """One clear line for why a device did not open."""
    number = getattr(error, "errno", None)
    if number == errno.EBUSY:
        return MediaError(ErrorCode.DEVICE_BUSY, f"the {what} is used by another program; close that first")
    if number in (errno.EACCES, errno.EPERM):
        return MediaError(ErrorCode.NO_DEVICE, f"no permission to use {file}; add yourself to the group `video`")
    if what == "screen":
        return MediaError(ErrorCode.NO_DISPLAY, f"the screen {file!r} cannot be opened; is DISPLAY right?")
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        names = ", ".join(f"{camera.selector} ({camera.name})" for camera in list_cameras())
        return MediaError(
            ErrorCode.NO_DEVICE, f"there is no {what}; " + (f"there are: {names}" if names else _NO_CAMERA)
        )
    return MediaError(ErrorCode.NO_DEVICE, f"the {what} cannot be opened: {getattr(error, 'strerror', None) or error}")


_NO_CAMERA = "no camera was found; plug one in, or use a file, pattern or camera:test"


def _capture_time(picture: av.VideoFrame) -> float:
    """When a picture was taken, by `time.monotonic()`.

    Devices stamp with the monotonic clock or with the time of day; a stamp that fits neither counts as now.
    """
    now = time.monotonic()
    for clock in (now, time.time()):
        if picture.time is not None and 0.0 <= clock - picture.time < _MAX_AGE:
            return now - (clock - picture.time)
    return now
