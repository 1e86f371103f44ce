"""A server, a caller and a callee, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.switchroom import SwitchroomProcess


class Party:
    """The test's end of a `tests.calls.party` process."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.events: list[dict[str, Any]] = []
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._news = asyncio.Event()
        self._ready = asyncio.Event()

    async def start(self, server: SwitchroomProcess, **settings: Any) -> None:
        command = [sys.executable, "-m", "tests.calls.party", server.url, self.user, server.ticket(self.user)]
        self._process = await asyncio.create_subprocess_exec(
            *command, json.dumps(settings), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read())
        await asyncio.wait_for(self._ready.wait(), 20)

    async def do(self, deed: str, *args: Any, timeout: float = 25.0) -> Any:
        number = next(self._numbers)
        future = self._replies[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "do": deed, "args": args}).encode() + b"\n")
        return await asyncio.wait_for(future, timeout)

    def all(self, *names: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] in names]

    async def saw(self, *names: str, timeout: float = 15.0, count: int = 1) -> dict[str, Any]:
        """The `count`th event of one of these names since the beginning."""
        try:
            async with asyncio.timeout(timeout):
                while len(self.all(*names)) < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.user} saw no {names}, only {[e['event'] for e in self.events]}") from None
        return self.all(*names)[count - 1]

    async def ended(self, timeout: float = 15.0) -> dict[str, Any]:
        """The one terminal event."""
        event = await self.saw("CallEnded", "CallNotConnected", timeout=timeout)
        assert len(self.all("CallEnded", "CallNotConnected")) == 1
        return event

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """The end of its input lets it close its engine and go."""
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), 8)
            except TimeoutError:
                await self.kill()
                raise AssertionError(f"{self.user} did not end by itself") from None
        await self._reading

    async def _end(self, how: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            if "event" in message:
                self.events.append(message)
                self._news.set()
            elif "id" in message:
                self._answer(message)
            else:
                self._ready.set()

    def _answer(self, message: dict[str, Any]) -> None:
        future = self._replies.pop(message["id"])
        if future.done():
            return
        if "error" in message:
            future.set_exception(AssertionError(f"{self.user}: {message['error']}"))
        else:
            future.set_result(message["value"])


@pytest_asyncio.fixture
async def server_process(tmp_path: Path) -> AsyncIterator[SwitchroomProcess]:
    server = SwitchroomProcess(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def parties(server_process: SwitchroomProcess) -> AsyncIterator[tuple[Party, Party]]:
    """Alice, who sounds 440 Hz, and Bob, who sounds 1000 Hz; both show the numbered pattern in 360p15."""
    alice, bob = Party("alice"), Party("bob")
    await asyncio.gather(
        alice.start(server_process, audio_source="tone:440"), bob.start(server_process, audio_source="tone:1000")
    )
    yield alice, bob
    await asyncio.gather(alice.stop(), bob.stop())
