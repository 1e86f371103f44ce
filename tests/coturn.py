"""A real TURN server, coturn, on loopback, that shares a secret with a signaling server."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

REALM = "pycall.test"


@dataclass(frozen=True)
class Coturn:
    """One that runs."""

    port: int
    secret: str

    @property
    def url(self) -> str:
        return f"turn:127.0.0.1:{self.port}"


@asynccontextmanager
async def coturn(folder: Path, *options: str) -> AsyncIterator[Coturn]:
    """Started, and stopped at the end; relays between addresses of this machine."""
    server = Coturn(_free_port(), secrets.token_hex(16))
    process = await asyncio.create_subprocess_exec(
        "turnserver",
        *["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-multicast-peers", "--allow-loopback-peers"],
        *["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={server.port}", "--relay-threads=1"],
        *["--use-auth-secret", f"--static-auth-secret={server.secret}", f"--realm={REALM}", "--log-file=stdout"],
        *[f"--pidfile={folder / 'turn.pid'}", f"--userdb={folder / 'turn.db'}", *options],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    assert process.stdout is not None
    told: list[bytes] = []
    reading = asyncio.create_task(_read(process.stdout, told))
    try:
        async with asyncio.timeout(20):
            while not await _answers(server.port):
                assert process.returncode is None, told
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def _read(stream: asyncio.StreamReader, told: list[bytes]) -> None:
    async for line in stream:
        told.append(line)


async def _answers(port: int) -> bool:
    """It listens on TCP as well as on UDP, and begins with both at once."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        await asyncio.sleep(0.05)
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
