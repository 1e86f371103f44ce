"""Reads a UDP socket with the moments at which the kernel received what is read.

The sender's rate control takes every millisecond that a packet comes late for a queue in the network. A process that
does not get the processor for 100 ms would report a queue of 100 ms, and the picture would get small because somebody
compiles something. The kernel stamps packets when they come; on Linux these stamps are read with them. Elsewhere the
moment of reading has to do.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

SO_TIMESTAMPNS = 35
"""Linux, asm-generic/socket.h: stamps as `struct timespec`; also the type of the message that carries them."""
_TIMESPEC = struct.Struct("@ll")
LONGEST_READ = 2048
"""Bytes; datagrams longer than an Ethernet frame are refused anyway."""
OLDEST, NEWEST = 10.0, -0.5
"""Seconds between a stamp and the beginning of the turn in which it is read: the longest, and what a turn may last."""
AT_ONCE = 64
"""Datagrams read before others get their turn on the loop."""

Received = Callable[[bytes, tuple[Any, ...]], None]


class StampedReader:
    """Takes the reading over from an asyncio datagram transport. `arrived_at` is of the datagram just handed over."""

    def __init__(
        self, transport: asyncio.DatagramTransport, received: Received, failed: Callable[[OSError], None]
    ) -> None:
        self.arrived_at: float | None = None
        """By `time.monotonic()`; None: not stamped, take the time of reading."""
        self._received = received
        self._failed = failed
        self._transport = transport
        wrapped = transport.get_extra_info("socket")
        self._socket: socket.socket | None = getattr(wrapped, "_sock", None)
        loop = asyncio.get_running_loop()
        take_over = getattr(loop, "_add_reader", None)
        if sys.platform != "linux" or self._socket is None or take_over is None:
            return
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        # The transport registers its own reader in the next turn of the loop; this one replaces it in the same turn.
        loop.call_soon(self._take_over, take_over)

    def _take_over(self, add_reader: Callable[[int, Callable[[], None]], object]) -> None:
        if self._socket is not None and not self._transport.is_closing():
            add_reader(self._socket.fileno(), self._read)

    def _read(self) -> None:
        assert self._socket is not None
        now, wall = time.monotonic(), time.time()
        for _ in range(AT_ONCE):
            if self._transport.is_closing():
                return
            try:
                data, ancillary, _, address = self._socket.recvmsg(LONGEST_READ, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._failed(error)
                return
            self.arrived_at = _stamp(ancillary, now, wall)
            self._received(data, address)
            self.arrived_at = None


def _stamp(ancillary: list[tuple[int, int, bytes]], now: float, wall: float) -> float | None:
    """The kernel stamps by the wall clock, which was at `wall` when `time.monotonic()` was at `now`. None if that clock
    was set in between."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            age: float = wall - (seconds + nanoseconds * 1e-9)
            return now - age if NEWEST < age < OLDEST else None
    return None
