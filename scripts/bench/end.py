"""One end of a measured call, a process of its own: JSON lines in, JSON lines out.

The first line is the `Role`. Then: `open` (connect), `signal` (from another end), `mark` (tell what was used so far),
`keep` (pictures may be kept from now on), `finish` (write the notes). Out: `ready`, `opened`, `signal`,
`first_picture`, `first_sound`, `mark`, `result`. When stdin ends, the end leaves.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .notes import Notes

if TYPE_CHECKING:
    from pycall import CallEngine

TRACE_SECONDS = 0.5
CLOSE_SECONDS = 5.0
LINE_LIMIT = 1 << 22


@dataclass(frozen=True, slots=True)
class Role:
    """Who this end is; `folder` holds the content and takes the notes."""

    name: str
    others: list[str]
    offers: bool
    pictures: bool
    sounds: bool
    """Whether this end sends pictures, and sound."""
    folder: str
    codec: str = ""
    full_size: bool = False
    """Chromium makes pictures smaller when it sees fit; here it may not."""
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far and memory now, megabytes."""

    cpu: float
    memory: float


class Medium(Protocol):
    """What a peer under test has to offer: a media connection to each of the others."""

    began: float
    """When the first block of speech was handed over, unix time; 0 before."""

    async def prepare(self) -> None:
        """Everything that is done before a call begins."""
        ...

    async def open(self) -> None: ...

    async def signal(self, sender: str, message: Any) -> None: ...

    async def totals(self) -> dict[str, float]:
        """`bytes_out` of the whole transport so far, and what else it counts."""
        ...

    def usage(self) -> Usage: ...

    async def collect(self) -> None:
        """Leave in the notes what is not there yet."""
        ...

    async def close(self) -> None: ...


Tell = Callable[..., None]
Make = Callable[[Role, Notes, Tell], Medium]


def own_usage() -> Usage:
    """Of this process."""
    times = os.times()
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if os.path.exists("/proc/self/statm") else 0
    return Usage(times.user + times.system, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def tell(what: str, **fields: Any) -> None:
    """One line out."""
    sys.stdout.write(json.dumps({"what": what, "at": time.time(), **fields}) + "\n")
    sys.stdout.flush()


class _End:
    def __init__(self, role: Role, make: Make) -> None:
        self.notes = Notes(Path(role.folder), role.name, self._tell_first)
        self._told: set[str] = set()
        self.medium = make(role, self.notes, tell)
        self._trace: list[dict[str, float]] = []

    async def run(self, lines: asyncio.StreamReader) -> None:
        try:
            await self.medium.prepare()
            tell("ready")
            async with asyncio.TaskGroup() as group:  # whatever breaks, the end breaks, and says so on stderr
                watching = group.create_task(self._watch())
                while line := await lines.readline():
                    if await self._obey(json.loads(line)):
                        break
                watching.cancel()
        finally:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.medium.close()

    async def _obey(self, command: dict[str, Any]) -> bool:
        """True if that was the last one."""
        match command["do"]:
            case "open":
                tell("opened")
                await self.medium.open()
            case "signal":
                await self.medium.signal(command["sender"], command["message"])
            case "keep":
                self.notes.keeping = True
            case "mark":
                usage = self.medium.usage()
                tell("mark", cpu=usage.cpu, memory=usage.memory, totals=await self.medium.totals())
            case "finish":
                await self.medium.collect()
                began = self.medium.began
                tell("result", path=self.notes.save(began=began, trace=self._trace))
                return True
        return False

    async def _watch(self) -> None:
        """Keep a trace of the totals; some media learn only with them when the first picture and sound came."""
        while True:
            self._trace.append({"t": time.time(), **await self.medium.totals()})
            for what in ("first_picture", "first_sound"):
                if (when := getattr(self.notes, what)) is not None:
                    self._tell_first(what, when)
            await asyncio.sleep(TRACE_SECONDS)

    def _tell_first(self, what: str, when: float) -> None:
        if what not in self._told:
            self._told.add(what)
            tell(what, when=when)


async def told() -> asyncio.StreamReader:
    """What this process is told: stdin, line by line."""
    lines = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    return lines


class Phone(Protocol):
    """A CallEngine that does what it is told."""

    engine: CallEngine

    async def login(self) -> None: ...

    async def obey(self, command: dict[str, Any]) -> None: ...


async def obey(phone: Phone, lines: asyncio.StreamReader) -> None:
    """Sign in, tell so, and do what the lines say until they end."""
    async with phone.engine:
        await phone.login()
        tell("ready")
        while line := await lines.readline():
            await phone.obey(json.loads(line))


async def _main(make: Make) -> None:
    lines = await told()
    role = Role(**json.loads(await lines.readline()))
    await _End(role, make).run(lines)


def run(make: Make) -> None:
    """Be an end until told to finish."""
    asyncio.run(_main(make))
