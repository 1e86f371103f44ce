"""A call between two phones of which one sits across an emulated link; the server is on the other's side of it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from pycall.config import DEFAULT_APP_ID
from pycall.core.usersig import make_user_sig

from .conductor import BenchError, Process
from .link import Impairment
from .netpath import ADDRESSES, describe

READY_SECONDS = 90.0
TONES = {"near": 440.0, "far": 880.0}
OTHER = {"near": "far", "far": "near"}
NEW_ADDRESS = "10.77.0.3"


class LinkedCall:
    """`async with` starts everything; then `dial`, and whatever is to happen to the link. Raises `BenchError`.

    `config`: more settings of each phone's EngineConfig. near calls, far accepts at once.
    """

    def __init__(
        self, folder: Path, impairment: Impairment, *, media: str = "audio", config: Mapping[str, Any] | None = None
    ) -> None:
        self.phones: dict[str, Process] = {}
        self.namespaces: list[str] = []
        self._folder, self._impairment = folder, impairment
        self._media, self._config = media, dict(config or {})
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> LinkedCall:
        try:
            self._link = await self._launch("link", "netpath", describe(self._impairment))
            self.namespaces = (await self._link.hear("ready"))["ready"]
            key = secrets.token_hex(32)
            arguments = (ADDRESSES[0], key, str(self._folder / "calls.db"))
            server = await self._launch("server", "path_server", *arguments, namespace=self.namespaces[0])
            url = (await server.hear("what", "ready", READY_SECONDS))["url"]
            for name, namespace in zip(("far", "near"), self.namespaces[::-1], strict=True):
                await self._sign_in(name, namespace, url, key)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def dial(self) -> tuple[float, float]:
        """Until both hear each other's tone; gives when far accepted, and when the later one heard."""
        self.phones["near"].say({"do": "call"})
        accepted = (await self.phones["far"].hear("what", "accept"))["when"]
        heard = [await self.sound(name) for name in self.phones]
        return accepted, max(heard)

    async def hang_up(self) -> None:
        self.phones["near"].say({"do": "hangup"})
        for name in self.phones:
            await self.over(name)

    async def sound(self, name: str, what: str = "sound", timeout: float = 40.0) -> float:
        """When this one hears the other's tone after a silence."""
        line = await self.phones[name].hear("what", what, timeout)
        # Sound that is stretched to catch up, or that loss has torn, is not the tone exactly.
        nearest = min(TONES, key=lambda other: abs(TONES[other] - line["hertz"]))
        if nearest != OTHER[name]:
            raise BenchError(f"{name} hears {line['hertz']} Hz, not {TONES[OTHER[name]]}")
        return float(line["when"])

    async def sound_again(self) -> dict[str, float]:
        """By phone, from when on it hears the other's tone without a gap; asked at this moment, silence or not."""
        for phone in self.phones.values():
            phone.say({"do": "listen"})
        return {name: await self.sound(name, "again") for name in self.phones}

    async def silence(self, name: str, timeout: float = 10.0) -> float:
        return float((await self.phones[name].hear("what", "silence", timeout))["when"])

    async def over(self, name: str, timeout: float = 40.0) -> tuple[str, float]:
        """Why and when the call ended there."""
        line = await self.phones[name].hear("what", "over", timeout)
        return str(line["reason"]), float(line["when"])

    async def link(self, door: str) -> float:
        """`cut`, `join` or `no-udp`; gives the moment."""
        self._link.say(door)
        return float((await self._link.hear("door", door))["at"])

    async def change_address(self) -> float:
        """far's interface gets another address instead of its own, and its route back; gives the moment before."""
        ip = ("ip", "-n", self.namespaces[1])
        changed = time.time()
        await self.run(*ip, "addr", "del", ADDRESSES[1], "peer", ADDRESSES[0], "dev", "tun0")
        await self.run(*ip, "addr", "add", NEW_ADDRESS, "peer", ADDRESSES[0], "dev", "tun0")
        await self.run(*ip, "route", "replace", "default", "dev", "tun0")
        return changed

    async def run(self, *command: str) -> None:
        """A short command; raises `OSError` if it fails."""
        process = await asyncio.create_subprocess_exec(*command)
        if await process.wait() != 0:
            raise OSError(f"{' '.join(command)} failed")

    async def _sign_in(self, name: str, namespace: str, url: str, key: str) -> None:
        sig = make_user_sig(DEFAULT_APP_ID, key, name, expire=3600, now=int(time.time()))
        phone = await self._launch(name, "path_peer", namespace=namespace)
        role = {"name": name, "other": OTHER[name], "tone": TONES[name], "server": url, "app_id": DEFAULT_APP_ID}
        phone.say(json.dumps({**role, "sig": sig, "media": self._media, "config": self._config}))
        await phone.hear("what", "ready", READY_SECONDS)
        self.phones[name] = phone

    async def _launch(self, name: str, module: str, *arguments: str, namespace: str = "") -> Process:
        process = Process(name, self._folder / f"{name}.log")
        await process.start(module, *arguments, namespace=namespace)
        self._stack.push_async_callback(process.stop)
        return process
