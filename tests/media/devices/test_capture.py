"""Live pictures: the test camera, a real X display, a display that dies, and what is missing."""

from __future__ import annotations

import queue
import time

import numpy as np
import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import VideoProfile
from pycall.media.devices.capture import Camera, Screen, list_cameras
from pycall.media.frames import VideoFrame
from tests.display import Display, x_display

PROFILE = VideoProfile("240p30", 320, 240, 30, 200_000)


class Eyes:
    """An intake that hands pictures and failures to the test."""

    def __init__(self) -> None:
        self.frames: queue.Queue[VideoFrame] = queue.Queue()
        self.errors: queue.Queue[MediaError] = queue.Queue()

    def push(self, frame: VideoFrame) -> None:
        self.frames.put(frame)

    def fail(self, error: MediaError) -> None:
        self.errors.put(error)


def test_the_test_camera_moves_in_real_time() -> None:
    eyes, camera = Eyes(), Camera("test", PROFILE)
    camera.start(eyes)
    frames = [eyes.frames.get(timeout=5) for _ in range(20)]
    camera.stop()
    camera.stop()
    assert {(frame.width, frame.height) for frame in frames} == {(320, 240)}
    steps = np.diff([frame.time for frame in frames])
    assert np.median(steps) == pytest.approx(1 / 30, abs=0.01)
    assert abs(frames[-1].time - time.monotonic()) < 1.0
    assert not np.array_equal(frames[0].to_numpy(), frames[-1].to_numpy())
    assert {int(frame.picture.pict_type) for frame in frames} == {0}, "no picture asks the encoder for a keyframe"
    assert eyes.errors.empty()


def test_after_stop_nothing_is_pushed() -> None:
    eyes, camera = Eyes(), Camera("test", PROFILE)
    camera.start(eyes)
    eyes.frames.get(timeout=5)
    camera.stop()
    seen = eyes.frames.qsize()
    with pytest.raises(queue.Empty):
        for _ in range(seen + 1):
            eyes.frames.get(timeout=0.1)


def test_the_screen_is_seen(display: Display) -> None:
    display.paint("#3264c8")
    eyes, screen = Eyes(), Screen(display.name, PROFILE)
    screen.start(eyes)
    frames = [eyes.frames.get(timeout=5) for _ in range(5)]
    age = time.monotonic() - frames[-1].time
    screen.stop()
    assert (frames[-1].width, frames[-1].height) == (640, 480)
    assert frames[-1].to_numpy()[100, 100].tolist() == [0x32, 0x64, 0xC8]
    assert 0 <= age < 0.3
    assert np.median(np.diff([frame.time for frame in frames])) == pytest.approx(1 / 30, abs=0.015)


def test_a_screen_that_dies_is_noticed() -> None:
    eyes = Eyes()
    with x_display() as display:
        screen = Screen(display.name, PROFILE)
        screen.start(eyes)
        eyes.frames.get(timeout=5)
    error = eyes.errors.get(timeout=6)
    assert error.code is ErrorCode.DEVICE_LOST
    assert "screen" in str(error)
    screen.stop()
    assert eyes.errors.empty()


@pytest.mark.parametrize("selector", ["7", "/dev/video7", "No Such Camera", None])
def test_a_camera_that_is_not_there_is_refused(selector: str | None) -> None:
    with pytest.raises(MediaError, match="there is no camera .*; (there are|no camera was found)") as caught:
        Camera(selector, PROFILE).start(Eyes())
    assert caught.value.code is ErrorCode.NO_DEVICE


def test_a_file_that_is_no_camera_is_refused() -> None:
    with pytest.raises(MediaError, match="cannot be opened") as caught:
        Camera("/dev/null", PROFILE).start(Eyes())
    assert caught.value.code is ErrorCode.NO_DEVICE


@pytest.mark.parametrize("selector", ["", ":54321", "rubbish"])
def test_no_display_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, selector: str) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(MediaError, match="DISPLAY") as caught:
        Screen(selector or None, PROFILE).start(Eyes())
    assert caught.value.code is ErrorCode.NO_DISPLAY


def test_cameras_are_listed_without_an_error() -> None:
    assert all(camera.selector and camera.name for camera in list_cameras())
