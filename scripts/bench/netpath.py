"""A link between two network namespaces of this machine: a TUN in each, and this process carries the packets across.

A process of its own (`python -m scripts.bench.netpath`, as root), started with the link's description as argument; it
says `ready` with the names of the namespaces. Then lines on stdin: `begin` starts the schedule, `count` tells the
counters, `cut` lets nothing pass any more, `no-udp` only what is not UDP, `join` everything again. When stdin ends, so
does it, and the namespaces are gone.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import heapq
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict

from .link import Impairment, Lane, Step

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
MTU = 1500
PREFIX = "pycall-bench-"
ADDRESSES = ("10.77.0.1", "10.77.0.2")
BATCH = 64
"""Packets read before others get their turn."""
EARLY = 0.0005
"""Seconds by which a packet may leave before its time: the loop wakes to the millisecond."""


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def possible() -> str:
    """Why there can be no link here; empty if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux (network namespaces)"
    return "" if os.path.exists("/dev/net/tun") else "needs /dev/net/tun"


def sweep() -> None:
    """Remove namespaces whose process was killed."""
    with suppress(FileNotFoundError):
        for name in os.listdir("/run/netns"):
            owner = re.fullmatch(rf"{PREFIX}(\d+)[ab]", name)
            if owner and not os.path.exists(f"/proc/{owner[1]}"):
                _run("ip", "netns", "del", name)


def _open_tun(namespace: str, name: str) -> int:
    """A TUN inside a namespace, held by this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    ours = os.open("/proc/self/ns/net", os.O_RDONLY)
    theirs = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(theirs, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        return tun
    finally:
        libc.setns(ours, CLONE_NEWNET)
        os.close(ours)
        os.close(theirs)


class Namespaces:
    """Two namespaces that see each other through a pair of TUNs."""

    def __init__(self) -> None:
        self.names = [f"{PREFIX}{os.getpid()}{end}" for end in "ab"]
        self.tuns: list[int] = []

    def __enter__(self) -> Namespaces:
        try:
            for name, (own, other) in zip(self.names, (ADDRESSES, ADDRESSES[::-1]), strict=True):
                _run("ip", "netns", "add", name)
                _run("ip", "-n", name, "link", "set", "lo", "up")
                self.tuns.append(_open_tun(name, "tun0"))
                _run("ip", "-n", name, "addr", "add", own, "peer", other, "dev", "tun0")
                _run("ip", "-n", name, "link", "set", "tun0", "up", "mtu", str(MTU))
                _run("ip", "-n", name, "route", "add", "default", "dev", "tun0")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for tun in self.tuns:
            os.close(tun)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)


class Carrier:
    """Carries one direction: from one TUN to the other, when the lane says so."""

    def __init__(self, source: int, target: int, lane: Lane) -> None:
        self.lane = lane
        self.latest = 0.0
        """Seconds by which a packet left too late at the worst."""
        self.passes: Callable[[bytes], bool] = lambda packet: True
        self._source, self._target = source, target
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[float, int, bytes]] = []
        self._serial = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(source, self._read)

    def _read(self) -> None:
        for _ in range(BATCH):
            try:
                packet = os.read(self._source, 2048)
            except BlockingIOError:
                break
            if not self.passes(packet):
                continue
            due = self.lane.take(self._loop.time(), len(packet))
            if due is not None:
                self._serial += 1
                heapq.heappush(self._waiting, (due, self._serial, packet))
        self._send()

    def _send(self) -> None:
        now = self._loop.time()
        while self._waiting and self._waiting[0][0] <= now + EARLY:
            due, _, packet = heapq.heappop(self._waiting)
            self.latest = max(self.latest, now - due)
            with suppress(OSError):  # the other end is being closed
                os.write(self._target, packet)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._waiting[0][0], self._send) if self._waiting else None


def describe(impairment: Impairment) -> str:
    """For the command line; `understand` reads it."""
    return json.dumps(asdict(impairment))


def understand(text: str) -> Impairment:
    fields = json.loads(text)
    return Impairment(**{**fields, "steps": tuple(Step(**step) for step in fields["steps"])})


UDP = 17
"""The protocol's number in an IPv4 header."""
DOORS: dict[bytes, Callable[[bytes], bool]] = {
    b"cut": lambda packet: False,
    b"join": lambda packet: True,
    b"no-udp": lambda packet: packet[0] >> 4 != 4 or packet[9] != UDP,
}


def _tell(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def _carry(impairment: Impairment, namespaces: Namespaces) -> None:
    near, far = namespaces.tuns
    lanes = [Lane(impairment, seed=1), Lane(impairment, seed=2)]
    carriers = [Carrier(near, far, lanes[0]), Carrier(far, near, lanes[1])]
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _tell(ready=namespaces.names)
    while line := (await reader.readline()).strip():
        if line == b"begin":
            for lane in lanes:
                lane.begin(loop.time())
        elif line in DOORS:
            for carrier in carriers:
                carrier.passes = DOORS[line]
            _tell(door=line.decode(), at=time.time())
        elif line == b"count":
            _tell(lanes=[asdict(lane.count) for lane in lanes], late=max(c.latest for c in carriers))


def main() -> None:
    """Carry until stdin ends. Ctrl-C is for who started this: it ends stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # packets must not wait for what they are to carry
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    with Namespaces() as namespaces:
        asyncio.run(_carry(understand(sys.argv[1]), namespaces))


if __name__ == "__main__":
    main()
