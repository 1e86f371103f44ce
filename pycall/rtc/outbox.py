"""Everything that leaves for one peer: sound first, paced, numbered for the other side's feedback, encrypted last.

One task sends; whoever has something to send only puts it here. The header extensions that tell when and as which
packet something left are written at the very end, so that what waits in the pacer is measured as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .congestion.controller import RateController
from .congestion.pacer import Pacer, PacketClass
from .path import Path
from .rtcp import ntp_time
from .rtp import Packet, Writer

HEADER = 12 + 16
"""Bytes of RTP header and extensions, about."""
MAX_REPORTS = 256
FIRST_BURST = 14_600
"""Bytes that leave at once at the beginning: ten packets (RFC 6928). The first picture fits."""

Item = tuple[str, Packet]
"""The kind of media, which has its own header extensions, and the packet."""


class Outbox:
    """`run` is the task; `push_…` may be called before it runs and from anywhere on the loop."""

    def __init__(
        self,
        path: Path,
        controller: RateController,
        writers: dict[str, Writer],
        padding: Callable[[int], Packet | None],
    ) -> None:
        self.pacer: Pacer[Item] = Pacer(controller.pacing_rate, FIRST_BURST)
        self._path = path
        self._controller = controller
        self._writers = writers
        self._padding = padding
        self._reports: list[bytes] = []
        self._ready = asyncio.Event()
        self._sequence = 0
        self._later: set[asyncio.TimerHandle] = set()

    @property
    def overfull(self) -> bool:
        """So many pictures wait that the next one should be left out."""
        return self.pacer.overfull

    @property
    def delay(self) -> float:
        """Seconds that a picture would wait before it leaves."""
        return self.pacer.delay

    def push_audio(self, packet: Packet) -> None:
        self._push(PacketClass.AUDIO, "audio", packet)

    def push_picture(self, packet: Packet) -> None:
        self._push(PacketClass.VIDEO, "video", packet)

    def push_repair(self, packet: Packet, delay: float = 0.0) -> None:
        """A retransmission, at once or `delay` seconds from now."""
        if not delay:
            self._push(PacketClass.REPAIR, "video", packet)
            return

        def now() -> None:
            self._later.discard(handle)
            self._push(PacketClass.REPAIR, "video", packet)

        handle = asyncio.get_running_loop().call_later(delay, now)
        self._later.add(handle)

    def push_report(self, data: bytes) -> None:
        """RTCP; never waits."""
        if len(self._reports) < MAX_REPORTS:
            self._reports.append(data)
            self._ready.set()

    def wake(self) -> None:
        """The rates have changed."""
        self._ready.set()

    def forget_pictures(self) -> None:
        """What waits is too old to be shown, or to repair anything."""
        self.pacer.clear(PacketClass.VIDEO)
        self.pacer.clear(PacketClass.REPAIR)

    def close(self) -> None:
        for handle in self._later:
            handle.cancel()
        self._later.clear()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._ready.clear()
            for report in self._take_reports():
                self._path.send(report)
            now = time.monotonic()
            while (item := self._next(now)) is not None:
                self._send(*item)
                now = time.monotonic()
            due = self.pacer.next_time(now)
            await self._wait(None if due is None else due - now)

    def _next(self, now: float) -> Item | None:
        """What the pacer lets go now; during a probe that has nothing else to send, padding."""
        missing = self.pacer.padding(now)
        if missing:
            packet = self._padding(missing)
            if packet is None:
                self.pacer.give_up_probe(now)  # else this loop would turn idly until the probe's time is up
            else:
                self.pacer.push(PacketClass.PADDING, _size(packet), ("video", packet), now)
        return self.pacer.pop(now)

    async def _wait(self, seconds: float | None) -> None:
        if seconds is not None and seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            pass

    def _take_reports(self) -> list[bytes]:
        reports, self._reports = self._reports, []
        return reports

    def _push(self, kind: PacketClass, media: str, packet: Packet) -> None:
        self.pacer.push(kind, _size(packet), (media, packet), time.monotonic())
        self._ready.set()

    def _send(self, media: str, packet: Packet) -> None:
        now = time.monotonic()
        sent = (ntp_time(time.time()) >> 14) & 0xFFFFFF
        data = self._writers[media].write(packet, self._sequence, sent)
        if self._path.send(data):
            self._controller.sent(self._sequence, len(data), now, self.pacer.cluster)
            self._sequence = (self._sequence + 1) & 0xFFFF


def _size(packet: Packet) -> int:
    return len(packet.payload) + packet.padding + HEADER
