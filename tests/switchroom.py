"""The signaling server as tests need it: in this loop or as a process, restarted or killed, with tickets at hand."""

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
from types import TracebackType
from typing import Any

from pycall.core.usersig import make_user_sig
from signaling_server.app import serve
from signaling_server.clock import Clock
from signaling_server.settings import Settings

APP_ID = 1400000000


class Switchroom:
    """A server in the running loop; `restart()` keeps its port, key and database. Pages of `origins` may connect;
    `more` are further settings."""

    def __init__(self, db: Path, origins: tuple[str, ...] = (), clock: Clock | None = None, **more: Any) -> None:
        self._db = db
        self._clock = clock
        self._more = {"origins": origins, **more}
        self._key = secrets.token_hex(32)
        self._port = 0
        self._stack = contextlib.AsyncExitStack()
        self.url = ""

    async def __aenter__(self) -> Switchroom:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        settings = Settings(secret_keys=(self._key,), port=self._port, db=str(self._db), app_id=APP_ID, **self._more)
        running = await self._stack.enter_async_context(serve(settings, self._clock))
        self.url = running.url
        self._port = int(re.findall(r":(\d+)", running.url)[-1])

    async def stop(self) -> None:
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def ticket(self, user_id: str, *, expire: int = 3600, now: float | None = None) -> str:
        made = int(time.time() if now is None else now)
        return make_user_sig(APP_ID, self._key, user_id, expire=expire, now=made)


class SwitchroomProcess:
    """The same as a process of its own, to be killed with SIGKILL and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = secrets.token_hex(32)
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "signaling_server",
            "--port",
            str(self._port),
            "--db",
            str(self._folder / "calls.db"),
            env={**os.environ, "PYCALL_SECRET_KEY": self._key, "PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            async for line in self._process.stdout:
                if found := re.search(r"ws://[\w.]+:(\d+)/ws", line.decode()):
                    self.url, self._port = found[0], int(found[1])
                    return
        raise AssertionError("the server ended before it said where it listens")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def kill(self) -> None:
        """kill -9: no goodbye, nothing written that was not written."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int | None:
        """SIGTERM; the exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        async with asyncio.timeout(10):
            await process.communicate()
        return process.returncode

    def ticket(self, user_id: str) -> str:
        return make_user_sig(APP_ID, self._key, user_id, now=int(time.time()))
