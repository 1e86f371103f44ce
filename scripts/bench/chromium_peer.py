"""Headless Chromium as one end: its page sends and notes what the other peers do, by its own WebRTC.

The browser is told what to do by the Chrome DevTools Protocol; content and notes pass by a web server of this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web

from .end import Role, Tell, Usage, run
from .notes import Notes

HERE = Path(__file__).parent
START_SECONDS = 30.0
ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.02
LEAVE_SECONDS = 3.0
MAX_BODY = 1 << 28
TICK = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--no-proxy-server",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def program() -> str | None:
    """Where Chromium is; None if it is not installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class ChromiumMedium:
    def __init__(self, role: Role, notes: Notes, tell: Tell) -> None:
        self._role, self._notes, self._tell = role, notes, tell
        self._folder = Path(role.folder)
        self._profile = Path(tempfile.mkdtemp(prefix=f"pycall-bench-{os.getpid()}-chromium-"))
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._server: web.AppRunner | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._asked = 0
        self.began = 0.0

    async def prepare(self) -> None:
        address = await self._serve()
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        flags = [*FLAGS, *root, f"--user-data-dir={self._profile}", f"{address}/chromium.html"]
        self._process = await asyncio.create_subprocess_exec(
            program() or "chromium",
            *flags,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self._profile)},
        )
        async with asyncio.timeout(START_SECONDS):
            await self._attach()
            await self._load()
        await self._run(f"end.prepare({json.dumps(asdict(self._role))})")

    async def open(self) -> None:
        await self._answer("end.open()")

    async def signal(self, sender: str, message: Any) -> None:
        await self._answer(f"end.signal({json.dumps(message)})")

    async def _answer(self, script: str) -> None:
        description = await self._run(script)
        if description is not None:
            self._tell("signal", to=self._role.others[0], message=description)

    async def totals(self) -> dict[str, float]:
        firsts = await self._run("end.firsts()")
        self.began = firsts["began"]
        self._notes.first_picture, self._notes.first_sound = firsts["first_picture"], firsts["first_sound"]
        if self._notes.keeping:
            await self._run("end.keeping = true")
        found: dict[str, float] = await self._run("end.totals()")
        return found

    def usage(self) -> Usage:
        """Of all the browser's processes, without the clip that the page holds."""
        assert self._process is not None
        ticks, pages = 0, 0
        for pid in _family(self._process.pid):
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        clip = (self._folder / "pictures.yuv").stat().st_size if self._role.pictures else 0
        return Usage(ticks / TICK, (pages * PAGE_BYTES - clip) / 1e6)

    async def collect(self) -> None:
        noted = await self._run("end.collect()")
        for row in noted["pictures"]:
            self._notes.picture(*row)
        at = 0
        for time, length in zip(noted["times"], noted["lengths"], strict=True):
            self._notes.heard(self._sound[at : at + length], time)
            at += length

    async def close(self) -> None:
        if self._process is not None:
            await self._end_browser(self._process)
        if self._reading is not None:
            self._reading.cancel()
        if self._session is not None:
            await self._session.close()
        if self._server is not None:
            await self._server.cleanup()
        shutil.rmtree(self._profile, ignore_errors=True)

    async def _end_browser(self, process: asyncio.subprocess.Process) -> None:
        family = _family(process.pid)
        with suppress(ProcessLookupError, TimeoutError):
            process.terminate()
            await asyncio.wait_for(process.wait(), LEAVE_SECONDS)
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()

    # --- the page's server

    async def _serve(self) -> str:
        app = web.Application(client_max_size=MAX_BODY)
        for path, file in (
            ("chromium.html", HERE),
            ("chromium.js", HERE),
            ("order.json", None),
            ("pictures.yuv", None),
        ):
            app.router.add_get(f"/{path}", self._giver((file or self._folder) / path))
        app.router.add_get("/speech", self._give_speech)
        app.router.add_post("/sound", self._take_sound)
        app.router.add_post("/luma", self._take_luma)
        self._server = web.AppRunner(app, access_log=None)
        await self._server.setup()
        site = web.TCPSite(self._server, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._server.addresses[0][1]}"

    def _giver(self, path: Path) -> Any:
        async def give(request: web.Request) -> web.StreamResponse:
            return web.FileResponse(path)

        return give

    async def _give_speech(self, request: web.Request) -> web.Response:
        return web.Response(body=np.load(self._folder / "speech.npy").tobytes())

    async def _take_sound(self, request: web.Request) -> web.Response:
        self._sound = np.frombuffer(await request.read(), np.int16)
        return web.Response()

    async def _take_luma(self, request: web.Request) -> web.Response:
        number, width, height = (int(request.query[name]) for name in ("number", "width", "height"))
        self._notes.keep(number, width, height, await request.read())
        return web.Response()

    # --- the DevTools protocol

    async def _attach(self) -> None:
        known = self._profile / "DevToolsActivePort"
        lines: list[str] = []
        while len(lines) < 2:
            await asyncio.sleep(POLL_SECONDS)
            with suppress(FileNotFoundError):
                lines = known.read_text().splitlines()
        port = lines[0]
        self._session = aiohttp.ClientSession()
        while True:
            async with self._session.get(f"http://127.0.0.1:{port}/json/list") as response:
                pages = [page for page in await response.json() if page["url"].endswith("/chromium.html")]
            if pages:
                break
            await asyncio.sleep(POLL_SECONDS)
        self._socket = await self._session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0)
        self._reading = asyncio.create_task(self._read())

    async def _load(self) -> None:
        """Wait until the page's script has run."""
        while True:
            if await self._run("typeof window.end") == "object":
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame.data)
            future = self._answers.pop(message.get("id"), None)
            if future is not None and not future.done():
                future.set_result(message.get("result", {}))

    async def _run(self, script: str) -> Any:
        """The value of an expression, awaited. What the page throws is a `RuntimeError`."""
        self._asked += 1
        future = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        fields = {"expression": script, "awaitPromise": True, "returnByValue": True}
        await self._socket.send_str(json.dumps({"id": self._asked, "method": "Runtime.evaluate", "params": fields}))
        result = await asyncio.wait_for(future, ANSWER_SECONDS)
        if problem := result.get("exceptionDetails"):
            raise RuntimeError(problem.get("exception", {}).get("description", problem["text"]))
        return result.get("result", {}).get("value")


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                stat = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(stat[1]), []).append(int(name))
    family = [pid]
    for member in family:
        family += parents.get(member, [])
    return family


if __name__ == "__main__":
    run(ChromiumMedium)
