"""A simulated call: the real pacer, controller and feedback, with models of an encoder and of a bottleneck.

Time is an event queue; nothing sleeps. The link is one queue of limited length, served at a rate that changes by a
schedule; before it packets may be lost at random or in bursts, behind it each flow has its own delay and jitter.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pycall.rtc.congestion import FeedbackWriter, Pacer, PacketClass, RateController, parse_feedback, split
from pycall.rtc.encoders import FIRST_SECONDS
from pycall.rtc.outbox import FIRST_BURST
from pycall.rtc.send.picture import BIG_PROBE
from pycall.rtc.send.sending import CATCH_UP, MOST_CATCH_UP

AUDIO = 48_000
OVERHEAD = 54
"""Bytes of IPv4, UDP, RTP with extensions and the SRTP tag around a payload."""


class World:
    """The clock: `at(when, action)` and `run(until)`."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (max(when, self.now), self._count, action))

    def every(self, interval: float, action: Callable[[], None]) -> None:
        def again() -> None:
            action()
            self.at(self.now + interval, again)

        self.at(self.now, again)

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, action = heapq.heappop(self._events)
            action()
        self.now = until


@dataclass(slots=True)
class Packet:
    seq: int
    size: int
    kind: PacketClass
    made: float
    frame: int = -1
    last: bool = False
    sent: float = 0.0


class Link:
    """A bottleneck: `schedule` is (from second, bit/s); a packet that would wait over `queue` seconds is dropped."""

    def __init__(self, world: World, schedule: list[tuple[float, float]], queue: float = 0.3) -> None:
        self.world, self.schedule, self.queue = world, schedule, queue
        self.waiting: deque[tuple[Packet, Callable[[Packet], None]]] = deque()
        self.bytes = 0
        self.busy = False
        self.carried: list[tuple[float, int]] = []
        self.dropped = 0

    def rate(self) -> float:
        return [rate for since, rate in self.schedule if since <= self.world.now][-1]

    @property
    def delay(self) -> float:
        return self.bytes * 8 / self.rate()

    def send(self, packet: Packet, deliver: Callable[[Packet], None]) -> None:
        if self.delay > self.queue:
            self.dropped += 1
            return
        self.bytes += packet.size
        self.waiting.append((packet, deliver))
        if not self.busy:
            self._serve()

    def _serve(self) -> None:
        self.busy = bool(self.waiting)
        if self.busy:
            packet, _ = self.waiting[0]
            self.world.at(self.world.now + packet.size * 8 / self.rate(), self._served)

    def _served(self) -> None:
        packet, deliver = self.waiting.popleft()
        self.bytes -= packet.size
        self.carried.append((self.world.now, packet.size))
        deliver(packet)
        self._serve()

    def carried_rate(self, since: float, until: float) -> float:
        return sum(size for at, size in self.carried if since <= at < until) * 8 / (until - since)


@dataclass(kw_only=True)
class Path:
    """One flow's way: seconds one way, uniform jitter of ± so many seconds, share of packets lost before the link."""

    delay: float = 0.05
    jitter: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    """Mean length of a loss in packets."""
    feedback_loss: float = 0.0
    feedback_jitter: float = 0.0
    down: tuple[float, float] = (0.0, 0.0)
    """Nothing passes between these seconds."""


@dataclass(kw_only=True)
class Settings:
    start: float = 400_000
    minimum: float = 80_000
    maximum: float = 3_000_000
    begins: float = 0.0
    keyframe_every: float = 8.0
    demand: Callable[[float], float] = field(default=lambda now: 1e9)
    """bit/s that the picture can use at a time."""
    lag: float = 0.0
    """Seconds for which an encoder goes on at its old rate after it was told a lower one."""
    repairs: bool = False
    """Lost packets of pictures are sent again, as often as they are lost."""
    seed: int = 1


