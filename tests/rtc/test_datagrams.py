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


async def test_media_is_stamped_by_the_kernel_and_not_when_it_is_read(connection: GuardedConnection) -> None:
    came: asyncio.Future[tuple[bytes, float, float]] = asyncio.get_running_loop().create_future()
    connection.media = lambda data, at: came.set_result((data, at, time.monotonic()))
    (protocol,) = [one for one in connection._protocols if ":" not in one.transport.get_extra_info("sockname")[0]][:1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((protocol.transport.get_extra_info("sockname")[0], 0))
        connection._trusted.append(sender.getsockname())
        sender.sendto(b"\x80" + bytes(30), protocol.transport.get_extra_info("sockname"))
        sent = time.monotonic()
        while time.monotonic() < sent + LATE:  # the loop has no time to read
            pass
        async with asyncio.timeout(5):
            data, at, read = await came
    assert len(data) == 31 and read - sent >= LATE
    assert abs(at - (sent if sys.platform == "linux" else read)) < LATE / 2  # elsewhere nobody stamps


def test_the_library_still_makes_its_sockets_by_our_class() -> None:
    install()
    assert ice.StunProtocol.__module__ == "pycall.rtc.transport"
