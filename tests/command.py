"""Runs the command `pycall` as a user does: a process of its own, read line by line with a time limit."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

ROOT = Path(__file__).parents[1]
SECONDS = 30.0


class Environment:
    """What a fresh user has: no settings of ours but a folder for the development server's note."""

    def __init__(self, folder: Path, **extra: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYCALL_", "DISPLAY"))}
        self.values: Mapping[str, str] = {
            **kept,
            "PYCALL_DEV_FILE": str(folder / "dev.json"),
            "PULSE_SERVER": "unix:/nonexistent",
            "COLUMNS": "120",
            **extra,
        }


class Command:
    """One run of `pycall`; a context manager that leaves no process behind."""

    def __init__(self, environment: Environment, *arguments: str, stdin: int = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pycall", *arguments],
            env=dict(environment.values),
            cwd=ROOT,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        assert self.process.stdout is not None and self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.out, self._lines), name="stdout"),
            threading.Thread(target=self._read, args=(self.process.stderr, self.err, None), name="stderr"),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Command:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    @staticmethod
    def _read(stream: IO[str], lines: list[str], news: queue.Queue[str | None] | None) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))
            if news is not None:
                news.put(lines[-1])
        if news is not None:
            news.put(None)

    def line(self, containing: str, seconds: float = SECONDS) -> str:
        """The next line of stdout that contains this text."""
        until = time.monotonic() + seconds
        while True:
            line = self._lines.get(timeout=max(0.01, until - time.monotonic()))
            assert line is not None, f"it ended before {containing!r}; it said {self.out} {self.err}"
            if containing in line:
                return line

    def event(self, name: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The next `--json` event of this name."""
        found: dict[str, Any] = json.loads(self.line(f'"event":"{name}"', seconds))
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        """All `--json` events of this name so far."""
        return [event for event in map(json.loads, self.out) if event["event"] == name]

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ended(self, seconds: float = SECONDS) -> int:
        """Its exit code."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
        return code


def run(environment: Environment, *arguments: str) -> tuple[int, list[str], list[str]]:
    """Exit code, lines of stdout, lines of stderr."""
    with Command(environment, *arguments) as command:
        return command.ended(), command.out, command.err
