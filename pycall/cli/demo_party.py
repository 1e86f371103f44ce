"""One of the demo's two people, in a process of its own, spoken to in JSON lines.

The first line on stdin says who it is; later ones are `"call"`, `"talk"` (from now on it counts), `"stop"` (until now)
and `"hangup"`. On stdout it tells what happens, each with `at` in seconds of the monotonic clock, which all processes
of a machine share. When stdin ends, the demo is gone and the party leaves.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pycall.config import EngineConfig
from pycall.core import events as ev
from pycall.core.errors import ErrorCode, PyCallError
from pycall.core.types import MediaType, NetworkQuality
from pycall.engine import CallEngine
from pycall.media.profiles import profile
from pycall.media.sink import open_audio_sink, open_video_sink

from .demo_clip import PROFILE, open_pictures, open_sound
from .demo_taps import (
    CountedVideoSource,
    NotedAudioSink,
    NotedAudioSource,
    NotedVideoSink,
    PictureNotes,
    SoundNotes,
)

LINGER_SECONDS = 10.0
"""How long the call's end is waited for after a hang-up."""


@dataclass(frozen=True, slots=True)
class Role:
    """What the demo tells a party on its first line."""

    role: str
    user: str
    other: str
    server: str
    app_id: int
    sig: str
    folder: str
    record: str | None


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of this process so far, at a moment of the monotonic clock."""

    at: float
    cpu: float

    @classmethod
    def now(cls) -> Usage:
        times = os.times()
        return cls(time.monotonic(), times.user + times.system)


def resident_megabytes() -> float:
    """Memory of this process now where the system tells (Linux), else its peak; 0 where neither is known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return _peak_megabytes()


def _peak_megabytes() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def tell(what: str, **fields: object) -> None:
    """One line to the demo."""
    sys.stdout.write(json.dumps({"what": what, "at": time.monotonic(), **fields}) + "\n")
    sys.stdout.flush()


def fail(message: str, code: ErrorCode) -> None:
    """Tell that the demo cannot go on."""
    tell("failed", message=message, code=code.value)


