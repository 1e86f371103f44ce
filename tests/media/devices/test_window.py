"""Windows on a real X display; without one, or without OpenCV, an error and never an abort."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.display import Display

GREEN = (0, 255, 0)
PROGRAM = Path(__file__).with_name("window_program.py")


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return {**clean, "PYTHONPATH": os.getcwd(), **more}


def pixels(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many are of this colour, but for what going through YUV costs."""
    return int((abs(picture.astype(int) - colour) <= 4).all(axis=2).sum())


def until_seen(display: Display, colour: tuple[int, int, int], least: int) -> int:
    """How many pixels of the colour there are, once there are enough or 6 s have gone."""
    deadline = time.monotonic() + 6
    while (count := pixels(display.grab(), colour)) < least and time.monotonic() < deadline:
        pass
    return count


def until_gone(display: Display, colour: tuple[int, int, int]) -> int:
    deadline = time.monotonic() + 6
    while (count := pixels(display.grab(), colour)) and time.monotonic() < deadline:
        pass
    return count


@contextlib.contextmanager
def showing(display: Display, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program, once green is on the screen.

    OpenCV's wheel now and then leaves a window black (opencv-python, issue 362): then the program is started again.
    """
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, str(PROGRAM), "show", *arguments],
            env=environment(DISPLAY=display.name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as child:
            if until_seen(display, GREEN, 160 * 120) >= 160 * 120:
                yield child
                return
    pytest.fail("no window was painted in three starts")


def test_a_window_shows_the_picture_and_goes_with_the_call(display: Display) -> None:
    with showing(display) as child:
        assert pixels(display.screenshot(), GREEN) == 160 * 120
        output, _ = child.communicate("\n", timeout=10)
    assert output == "showing\nstopped\n"
    assert child.returncode == 0
    assert until_gone(display, GREEN) == 0


def test_closing_the_windows_ends_nothing_else(display: Display) -> None:
    with showing(display) as child:
        display.close_windows()
        assert until_gone(display, GREEN) == 0
        assert child.poll() is None
        output, _ = child.communicate("\n", timeout=10)
    assert output == "showing\nstopped\n"
    assert child.returncode == 0


def test_the_next_call_opens_windows_again(display: Display) -> None:
    with showing(display, "2") as child:
        output, _ = child.communicate("\n\n", timeout=20)
    assert output == "showing\nstopped\n" * 2
    assert child.returncode == 0


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
