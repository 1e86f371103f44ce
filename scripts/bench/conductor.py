"""Runs one call between ends in processes of their own, here or over an emulated link, and gathers their notes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .end import LINE_LIMIT, Role
from .link import Impairment
from .netpath import describe
from .notes import Noted

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
OPEN_SECONDS = 30.0
REPLY_SECONDS = 20.0
LEAVE_SECONDS = 8.0
NICE = -15


class BenchError(Exception):
    """A measurement that cannot be made, or was broken off; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What is under test: a module of this package, and the codec it is told to take."""

    name: str
    module: str
    codec: str = ""
    note: str = ""


PEERS = {
    peer.name: peer
    for peer in (
        Peer("pycall", "pycall_peer"),
        Peer("aiortc", "aiortc_peer"),
        Peer("aiortc-h264", "aiortc_peer", "H264"),
        Peer("chromium", "chromium_peer", "VP8"),
        Peer("chromium-h264", "chromium_peer", "H264"),
    )
}


class Process:
    """A child that speaks JSON lines; its errors go to a file."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self._log = log
        self._said: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self.routes: dict[str, Process] = {}
        """Who gets the signals for whom."""

    async def start(self, module: str, *arguments: str, namespace: str = "") -> None:
        prefix = ["ip", "netns", "exec", namespace] if namespace else []
        with self._log.open("wb") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *prefix,
                *(sys.executable, "-m", f"scripts.bench.{module}", *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                limit=LINE_LIMIT,
                start_new_session=True,  # Ctrl-C is for the conductor alone
            )
        self._reader = asyncio.create_task(self._read(), name=f"read {self.name}")
        with suppress(ProcessLookupError):  # it has ended at once; its last words are read
            _prefer(self._process.pid)

    def say(self, line: dict[str, Any] | str) -> None:
        assert self._process.stdin is not None
        text = line if isinstance(line, str) else json.dumps(line)
        with suppress(ConnectionError):  # it has gone; whoever waits for it is told
            self._process.stdin.write(text.encode() + b"\n")

    async def hear(self, key: str, value: Any = None, timeout: float = REPLY_SECONDS) -> dict[str, Any]:
        """The next line with `key` (being `value`), taken out of what was said. Raises `BenchError`."""
        try:
            async with asyncio.timeout(timeout), self._news:
                while True:
                    for line in self._said:
                        if key in line and value in (None, line[key]):
                            self._said.remove(line)
                            return line
                    if self._reader is not None and self._reader.done():
                        raise BenchError(f"{self.name} ended: {self._last_error()}")
                    await self._news.wait()
        except TimeoutError:
            raise BenchError(f"{self.name}: no {value or key} within {timeout:.0f} s. {self._last_error()}") from None

    async def stop(self) -> None:
        """It is asked to leave by the end of its input; then it and its children are ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), LEAVE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        if self._reader is not None:
            await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            fields = json.loads(line)
            if fields.get("what") == "signal":
                self.routes[fields["to"]].say({"do": "signal", "sender": self.name, "message": fields["message"]})
                continue
            async with self._news:
                self._said.append(fields)
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

    def _last_error(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def _prefer(pid: int) -> None:
    """As root: what else runs on the machine should disturb a session as little as can be."""
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
        with suppress(OSError):  # Linux shares the processor out by session, where it is set up so
            Path(f"/proc/{pid}/autogroup").write_text(str(NICE))


@dataclass(slots=True)
class Marks:
    """What was used and counted at one moment: by end, and on the link."""

    at: float
    ends: dict[str, dict[str, Any]]
    lanes: list[dict[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """One measured call."""

    peer: Peer
    impairment: Impairment | None
    setup: float
    """Seconds from the offerer's start to the first picture at the last viewer."""
    first_sound: float
    begin: Marks
    end: Marks
    notes: dict[str, Noted]
    load: float
    """Of the machine, one minute's average, at the end."""


class Call:
    """A call of `near` (offers, sends pictures) with the others (who send sound only, or pictures as well)."""

    def __init__(
        self,
        peer: Peer,
        folder: Path,
        *,
        impairment: Impairment | None = None,
        viewers: int = 1,
        silent: bool = False,
        **role: Any,
    ) -> None:
        """`silent`: the others only watch. `role`: further fields of every end's Role."""
        self._peer, self._folder, self._impairment = peer, folder, impairment
        self._role, self._silent = role, silent
        self._far = ["far"] if viewers == 1 else [f"far{n}" for n in range(1, viewers + 1)]
        self._ends: dict[str, Process] = {}
        self._link: Process | None = None
        self._stack = AsyncExitStack()

    async def measure(self, warm_up: float, seconds: float) -> Outcome:
        """Set up, wait, measure, take down. Raises `BenchError`."""
        async with self._stack:
            await self._start()
            setup, first_sound = await self._open()
            await asyncio.sleep(warm_up)
            self._tell_all({"do": "keep"})
            begin = await self._mark()
            await asyncio.sleep(seconds)
            end = await self._mark()
            self._tell_all({"do": "finish"})
            for process in self._ends.values():
                await process.hear("what", "result")
            notes = {name: Noted(self._folder, name) for name in self._ends}
            return Outcome(self._peer, self._impairment, setup, first_sound, begin, end, notes, os.getloadavg()[0])

    async def _start(self) -> None:
        namespaces = ["", ""]
        if self._impairment is not None:
            self._link = await self._launch("link", "netpath", describe(self._impairment))
            namespaces = (await self._link.hear("ready"))["ready"]
        for name in ("near", *self._far):
            near = name == "near"
            others = self._far if near else ["near"]
            sounds = near or not self._silent
            role = {"pictures": near, "sounds": sounds, "codec": self._peer.codec, **self._role}
            process = await self._launch(name, self._peer.module, namespace=namespaces[not near])
            process.say(asdict(Role(name=name, others=others, offers=near, folder=str(self._folder), **role)))
            self._ends[name] = process
        for process in self._ends.values():
            process.routes = self._ends
            await process.hear("what", "ready", READY_SECONDS)

    async def _launch(self, name: str, module: str, *arguments: str, namespace: str = "") -> Process:
        process = Process(name, self._folder / f"{name}.log")
        await process.start(module, *arguments, namespace=namespace)
        self._stack.push_async_callback(process.stop)
        return process

    async def _open(self) -> tuple[float, float]:
        """Seconds until the first picture and the first sound at the last of the others."""
        for name in self._far:
            self._ends[name].say({"do": "open"})
            await self._ends[name].hear("what", "opened")
        if self._link is not None:
            self._link.say("begin")
        self._ends["near"].say({"do": "open"})
        began = (await self._ends["near"].hear("what", "opened"))["at"]
        firsts = []
        for what in ("first_picture", "first_sound"):
            lines = [await self._ends[name].hear("what", what, OPEN_SECONDS) for name in self._far]
            firsts.append(max(line["when"] for line in lines) - began)
        return firsts[0], firsts[1]

    def _tell_all(self, line: dict[str, Any]) -> None:
        for process in self._ends.values():
            process.say(line)

    async def _mark(self) -> Marks:
        self._tell_all({"do": "mark"})
        at = time.time()
        ends = {name: await process.hear("what", "mark") for name, process in self._ends.items()}
        lanes = []
        if self._link is not None:
            self._link.say("count")
            lanes = (await self._link.hear("lanes"))["lanes"]
        return Marks(at, ends, lanes)
