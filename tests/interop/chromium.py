"""Headless Chromium with fake devices, driven by the Chrome DevTools Protocol over one WebSocket."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import queue
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--no-first-run",
    "--no-proxy-server",
)
START_SECONDS = 30.0
ANSWER_SECONDS = 40.0


class Chromium:
    """The browser's process. `sound` (wav) and `picture` (y4m) are what its microphone and camera give, for ever."""

    def __init__(self, folder: Path, sound: Path, picture: Path) -> None:
        files = [f"--use-file-for-fake-audio-capture={sound}", f"--use-file-for-fake-video-capture={picture}"]
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            ["chromium", *FLAGS, *root, *files, f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": str(folder)},
            start_new_session=True,
        )
        self._last_words: deque[str] = deque(maxlen=20)
        self._urls: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="chromium-stderr")
        self._reader.start()
        try:
            self.url = self._urls.get(timeout=START_SECONDS)
        except queue.Empty:
            self.close()
            raise AssertionError("Chromium did not start: " + "".join(self._last_words)) from None

    def close(self) -> None:
        """End all its processes."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._reader.join(10)

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._last_words.append(line)
                if found := re.search(r"DevTools listening on (ws://\S+)", line):
                    self._urls.put(found[1])


class Tab:
    """One page in a context of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._session: str | None = None
        self.console: list[str] = []

    async def show(self, url: str, *, may_capture: bool) -> None:
        """A page that has (not) been allowed to use camera and microphone, in a context of its own."""
        context = (await self._ask("Target.createBrowserContext", disposeOnDetach=True))["browserContextId"]
        allowed = ["audioCapture", "videoCapture"] if may_capture else []
        await self._ask("Browser.grantPermissions", permissions=allowed, browserContextId=context)
        target = await self._ask("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self._ask("Page.enable")
        await self._ask("Runtime.enable")
        await self._ask("Page.navigate", url=url)
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._loaded.wait()

    async def run(self, script: str) -> Any:
        """The value of an expression; a promise is awaited. Raises AssertionError with what the page threw."""
        answer = await self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if problem := answer.get("exceptionDetails"):
            raise AssertionError(problem.get("exception", {}).get("description", problem["text"]))
        return answer["result"].get("value")

    async def screenshot(self) -> bytes:
        """The whole page as PNG, also what does not fit into the window."""
        answer = await self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    async def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        session = {} if self._session is None else {"sessionId": self._session}
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": parameters, **session}))
        return await asyncio.wait_for(self._waiting[number], ANSWER_SECONDS)

    async def read(self) -> None:
        """Take what the browser says, until it is cancelled."""
        async for frame in self._socket:
            message = json.loads(frame.data)
            future = self._waiting.pop(message.get("id"), None)
            if future is not None and not future.done():
                future.set_result(message.get("result") or {"error": message.get("error")})
            elif message.get("method") == "Page.loadEventFired":
                self._loaded.set()
            elif message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                self.console.append(json.dumps(message["params"]))


@asynccontextmanager
async def tab(browser: Chromium, url: str, *, may_capture: bool = True) -> AsyncIterator[Tab]:
    """A fresh page on `url`; its context goes with it."""
    async with aiohttp.ClientSession() as http, http.ws_connect(browser.url, max_msg_size=0) as socket:
        it = Tab(socket)
        reading = asyncio.create_task(it.read(), name="devtools")
        try:
            await it.show(url, may_capture=may_capture)
            yield it
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