class Party:
    """One side of the demo's call: its engine, its notes, and what it has to tell."""

    def __init__(self, role: Role) -> None:
        self._role = role
        folder = Path(role.folder)
        self._folder = folder
        self._sent_sound = SoundNotes()
        self._heard = SoundNotes()
        self._seen = PictureNotes(folder / f"{role.role}.luma")
        self._pictures = CountedVideoSource(open_pictures(profile(PROFILE)))
        self._started: Usage | None = None
        self._stopped: Usage | None = None
        self._memory = 0.0
        self._qualities: list[NetworkQuality] = []
        self._volume = 0
        self._codec = ""
        self._over = asyncio.Event()
        self.config = self._make_config()

    def _make_config(self) -> EngineConfig:
        role = self._role
        record = f"file:{role.record}" if role.record else None
        return EngineConfig(
            server=role.server,
            app_id=role.app_id,
            audio_source=NotedAudioSource(open_sound(), self._sent_sound),
            video_source=self._pictures,
            audio_sink=NotedAudioSink(self._heard, open_audio_sink(record) if record else None),
            video_sink=NotedVideoSink(
                self._seen, open_video_sink(record) if record else None, lambda at: tell("first_picture", at=at)
            ),
            video_profile=PROFILE,
            volume_interval=0.5,
            quality_interval=1.0,
        )

    async def run(self, commands: asyncio.Queue[str]) -> None:
        """Sign in, do what is told, and tell the result once the call is over."""
        async with CallEngine(self.config) as engine:
            engine.on(ev.Event, lambda event: self._on_event(engine, event))
            await engine.login(self._role.user, self._role.sig)
            tell("ready")
            while not self._over.is_set():
                await self._obey(engine, await self._next_command(commands))
        self._finish()

    async def _next_command(self, commands: asyncio.Queue[str]) -> str:
        """The next command, or "over" when the call has ended."""
        read = asyncio.create_task(commands.get())
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({read, over}, return_when=asyncio.FIRST_COMPLETED)
            return read.result() if read.done() else "over"
        finally:
            for task in (read, over):
                task.cancel()
            await asyncio.gather(read, over, return_exceptions=True)

    async def _obey(self, engine: CallEngine, command: str) -> None:
        if command == "call":
            tell("calling")
            await engine.call(self._role.other, MediaType.VIDEO, timeout=30)
        elif command == "talk":
            self._started = Usage.now()
            self._seen.keeping = True
        elif command == "stop":
            self._stopped = Usage.now()
            self._memory = resident_megabytes()
            self._seen.keeping = False
            tell("stopped")
        elif command == "hangup":
            await engine.hangup()
            async with asyncio.timeout(LINGER_SECONDS):
                await self._over.wait()

    async def _on_event(self, engine: CallEngine, event: ev.Event) -> None:
        match event:
            case ev.CallReceived():
                tell("received")
                tell("accepting")
                await engine.accept()
            case ev.CallBegan():
                tell("began")
            case ev.VoiceVolume(volumes):
                self._volume = max(self._volume, volumes.get(self._role.other, 0))
            case ev.NetworkQualityChanged(qualities):
                self._qualities.append(qualities[self._role.user])
            case ev.MediaStatistics():
                self._codec = event.video_codec or self._codec
                tell("measured")
            case ev.CallEnded(reason=reason) if self._stopped is None:
                fail(f"the call ended by itself: {reason.value}", ErrorCode.TIMED_OUT)
                self._over.set()
            case ev.CallEnded(reason=reason, duration=duration):
                tell("ended", reason=reason.value, duration=duration)
                self._over.set()
            case ev.CallNotConnected(reason=reason):
                fail(f"the call did not begin: {reason.value}", ErrorCode.TIMED_OUT)
                self._over.set()

    def _finish(self) -> None:
        """Write the notes to files and tell where they are."""
        self._seen.close()
        sent, heard = (self._folder / f"{self._role.role}-{name}.npz" for name in ("sent", "heard"))
        self._sent_sound.save(sent)
        self._heard.save(heard)
        tell("result", **self._result(str(sent), str(heard)), **self._save_shown())

    def _save_shown(self) -> Mapping[str, Any]:
        """The last picture kept, in colour, for the report's image."""
        if self._seen.shown is None:
            return {"shown": None, "shown_at": 0.0, "shown_rgb": ""}
        stamp, frame = self._seen.shown
        path = self._folder / f"{self._role.role}-shown.npy"
        np.save(path, frame.to_numpy())
        return {"shown": stamp.number, "shown_at": stamp.time, "shown_rgb": str(path)}

    def _result(self, sent: str, heard: str) -> Mapping[str, Any]:
        seen = self._seen
        known = [q for q in self._qualities if q is not NetworkQuality.UNKNOWN]
        return {
            "started": asdict(self._started) if self._started else None,
            "stopped": asdict(self._stopped) if self._stopped else None,
            "memory": self._memory,
            "codec": self._codec,
            "size": seen.size,
            "sent_times": self._pictures.times,
            "arrivals": seen.arrivals,
            "latencies": seen.latencies,
            "unread": seen.unread,
            "kept": seen.kept,
            "luma": str(self._folder / f"{self._role.role}.luma"),
            "sent": sent,
            "heard": heard,
            "quality": {"worst": max(known, default=0), "last": known[-1] if known else 0},
            "volume_heard": self._volume,
        }


def _read_commands(loop: asyncio.AbstractEventLoop, commands: asyncio.Queue[str], leave: Callable[[], object]) -> None:
    """Runs in a thread until stdin ends, then has the party leave, whatever it is doing. Reads below `sys.stdin`, whose
    lock would not let the process end."""
    rest = b""
    while data := os.read(0, 4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            loop.call_soon_threadsafe(commands.put_nowait, json.loads(line))
    if not loop.is_closed():
        loop.call_soon_threadsafe(leave)


def _first_line() -> bytes:
    """Byte by byte, so that nothing of the next line is taken."""
    line = b""
    while (byte := os.read(0, 1)) not in {b"", b"\n"}:
        line += byte
    return line


async def _main() -> None:
    role = Role(**json.loads(_first_line()))
    commands: asyncio.Queue[str] = asyncio.Queue()
    me = asyncio.current_task()
    assert me is not None
    loop = asyncio.get_running_loop()
    reader = threading.Thread(
        target=_read_commands, args=(loop, commands, me.cancel), name="demo commands", daemon=True
    )
    reader.start()
    await Party(role).run(commands)


def main() -> int:
    """Play the part; a failure is told to the demo as one line."""
    try:
        asyncio.run(_main())
    except PyCallError as error:
        fail(error.message, error.code)
        return 1
    except asyncio.CancelledError:
        return 1
    except TimeoutError:
        fail("the call did not end in time", ErrorCode.TIMED_OUT)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
