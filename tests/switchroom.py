"""The signaling server as tests need it: in this loop or as a process, restarted or killed, with tickets at hand."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from pycall.core.usersig import make_user_sig
from scripts.load.server import APP_ID, ServerProcess
from signaling_server.app import serve
from signaling_server.clock import Clock
from signaling_server.settings import Settings

__all__ = ["APP_ID", "Switchroom", "SwitchroomProcess"]


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


class SwitchroomProcess(ServerProcess):
    """The same as a process of its own, to be killed with SIGKILL and started again on its port."""

    @property
    def pid(self) -> int:
        return self.process.pid
