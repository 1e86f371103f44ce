"""Starts one of the demo's people in a process of its own, talks with it in JSON lines, and always ends it."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from types import TracebackType
from typing import Any

from pycall.core.errors import ErrorCode, PyCallError

Word = dict[str, Any]

LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of one line: the result of an hour's call has all its moments in it."""
END_SECONDS = 3.0


class PartyProcess:
    """A child process; an async context manager that leaves none behind."""

    def __init__(self, role: Word) -> None:
        self._role = role
        self._process: Process | None = None
        self.words: dict[str, Word] = {}
        """What it has told, each thing the first time."""

    async def __aenter__(self) -> PartyProcess:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pycall.cli.demo_party",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=LINE_LIMIT,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        self._write(self._role)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def say(self, command: str) -> None:
        """Give a command."""
        self._write(command)

    async def hear(self, what: str, timeout: float) -> Word:
        """Wait until it has told `what` (also if it told it before); raises PyCallError if it fails or is late."""
        try:
            async with asyncio.timeout(timeout):
                while what not in self.words:
                    await self._read()
        except TimeoutError:
            name = self._role["user"]
            raise PyCallError(ErrorCode.TIMED_OUT, f"the demo's {name} did not get to {what!r} in time") from None
        return self.words[what]

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise PyCallError(ErrorCode.TIMED_OUT, f"the demo's {self._role['user']} left before the end")
        word: Word = json.loads(line)
        if word["what"] == "failed":
            raise PyCallError(ErrorCode(word["code"]), f"{self._role['user']}: {word['message']}")
        self.words.setdefault(word["what"], word)

    def _write(self, value: object) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(value).encode() + b"\n")
