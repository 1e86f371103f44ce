"""When a datagram came is when the kernel received it, however late the process reads it."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator

import pytest_asyncio
from aioice import ice

from pycall.rtc.patches import install
from pycall.rtc.transport import GuardedConnection

LATE = 0.1
"""Seconds for which the loop is busy while a datagram waits in the socket."""


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[GuardedConnection]:
    install()
    made = GuardedConnection(ice_controlling=True)
    await made.gather_candidates()
    yield made
    await made.close()


class Listener:
    """Takes the media of a connection: bytes, when they are said to have come, and when they were handed over."""

    def __init__(self, connection: GuardedConnection) -> None:
        self._came: asyncio.Queue[tuple[bytes, float, float]] = asyncio.Queue()
        connection.media = lambda data, at: self._came.put_nowait((data, at, time.monotonic()))

    async def next(self) -> tuple[bytes, float, float]:
        async with asyncio.timeout(5):
            return await self._came.get()


async def test_media_is_stamped_by_the_kernel_and_not_when_it_is_read(connection: GuardedConnection) -> None:
    listener = Listener(connection)
    names = [one.transport.get_extra_info("sockname") for one in connection._protocols]
    address = next(name for name in names if ":" not in name[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((address[0], 0))
        connection._trusted.append(sender.getsockname())

        async def came(busy: float) -> tuple[float, float]:
            """A datagram that waits in the socket while the loop is busy: said and real seconds until it was read."""
            sender.sendto(b"\x80" + bytes(30), address)
            sent = time.monotonic()
            while time.monotonic() < sent + busy:
                pass
            data, at, read = await listener.next()
            assert len(data) == 31
            return read - at, read - sent

        for _ in range(200):  # the kernel begins to stamp some time after it was told to
            said, _ = await came(0.005)
            if said > 0.004:
                break
        said, real = await came(LATE)
    assert real >= LATE
    assert abs(said - (real if sys.platform == "linux" else 0.0)) < LATE / 2  # elsewhere nobody stamps


def test_the_library_still_makes_its_sockets_by_our_class() -> None:
    install()
    assert ice.StunProtocol.__module__ == "pycall.rtc.transport"
