"""Probing: short bursts above the current rate that show, within one feedback, how much more the path takes.

A burst of some 20 ms at a multiple of the rate costs a full link a queue of about as many milliseconds, and tells an
empty one's capacity as far as the burst's own rate: if packets arrive as fast as they were sent, that rate is free;
if they arrive spread out, the spread is the capacity. The slope of arrival over sending times is taken by least
squares over all of the burst's packets, and its standard error is added before it is believed, so that jitter makes a
probe say little instead of saying wrong; with much jitter the bursts are longer.

What a narrow link cannot take of a burst waits in its queue, and sound behind it. So a call begins with its first
picture alone, and probes when that has been reported and there is no queue; no burst makes more than `MOST_QUEUE`;
after it pictures wait until the link has caught up (`pacer`); and one that was held up tells what the link carries when
it is full (`Found.full`), so that the limit is not looked for a second time by making queues. On 1 Mbit/s 1.5 % of the
sound of the first 12 s had to be made up without all that, and less than 0.1 % with it (simulated).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from .sent import PacketResult

FIRST_FACTORS = (3.0, 6.0)
"""Times the starting rate: a call that starts at 300 to 500 kbit/s finds 1.5 Mbit/s with the first pair."""
NEXT_FACTOR = 2.0
DURATION = 0.02
MOST_DURATION = 0.08
JITTER_TIMES = 4.0
MOST_QUEUE = 0.05
"""Seconds of queue that a burst makes at the most, on a path that takes the current rate and not more. Where jitter
asks for longer bursts, sound is played later anyway."""
LEAST_PACKETS = 6
PACKET = 1200
"""Bytes of a packet at the most."""
LEAST_ARRIVED = 0.6
"""Share of a burst that must arrive; of less nothing is concluded."""
FREE = 1.1
"""Slope up to which the path took the burst as it was sent."""
ERRORS, ERRORS_OF_FEW, MANY = 3.0, 6.0, 8
"""Standard errors by which the slope must be above that before the path is taken for full; with fewer packets than so
many the error itself is uncertain (as Student's t has it)."""
SHORTEST_SPAN = 0.005
"""Seconds of sending of which a slope can be told."""
SATURATED = 0.85
"""Of the capacity a burst has shown, what is used at once."""
SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.6, 4.0
"""Seconds until the next probe after one that failed: the first while a path is found, each next 1.4 times more. Room
that comes back is to be found within 5 s, and the probe takes its time, too."""
FULL_INTERVAL = 2.5
"""The same at the least after the path was found full."""
TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A burst to send: packets with this cluster number at `rate` bit/s until `size` bytes are out."""

    cluster: int
    rate: float
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a burst has shown, bit/s."""

    rate: float
    """So much is there, and may be used."""
    full: float | None
    """The path carries so much when it is full; None where the burst did not fill it."""


@dataclass(slots=True)
class _Burst:
    probe: Probe
    asked_at: float
    results: list[PacketResult] = field(default_factory=list)

    def complete(self, now: float) -> bool:
        reported = sum(result.size for result in self.results)
        return reported >= 0.9 * self.probe.size or now - self.asked_at > TIMEOUT


class Prober:
    """Says when to probe and what a probe has shown. At most one burst is under way."""

    def __init__(self, start: float) -> None:
        self._plan = [factor * start for factor in FIRST_FACTORS]
        self._burst: _Burst | None = None
        self._next_at = float("-inf")
        self._interval = SHORTEST_INTERVAL
        self._clusters = 0

    def restart(self, rate: float) -> None:
        """The path may be another one (an outage is over): look for its rate as at the start."""
        self._plan = [factor * rate for factor in FIRST_FACTORS]
        self._interval, self._next_at = SHORTEST_INTERVAL, float("-inf")

    def hurry(self, now: float) -> None:
        """There is a sign of more room: probe again soon."""
        self._next_at = min(self._next_at, now)

    def postpone(self, now: float) -> None:
        """The path was found full: nothing more to find there for a while."""
        self._plan.clear()
        self._interval = max(self._interval, FULL_INTERVAL)
        self._next_at = now + self._interval

    def wanted(self, rate: float, maximum: float, jitter: float, now: float) -> Probe | None:
        """The burst to send now, if any, at a path's `rate` of which up to `maximum` bit/s can be used."""
        if self._burst is not None and self._burst.complete(now):
            self._finish(None, now)
        if self._burst is not None or rate >= maximum or now < self._next_at:
            return None
        aim = self._plan.pop(0) if self._plan else NEXT_FACTOR * rate
        if aim <= rate:
            return None
        aim = min(aim, 1.2 * maximum)
        short = min(DURATION, MOST_QUEUE * rate / (aim - rate))
        duration = max(short, min(JITTER_TIMES * jitter, MOST_DURATION))
        self._clusters += 1
        size = max(int(aim * duration / 8), LEAST_PACKETS * PACKET // 2)
        self._burst = _Burst(Probe(self._clusters, aim, size), now)
        return self._burst.probe

    def add(self, results: Iterable[PacketResult], own_loss: float, now: float) -> Found | None:
        """Take the results of one feedback; gives what a burst has shown when it is over, if it has shown anything.
        `own_loss` is the share of packets that the path loses anyway."""
        burst = self._burst
        if burst is None:
            return None
        burst.results += [result for result in results if result.cluster == burst.probe.cluster]
        if not burst.complete(now):
            return None
        rate = measured(burst.results, own_loss)
        full = carried(burst.results)
        self._finish(rate, now)
        if full is not None:
            self.postpone(now)
        return None if rate is None else Found(rate, full)

    def _finish(self, found: float | None, now: float) -> None:
        assert self._burst is not None
        success = found is not None and found > 0.8 * self._burst.probe.rate
        self._burst = None
        if success:
            self._interval, self._next_at = SHORTEST_INTERVAL, now
        elif not self._plan:
            self._interval = min(1.4 * self._interval, LONGEST_INTERVAL)
            self._next_at = now + self._interval


def measured(results: list[PacketResult], own_loss: float) -> float | None:
    """bit/s that one burst has shown to be there; None if it shows nothing.

    A buffer too short for the burst shows no spread once it is full, but loss: what did not arrive is not counted.
    """
    results = sorted(results, key=lambda result: result.seq)
    came = _enough(results)
    if came is None:
        return None
    first, last = results[0].sent, results[-1].sent
    rate = sum(result.size for result in results[:-1]) * 8 / (last - first)
    rate *= min(1.0, len(came) / len(results) / (1 - min(own_loss, 0.5)))
    slope, error = _slope(came)
    return rate if slope + error <= FREE else SATURATED * rate / (slope + error)


def carried(results: list[PacketResult]) -> float | None:
    """bit/s at which a burst arrived, where that was so much slower than it was sent that jitter cannot be the reason:
    what the path carries when it is full. None where it was not, as far as can be told."""
    results = sorted(results, key=lambda result: result.seq)
    came = _enough(results)
    if came is None:
        return None
    slope, error = _slope(came)
    if slope - (ERRORS if len(came) >= MANY else ERRORS_OF_FEW) * error <= FREE:
        return None
    arrivals = [(result.size * 8, result.arrived) for result in results if result.arrived is not None]
    passed = accumulate(bits for bits, _ in arrivals)
    return 1 / _slope([(bits, arrived) for bits, (_, arrived) in zip(passed, arrivals, strict=True)])[0]


def _enough(results: list[PacketResult]) -> list[tuple[float, float]] | None:
    """When each packet that arrived was sent, and arrived; None if too few did, or all left at once."""
    came = [(result.sent, result.arrived) for result in results if result.arrived is not None]
    if len(came) < LEAST_PACKETS - 1 or len(came) < LEAST_ARRIVED * len(results):
        return None
    return came if max(came)[0] - min(came)[0] >= SHORTEST_SPAN else None


def _slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Of arrival over sending time (or over what was sent), by least squares, and its standard error."""
    count = len(points)
    mean_sent = sum(sent for sent, _ in points) / count
    mean_arrived = sum(arrived for _, arrived in points) / count
    spread = sum((sent - mean_sent) ** 2 for sent, _ in points)
    slope = sum((sent - mean_sent) * (arrived - mean_arrived) for sent, arrived in points) / spread
    errors = sum((arrived - mean_arrived - slope * (sent - mean_sent)) ** 2 for sent, arrived in points)
    return slope, float((errors / (count - 2) / spread) ** 0.5)
