"""A terminal of its own for a program under test, with somebody who types and reads."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from contextlib import suppress
from types import TracebackType

from tests.command import ROOT, Environment


class Terminal:
    """`pycall` (or another `program`) in a terminal of its own, with somebody who types and reads."""

    def __init__(
        self, here: Environment, *arguments: str, columns: int = 120, program: tuple[str, ...] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *(program or PYCALL), *arguments],
            env={**here.values, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "30"},
            cwd=ROOT,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)
        self.close()

    def close(self) -> None:
        """As somebody closes the window."""
        for descriptor in (self._master, self.slave):
            with suppress(OSError):
                os.close(descriptor)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read_until(self, text: str, seconds: float = 20.0, but: str | None = None) -> None:
        """Wait until the screen shows `text` after what was waited for before, and on the way there never `but`."""
        until = time.monotonic() + seconds
        while text not in self.shown:
            ready, _, _ = select.select([self._master], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"{text!r} is not in {self.shown[-2000:]!r}"
            self.shown += os.read(self._master, 65536).decode("utf-8", "replace")
        before, self.shown = self.shown.split(text, 1)
        assert but is None or but not in before

    def ended(self, seconds: float = 15.0) -> int:
        """The exit code; reads on meanwhile, as a terminal does."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < until
            if select.select([self._master], [], [], 0.05)[0]:
                self.shown += os.read(self._master, 65536).decode("utf-8", "replace")
        return self.process.returncode


PYCALL = (sys.executable, "-m", "pycall")
# What a login shell does: make the terminal the session's own, so that Ctrl-C typed into it becomes a signal.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execvp(sys.argv[1], sys.argv[1:])\n"
)
