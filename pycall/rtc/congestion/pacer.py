"""Sends packets evenly: sound at once, then retransmissions, then pictures, then padding; no picture in one burst.

A keyframe of six pictures' size, sent in one go, fills a small queue and is dropped there, or delays the sound behind
it. Here each packet pays for the time its bytes take at the pacing rate, and the next may leave when that is paid, or
up to `BURST` seconds earlier. Sound never waits, but it pays as well, so the total stays even. A probe is sent faster
than that, and is paid for when it is over: pictures wait here until the path has caught up, since in the path's own
queue sound would wait behind them.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import Generic, TypeVar

from .probe import Probe

BURST = 0.005
"""Seconds of credit: timers are no more exact than that, and a few packets back to back harm nobody."""
OVERFULL = 0.25
"""Seconds of pictures in the queue from which on the encoder should skip pictures."""
MOST_PACKETS = 3000
"""Packets per class; the oldest goes first. At 1200 bytes that is 10 s at 3 Mbit/s: never reached if `overfull` is
heeded."""
PROBE_LASTS = 0.3
"""Seconds after which a burst that could not be sent is given up."""

Item = TypeVar("Item")


class PacketClass(IntEnum):
    """What a packet is, the most urgent first."""

    AUDIO = 0
    REPAIR = 1
    """Retransmissions and forward error correction."""
    VIDEO = 2
    PADDING = 3
    """Bytes that only a probe needs; discarded when no probe is under way."""


class Pacer(Generic[Item]):
    """The queue before one peer's transport. Times are monotonic seconds, sizes bytes of whole datagrams."""

    def __init__(self, rate: float, first_burst: int = 0) -> None:
        """`first_burst`: bytes that the very first packets need not pay for; those of a probe, which measures by its
        spacing, do."""
        self.rate = rate
        """Pacing rate in bit/s; may be set at any time."""
        self.cluster = 0
        """The probe that the packet popped last belongs to, 0 for none: for `RateController.sent`."""
        self.dropped = 0
        """Packets dropped because a queue was at its bound."""
        self._queues: tuple[deque[tuple[int, Item]], ...] = tuple(deque() for _ in PacketClass)
        self._ordered = tuple(zip(PacketClass, self._queues, strict=True))
        self._bytes = [0] * len(PacketClass)
        self._free_at = float("-inf")
        self._gift = first_burst
        self._probe: Probe | None = None
        self._probe_left = 0
        self._probe_began = self._probe_ends = 0.0

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues)

    def push(self, packet_class: PacketClass, size: int, item: Item, now: float) -> None:
        """Take a packet of `size` bytes; the oldest of its class is dropped if there are `MOST_PACKETS` of it."""
        if packet_class is PacketClass.PADDING and self._probe is None:
            return
        queue = self._queues[packet_class]
        queue.append((size, item))
        self._bytes[packet_class] += size
        if len(queue) > MOST_PACKETS:
            self._bytes[packet_class] -= queue.popleft()[0]
            self.dropped += 1

    def pop(self, now: float) -> Item | None:
        """The packet to send now, or None; call it until it gives None, then again at `next_time`."""
        self._end_probe(now)
        packet_class = self._first()
        if packet_class is None or (packet_class is not PacketClass.AUDIO and now < self._free_at - BURST):
            return None
        size, item = self._queues[packet_class].popleft()
        self._bytes[packet_class] -= size
        self._pay(size, now)
        return item

    def next_time(self, now: float) -> float | None:
        """When `pop` (or `padding`, during a probe) will have something; `now` if at once, None if nothing waits."""
        self._end_probe(now)
        if self._queues[PacketClass.AUDIO]:
            return now
        if self._first() is None and self._probe is None:
            return None
        return max(now, self._free_at - BURST)

    def start_probe(self, probe: Probe, now: float) -> None:
        """Send at the probe's rate until its bytes are out: whatever waits first, then padding that the transport
        makes."""
        self._probe, self._probe_left, self._probe_ends = probe, probe.size, now + PROBE_LASTS
        self._probe_began = now
        # A debt made at the old rate would tear the burst apart.
        self._free_at = min(self._free_at, now + BURST)

    def give_up_probe(self, now: float) -> None:
        """There is nothing to pad it with; what was sent of it may still tell something."""
        if self._probe is not None:
            self._stop_probe(now)

    def padding(self, now: float) -> int:
        """Bytes of padding (or old packets again) to push now, as PADDING, since a probe has nothing else; 0 mostly."""
        self._end_probe(now)
        if self._probe is None or self._first() is not None or now < self._free_at - BURST:
            return 0
        return self._probe_left

    @property
    def overfull(self) -> bool:
        """Whether more than `OVERFULL` seconds of pictures wait: the encoder should skip one."""
        return self.delay > OVERFULL

    @property
    def delay(self) -> float:
        """Seconds that a picture pushed now would wait for its first packet."""
        return (self._bytes[PacketClass.REPAIR] + self._bytes[PacketClass.VIDEO]) * 8 / self.rate

    def clear(self, packet_class: PacketClass) -> list[Item]:
        """Take all of a class out, unsent: for a picture queue that a keyframe makes useless."""
        items = [item for _, item in self._queues[packet_class]]
        self._queues[packet_class].clear()
        self._bytes[packet_class] = 0
        return items

    def _first(self) -> PacketClass | None:
        for packet_class, queue in self._ordered:
            if queue:
                return packet_class
        return None

    def _pay(self, size: int, now: float) -> None:
        rate = self.rate if self._probe is None else self._probe.rate
        paid = size if self._probe is not None else size - min(size, self._gift)
        self._gift -= size - paid
        self._free_at = max(self._free_at, now) + paid * 8 / rate
        self.cluster = 0
        if self._probe is not None:
            self.cluster = self._probe.cluster
            self._probe_left -= size
            if self._probe_left <= 0:
                self._stop_probe(now)

    def _end_probe(self, now: float) -> None:
        if self._probe is not None and now > self._probe_ends:
            self._stop_probe(now)

    def _stop_probe(self, now: float) -> None:
        assert self._probe is not None
        sent = self._probe.size - self._probe_left
        self._probe = None
        self._free_at = max(self._probe_began + sent * 8 / self.rate, now)
        self.clear(PacketClass.PADDING)
