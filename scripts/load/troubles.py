"""What can befall a server: it is killed, its disk is full, another program holds its database."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable

import aiohttp
import psutil

from .server import ServerProcess

FULL_SECONDS = 0.4
LOCKED_SECONDS = 2.5
"""Longer than the server waits for the one who holds its database."""
RED_SECONDS = 10.0


async def killed(server: ServerProcess) -> float:
    """kill -9, and started again; the seconds until it listened."""
    await server.kill()
    return await server.start()


async def disk_full(server: ServerProcess) -> float:
    """No file may grow for a while; the seconds until the health was green again, counted from then."""
    running = server.process
    running.rlimit(psutil.RLIMIT_FSIZE, (4096, psutil.RLIM_INFINITY))
    try:
        await asyncio.sleep(FULL_SECONDS)
        await health(server, 503)
    finally:
        running.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    return await health(server, 200)


async def database_locked(server: ServerProcess) -> float:
    """Another program holds the database for a while; the seconds until the health was green again."""
    holder = sqlite3.connect(server.db, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        await asyncio.gather(asyncio.sleep(LOCKED_SECONDS), health(server, 503))
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    return await health(server, 200)


async def health(server: ServerProcess, wanted: int) -> float:
    """Until `/healthz` and `/readyz` answer with this status; the seconds it took."""
    begun = time.perf_counter()
    async with asyncio.timeout(RED_SECONDS), aiohttp.ClientSession() as session:
        for path in ("/healthz", "/readyz"):
            status = 0
            while status != wanted:
                async with session.get(server.http(path)) as response:
                    status = response.status
                await asyncio.sleep(0.02)
    return time.perf_counter() - begun


TROUBLES: dict[str, Callable[[ServerProcess], Awaitable[float]]] = {
    "killed": killed,
    "disk full": disk_full,
    "database locked": database_locked,
}
