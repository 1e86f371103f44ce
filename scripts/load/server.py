"""The signaling server as a process of its own: started, measured, killed and started again on its port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import signal
import sys
import time
from pathlib import Path

import psutil

from pycall.core.usersig import make_user_sig

APP_ID = 1400000000
ADMIN = "administrator"
START_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


class ServerProcess:
    """`command` is run with `--port` and `--db`; it says on stderr where it listens."""

    def __init__(self, folder: Path, *arguments: str, core: int | None = None) -> None:
        self.folder = folder
        self.key = secrets.token_hex(32)
        self.port = 0
        self.url = ""
        self._arguments = arguments
        self._core = core
        self._process: asyncio.subprocess.Process | None = None

    @property
    def db(self) -> Path:
        return self.folder / "calls.db"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def command(self) -> list[str]:
        arguments = ["--port", str(self.port), "--db", str(self.db), "--log-format", "json", *self._arguments]
        return [sys.executable, "-m", "signaling_server", *arguments]

    async def start(self) -> float:
        """Seconds until it listens."""
        begun = time.perf_counter()
        with self.log.open("ab") as log:
            offset = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self.command(), env=self._environment(), stdout=log, stderr=log, cwd=ROOT
            )
        if self._core is not None:
            with contextlib.suppress(psutil.Error, AttributeError):
                self.process.cpu_affinity([self._core])
        self.url = await asyncio.wait_for(self._said_url(offset), START_SECONDS)
        self.port = int(re.findall(r":(\d+)/", self.url)[-1])
        return time.perf_counter() - begun

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYCALL_")}
        path = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
        return {**kept, "PYCALL_SECRET_KEY": self.key, "PYTHONPATH": path}

    async def _said_url(self, offset: int) -> str:
        assert self._process is not None
        while True:
            text = _from(self.log, offset)
            if found := re.search(r"listening on (wss?://[\w.:\[\]-]+/\w+)", text):
                return found[1]
            if self._process.returncode is not None:
                raise SystemExit(f"the server did not start:\n{text[-2000:]}")
            await asyncio.sleep(0.005)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> int | None:
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        return await asyncio.wait_for(process.wait(), 30)

    def ticket(self, user_id: str) -> str:
        return make_user_sig(APP_ID, self.key, user_id, expire=86_400, now=int(time.time()))

    def http(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def rest(self, path: str) -> str:
        """A REST address as the administrator."""
        asked = f"sdkappid={APP_ID}&identifier={ADMIN}&usersig={self.ticket(ADMIN)}"
        return self.http(f"{path}?{asked}&random={secrets.randbelow(2**32)}&contenttype=json")


def _from(path: Path, offset: int) -> str:
    """Only the end: the log of a long run is long, and it is looked at often."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read().decode("utf-8", "replace")


class Meter:
    """What the server uses from now on."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._cpu = self._used()
        self._at = time.perf_counter()

    def _used(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def core(self) -> float:
        """Percent of one core since this meter was made."""
        return 100 * (self._used() - self._cpu) / (time.perf_counter() - self._at)

    def seconds(self) -> float:
        """CPU seconds since this meter was made."""
        return self._used() - self._cpu

    def rss(self) -> float:
        """KiB in memory now."""
        return self._process.memory_info().rss / 1024
