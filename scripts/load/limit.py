"""The limit of the machine and of aiohttp, in the same run: the same connections and frames on a bare echo server."""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp

from pycall.core import wire

from .scenarios import SETTLE_SECONDS, Bench
from .server import Meter, ServerProcess

CONNECTIONS_AT_ONCE = 100
FRAME = wire.encode(wire.Ping(id=1))


class EchoProcess(ServerProcess):
    """An echo server in place of ours."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "scripts.load.echo"]


async def limit(bench: Bench) -> None:
    """Memory per idle connection, CPU of a connection and of a frame."""
    users, frames = bench.some(5000), bench.some(20_000)
    async with bench.server(program=EchoProcess) as server, _sessions() as sessions:
        sockets = await _connect(server, sessions, 50)
        before, meter = Meter(server.process).rss(), Meter(server.process)
        sockets += await _connect(server, sessions, users)
        bench.note("echo", "CPU ms per connection", 1000 * meter.seconds() / users)
        await asyncio.sleep(SETTLE_SECONDS)
        bench.note("echo", f"KiB per connection of {users}", (meter.rss() - before) / users)
        meter, begun = Meter(server.process), time.perf_counter()
        await asyncio.gather(*(_talk(socket, frames // 50) for socket in sockets[:50]))
        bench.note("echo", "CPU ms per frame", 1000 * meter.seconds() / frames)
        bench.note("echo", "frames a second", frames / (time.perf_counter() - begun))
        for start in range(0, len(sockets), 200):
            await asyncio.gather(*(socket.close() for socket in sockets[start : start + 200]))


class _sessions:
    """One client session, without a limit of connections."""

    async def __aenter__(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()


async def _connect(
    server: ServerProcess, session: aiohttp.ClientSession, count: int
) -> list[aiohttp.ClientWebSocketResponse]:
    sockets: list[aiohttp.ClientWebSocketResponse] = []
    while len(sockets) < count:
        batch = min(CONNECTIONS_AT_ONCE, count - len(sockets))
        sockets += await asyncio.gather(*(session.ws_connect(server.url) for _ in range(batch)))
    return sockets


async def _talk(socket: aiohttp.ClientWebSocketResponse, frames: int) -> None:
    for _ in range(frames):
        await socket.send_str(FRAME)
        await socket.receive()
