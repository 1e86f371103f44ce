"""Everything that leaves for one peer: sound first, paced, numbered for the other side's feedback, encrypted last.

Whoever has something to send puts it here, and what may leave now leaves before that call returns: no task has to be
woken for it. What the pacer holds back leaves by a timer, a few packets at a time. The header extensions that tell when
and as which packet something left are written at the very end, so that what waits in the pacer is measured as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .congestion.controller import RateController
from .congestion.pacer import Pacer, PacketClass
from .path import Path
from .rtp import Packet, Writer

HEADER = 12 + 16
"""Bytes of RTP header and extensions, about."""
MAX_REPORTS = 256
FIRST_BURST = 14_600
"""Bytes that leave at once at the beginning: ten packets (RFC 6928). The first picture fits; with 8000 it was there 113
to 156 ms after the answer instead of 73 to 76."""
STEP = 0.004
"""Seconds from one look at what the pacer holds back to the next, at the least: where packets may follow each other
sooner, some leave together, as the pacer's credit of 5 ms allows. Each wake-up costs more than the packet that it
sends, here and at the other side."""

Item = tuple[str, Packet]
"""The kind of media, which has its own header extensions, and the packet."""


class Outbox:
    """Nothing leaves before `open` or after `close`; `push_…` may be called at any time, on the loop."""

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
        self._open = False
        self._timer: asyncio.TimerHandle | None = None
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
        self._pump()

    def push_picture(self, packet: Packet) -> None:
        """A picture's packets come one after the other; they leave with the last one."""
        self._push(PacketClass.VIDEO, "video", packet)
        if packet.marker:
            self._pump()

    def push_repair(self, packet: Packet, delay: float = 0.0) -> None:
        """A retransmission, at once or `delay` seconds from now."""
        if not delay:
            self._push(PacketClass.REPAIR, "video", packet)
            self._pump()
            return

        def now() -> None:
            self._later.discard(handle)
            self.push_repair(packet)

        handle = asyncio.get_running_loop().call_later(delay, now)
        self._later.add(handle)

    def push_report(self, data: bytes) -> None:
        """RTCP; never waits."""
        if self._open:
            self._path.send(data)
        elif len(self._reports) < MAX_REPORTS:
            self._reports.append(data)

    def wake(self) -> None:
        """The rates have changed."""
        self._stop_timer()
        self._pump()

    def forget_pictures(self) -> None:
        """What waits is too old to be shown, or to repair anything."""
        self.pacer.clear(PacketClass.VIDEO)
        self.pacer.clear(PacketClass.REPAIR)

    def open(self) -> None:
        """The path is open: what waits leaves."""
        self._open = True
        reports, self._reports = self._reports, []
        for report in reports:
            self._path.send(report)
        self._pump()

    def close(self) -> None:
        self._open = False
        self._stop_timer()
        for handle in self._later:
            handle.cancel()
        self._later.clear()

    def _pump(self) -> None:
        """Send what may leave now, and come back for the rest."""
        if not self._open:
            return
        now = time.monotonic()
        while (item := self._next(now)) is not None:
            self._send(*item, now)
            now = time.monotonic()
        if self._timer is None and (due := self.pacer.next_time(now)) is not None:
            # A probe measures by its spacing, so it is sent as evenly as timers allow.
            wait = max(due - now, 0.0 if self.pacer.cluster else STEP)
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._pump()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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

    def _push(self, kind: PacketClass, media: str, packet: Packet) -> None:
        self.pacer.push(kind, _size(packet), (media, packet), time.monotonic())

    def _send(self, media: str, packet: Packet, now: float) -> None:
        writer = self._writers[media]
        # Not the time of day, which may be set: only differences of it count.
        data = writer.write(packet, self._sequence, int(now * (1 << 18)) & 0xFFFFFF)
        if not self._path.send(data):
            return
        self._controller.sent(self._sequence if writer.numbers else None, len(data), now, self.pacer.cluster)
        if writer.numbers:
            self._sequence = (self._sequence + 1) & 0xFFFF


def _size(packet: Packet) -> int:
    return len(packet.payload) + packet.padding + HEADER
