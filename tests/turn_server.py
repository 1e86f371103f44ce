"""A real TURN and STUN server, coturn, on an address of this machine or of a network namespace, with one user."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aioice.ice

USER, PASSWORD = "ann", "secret"


@dataclass(frozen=True, slots=True)
class Coturn:
    host: str
    port: int
    process: asyncio.subprocess.Process
    tls_port: int = 0
    """0: it has no certificate."""

    def turn(self, transport: str = "udp", password: str = PASSWORD) -> str:
        if transport == "tls":
            return f"turns:{USER}:{password}@{self.host}:{self.tls_port}"
        return f"turn:{USER}:{password}@{self.host}:{self.port}?transport={transport}"

    @property
    def stun(self) -> str:
        return f"stun:{self.host}:{self.port}"


def an_address() -> str:
    """One of this machine that others may use; relays refuse 127.0.0.1 unless there is no other."""
    return next(iter(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)), "127.0.0.1")


@asynccontextmanager
async def coturn(
    folder: Path, *prefix: str, host: str = "", secret: str = "", tls: tuple[Path, Path] | None = None
) -> AsyncIterator[Coturn]:
    """`prefix`: words before the command, such as those that run it in a network namespace.

    With a `secret`, credentials are those made with it; else there is the one user. With `tls`, a certificate and its
    key, it speaks TLS on a port of its own.
    """
    host = host or an_address()
    port = free_port(host) if not prefix else 3478
    tls_port = 0 if tls is None else free_port(host)
    options = {
        "listening-ip": host,
        "relay-ip": host,
        "listening-port": str(port),
        **({"tls-listening-port": str(tls_port), "cert": str(tls[0]), "pkey": str(tls[1])} if tls else {}),
        **({"static-auth-secret": secret} if secret else {"user": f"{USER}:{PASSWORD}"}),
        "realm": "pycall.test",
        "log-file": "stdout",
        "pidfile": str(folder / "turn.pid"),
        "userdb": str(folder / "turn.db"),
    }
    mechanism = "--use-auth-secret" if secret else "--lt-cred-mech"
    without = ["--no-dtls", "--no-cli", *([] if tls else ["--no-tls"])]
    flags = ["-n", mechanism, *without, "--allow-loopback-peers", "--fingerprint"]
    process = await asyncio.create_subprocess_exec(
        *prefix,
        "turnserver",
        *flags,
        *(f"--{name}={value}" for name, value in options.items()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        if not prefix:
            await until_open(host, port)
        if tls:
            await until_open(host, tls_port)
        yield Coturn(host, port, process, tls_port)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def until_open(host: str, port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.05)  # the program tells nobody when it is ready
                continue
            writer.close()
            await writer.wait_closed()
            return
