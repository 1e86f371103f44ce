"""Windows on a real X display; without one, or without OpenCV, an error and never an abort."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.display import Display

PROGRAM = Path(__file__).with_name("window_program.py")


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return {**clean, "PYTHONPATH": os.getcwd(), **more}


def pixels(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many are of this colour, but for what going through YUV costs."""
    return int((abs(picture.astype(int) - colour) <= 4).all(axis=2).sum())


def until_seen(display: Display, colour: tuple[int, int, int], least: int) -> int:
    """How many pixels of the colour there are, once there are enough or 10 s have gone."""
    deadline = time.monotonic() + 10
    while (count := pixels(display.grab(), colour)) < least and time.monotonic() < deadline:
        pass
    return count


def until_gone(display: Display, colour: tuple[int, int, int]) -> int:
    deadline = time.monotonic() + 10
    while (count := pixels(display.grab(), colour)) and time.monotonic() < deadline:
        pass
    return count


def test_every_user_has_a_window_and_the_next_call_has_new_ones(display: Display) -> None:
    command = [sys.executable, str(PROGRAM), "show", "2"]
    child = subprocess.Popen(
        command,
        env=environment(DISPLAY=display.name),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(2):
            assert child.stdout.readline() == "showing\n"
            # Without a window manager both windows lie at the top left, the later one above the other.
            assert until_seen(display, (0, 255, 0), 10_000) >= 10_000
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.readline() == "stopped\n"
            assert until_gone(display, (0, 255, 0)) == 0
    assert child.returncode == 0


def test_closing_the_windows_ends_nothing_else(display: Display) -> None:
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), "show"],
        env=environment(DISPLAY=display.name),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert until_seen(display, (0, 255, 0), 10_000) >= 10_000
        display.close_windows()
        assert until_gone(display, (0, 255, 0)) == 0
        output, _ = child.communicate("\n", timeout=10)
    assert output == "showing\nstopped\n"
    assert child.returncode == 0


def test_a_picture_is_shown_as_it_is(display: Display) -> None:
    command = [sys.executable, "-c", SHOW_ONE]
    with subprocess.Popen(
        command, env=environment(DISPLAY=display.name), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        until_seen(display, (200, 50, 100), 160 * 120)
        shot = display.screenshot()
        child.communicate(b"\n", timeout=10)
    assert pixels(shot, (200, 50, 100)) == 160 * 120
    assert child.returncode == 0


SHOW_ONE = """
import sys, threading
import numpy as np
from pycall.media.devices.window import Window
from pycall.media.frames import VideoFrame
window = Window()
window.start()
window.see("bob", VideoFrame.from_numpy(np.full((120, 160, 3), (200, 50, 100), np.uint8)))
sys.stdin.readline()
window.stop()
"""


@pytest.mark.parametrize(
    "display_variables", [{}, {"DISPLAY": ":54321"}, {"DISPLAY": "rubbish"}, {"WAYLAND_DISPLAY": "wayland-0"}]
)
def test_without_a_display_there_is_an_error_and_no_abort(display_variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "error"],
        env=environment(**display_variables),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("no_display ")
    assert "choose terminal, file:out.mkv or null" in done.stdout


def test_without_opencv_one_line_says_what_to_install(display: Display, tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "error"],
        env=environment(DISPLAY=display.name, PYTHONPATH=f"{tmp_path}:{os.getcwd()}"),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stdout.startswith("no_library a window needs OpenCV: pip install 'pycall[window]' (libGL.so.1"), (
        done.stderr
    )
