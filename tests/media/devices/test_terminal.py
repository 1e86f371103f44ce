"""The terminal view, on a real pseudo-terminal: its colours, its size, and no terminal at all."""

from __future__ import annotations

import fcntl
import io
import os
import re
import select
import struct
import termios
from collections.abc import Iterator

import numpy as np
import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.devices.terminal import Terminal, render
from pycall.media.frames import VideoFrame

CELL = re.compile(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m\u2580")


def halves(top: tuple[int, int, int], bottom: tuple[int, int, int]) -> VideoFrame:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:60], picture[60:] = top, bottom
    return VideoFrame.from_numpy(picture)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of 40 columns and 23 rows: (the side of the person, the side of the program)."""
    person, program = os.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 23, 40, 0, 0))
    yield person, program
    os.close(person)


def test_a_picture_is_drawn_in_its_colours(terminal: tuple[int, int]) -> None:
    person, program = terminal
    with os.fdopen(program, "w") as stream:
        view = Terminal(stream)
        view.start()
        view.see("bob", halves((255, 0, 0), (0, 0, 255)))
        shown = _next_picture(person)
        view.stop()
        view.stop()
    lines = [CELL.findall(line) for line in shown.split("H") if CELL.search(line)]
    assert (len(lines), len(lines[0])) == (15, 40), "as wide as the terminal, two pixels to a character"
    assert lines[2][5] == ("255", "0", "0") * 2
    assert lines[-2][5] == ("0", "0", "255") * 2


def test_several_people_are_shown_side_by_side_until_they_leave(terminal: tuple[int, int]) -> None:
    person, program = terminal
    colours = {"bob": (255, 0, 0), "carol": (0, 255, 0), "dave": (0, 0, 255)}
    with os.fdopen(program, "w") as stream:
        view = Terminal(stream)
        view.start()
        for people, columns in ((["bob", "carol", "dave"], [1, 21, 1]), (["carol"], [1])):
            wanted = {tuple(map(str, colours[name] * 2)): column for name, column in zip(people, columns, strict=True)}
            shown: dict[tuple[str, ...], int] = {}
            while shown != wanted:
                for name in people:
                    view.see(name, halves(colours[name], colours[name]))
                shown = _columns(_next_picture(person))
        view.stop()


def _next_picture(person: int) -> str:
    """What is drawn until the cursor is put back."""
    drawn = b""
    while not drawn.endswith(b"\x1b8"):
        assert select.select([person], [], [], 5)[0], "nothing more was drawn"
        drawn += os.read(person, 1)
    return drawn.decode()


def _columns(drawn: str) -> dict[tuple[str, ...], int]:
    """In which column each colour begins."""
    lines = re.findall(r"\x1b\[\d+;(\d+)H([^H]*)", drawn)
    return {CELL.findall(line)[0]: int(column) for column, line in lines if CELL.search(line)}


def test_a_picture_keeps_its_shape_and_fits() -> None:
    text = render(halves((0, 0, 0), (255, 255, 255)), columns=200, rows=10)
    lines = text.split("\r\n")
    assert len(lines) == 10
    assert len(CELL.findall(lines[0])) == 26  # 20 pixels high, 4 : 3
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_without_a_terminal_one_line_says_so() -> None:
    with pytest.raises(MediaError, match="needs a terminal; choose window") as caught:
        Terminal(io.StringIO()).start()
    assert caught.value.code is ErrorCode.NO_DISPLAY