class Call:
    """One direction of a call: encoder, pacer, controller on one side, feedback writer on the other."""

    def __init__(self, world: World, link: Link, path: Path | None = None, settings: Settings | None = None) -> None:
        self.world, self.link = world, link
        self.path, self.settings = path or Path(), settings or Settings()
        self.random = random.Random(self.settings.seed)
        self.controller = RateController(self.settings.start, self.settings.minimum, self.settings.maximum)
        self.pacer: Pacer[Packet] = Pacer(self.controller.pacing_rate, FIRST_BURST)
        self.writer = FeedbackWriter()
        self.seq = self.random.randrange(65536)
        self.offset = self.random.uniform(0, 1e6)
        self.frame = 0
        self.debt = 0.0
        self.losing = False
        self.pump_at = float("inf")
        self.rates: list[tuple[float, float, float]] = []
        """(time, target, seconds in the queue)"""
        self.arrived: list[tuple[float, Packet]] = []
        self.sent_bytes: list[tuple[float, int]] = []
        self.skipped = 0
        self.told: deque[tuple[float, float]] = deque()
        self.under_way: dict[int, Packet] = {}
        self.feedback_bytes = 0
        world.at(self.settings.begins, self.begin)

    def begin(self) -> None:
        self.world.every(1 / 30, self.encode)
        self.world.every(0.02, self.speak)
        self.world.every(0.05, self.tick)
        self.world.every(0.01, self.report)

    # Sender

    def encode(self) -> None:
        now = self.world.now
        if self.pacer.overfull:
            self.skipped += 1
            return
        waiting = min(self.pacer.delay / CATCH_UP, MOST_CATCH_UP)
        room = split(
            self.controller.target * (1 - waiting), AUDIO, self.controller.loss, [self.settings.demand(now)]
        ).videos[0]
        room = self.followed(room, now)
        if not room:
            return
        frame_bits = room / 30
        key = self.frame % int(30 * self.settings.keyframe_every) == 0
        size = 30 * FIRST_SECONDS if not self.frame else 6 if key else 0.8 if self.debt > 0 else 1
        bits = frame_bits * self.random.uniform(0.8, 1.2) * size
        self.debt = max(0.0, self.debt + bits - frame_bits) if (key or self.debt > 0) else 0.0
        self.frame += 1
        self.push_frame(int(bits / 8), now)

    def followed(self, room: float, now: float) -> float:
        """What the encoder makes of it."""
        self.told.append((now, room))
        while now - self.told[0][0] > self.settings.lag:
            self.told.popleft()
        return max(room for _, room in self.told)

    def push_frame(self, size: int, now: float) -> None:
        count = max(1, -(-size // 1150))
        for index in range(count):
            packet = Packet(0, size // count + OVERHEAD, PacketClass.VIDEO, now, self.frame, index == count - 1)
            self.pacer.push(PacketClass.VIDEO, packet.size, packet, now)
        self.pump()

    def speak(self) -> None:
        packet = Packet(0, 80 + OVERHEAD, PacketClass.AUDIO, self.world.now)
        self.pacer.push(PacketClass.AUDIO, packet.size, packet, self.world.now)
        self.pump()

    def tick(self) -> None:
        now = self.world.now
        self.controller.tick(now)
        probe = self.controller.probe(now)
        if probe is not None:
            self.pacer.start_probe(probe, now)
        self.pacer.rate = self.controller.pacing_rate
        self.rates.append((now, self.controller.target, self.link.delay))
        self.pump()

    def pump(self) -> None:
        now = self.world.now
        while True:
            packet = self.pacer.pop(now)
            if packet is None:
                size = self.pacer.padding(now)
                if not size:
                    break
                size = min(size, 1200 if size >= BIG_PROBE else 255 + OVERHEAD)
                self.pacer.push(PacketClass.PADDING, size, Packet(0, size, PacketClass.PADDING, now), now)
                continue
            self.transmit(packet, now)
        when = self.pacer.next_time(now)
        if when is not None and (self.pump_at <= now or when < self.pump_at):
            self.pump_at = max(when, now + 0.001)
            self.world.at(self.pump_at, self.pump)

    def transmit(self, packet: Packet, now: float) -> None:
        packet.seq, packet.sent = self.seq, now
        self.seq = (self.seq + 1) & 0xFFFF
        self.controller.sent(packet.seq, packet.size, now, self.pacer.cluster)
        self.sent_bytes.append((now, packet.size))
        if self.settings.repairs and packet.frame >= 0:
            self.under_way[packet.seq] = packet
        if not self.lost(now):
            self.link.send(packet, self.deliver)

    def lost(self, now: float) -> bool:
        if self.path.down[0] <= now < self.path.down[1]:
            return True
        leaving = 1 / self.path.burst
        entering = self.path.loss * leaving / max(1 - self.path.loss, 1e-9)
        self.losing = self.random.random() < (1 - leaving if self.losing else entering)
        return self.losing

    # Receiver

    def deliver(self, packet: Packet) -> None:
        delay = self.path.delay + self.random.uniform(-self.path.jitter, self.path.jitter)
        self.world.at(self.world.now + delay, lambda: self.receive(packet))

    def receive(self, packet: Packet) -> None:
        now = self.world.now
        self.arrived.append((now, packet))
        self.writer.arrived(packet.seq, now + self.offset, marker=packet.last)
        self.report()

    def report(self) -> None:
        now = self.world.now
        if not self.writer.due(now + self.offset):
            return
        while fci := self.writer.build(now + self.offset):
            self.feedback_bytes += len(fci) + 62
            if self.random.random() < self.path.feedback_loss or self.path.down[0] <= now < self.path.down[1]:
                continue
            delay = self.path.delay + self.random.uniform(0, self.path.feedback_jitter)
            self.world.at(now + delay, lambda fci=fci: self.heard(fci))  # type: ignore[misc]

    def heard(self, fci: bytes) -> None:
        assert parse_feedback(fci)
        for result in self.controller.feedback(fci, self.world.now):
            packet = self.under_way.pop(result.seq & 0xFFFF, None)
            if packet is not None and result.arrived is None:
                again = replace(packet, kind=PacketClass.REPAIR)
                self.pacer.push(PacketClass.REPAIR, again.size, again, self.world.now)
        self.pacer.rate = self.controller.pacing_rate
        self.pump()

    # What came of it

    def delays(self, since: float = 0.0, until: float = 1e9) -> list[float]:
        """Seconds from encoder to arrival of each media packet that was made in this time, sorted."""
        return sorted(
            at - packet.made
            for at, packet in self.arrived
            if since <= packet.made < until and packet.kind is not PacketClass.PADDING
        )

    def frame_delays(self, since: float = 0.0, until: float = 1e9) -> list[float]:
        """Seconds from encoder to the arrival of each picture's last packet, sorted."""
        ends: dict[int, tuple[float, float]] = {}
        for at, packet in self.arrived:
            if packet.frame >= 0 and since <= packet.made < until:
                ends[packet.frame] = (packet.made, max(at, ends.get(packet.frame, (0.0, 0.0))[1]))
        return sorted(end - made for made, end in ends.values())

    def goodput(self, since: float, until: float) -> float:
        """bit/s of media that arrived."""
        came = (p.size for at, p in self.arrived if since <= at < until and p.kind is not PacketClass.PADDING)
        return sum(came) * 8 / (until - since)

    def sending(self, since: float, until: float) -> float:
        """bit/s that were sent, padding included."""
        return sum(size for at, size in self.sent_bytes if since <= at < until) * 8 / (until - since)

    def first(self, predicate: Callable[[float, float], bool], since: float) -> float:
        """Seconds after `since` at which (target, queue) first fulfils the predicate; infinity if never."""
        return next((at - since for at, target, queue in self.rates if at >= since and predicate(target, queue)), 1e9)

    def mean_target(self, since: float, until: float) -> float:
        targets = [target for at, target, _ in self.rates if since <= at < until]
        return sum(targets) / len(targets)


def percentile(values: list[float], share: float) -> float:
    """Of a sorted list."""
    return values[min(len(values) - 1, int(share * len(values)))]
