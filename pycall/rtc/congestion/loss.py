"""The loss-based limit: loss alone costs a call nothing unless it is heavy, and then it is tried, not assumed.

Wireless links lose packets at any rate, and sending less does not help them; a bottleneck with a tiny buffer (or a
policer) loses packets without ever making a queue, and there sending less is all that helps. One number cannot tell
the two apart, an experiment can: when loss without a queue is heavy, send less for a while; if the loss goes away,
the limit stays and rises slowly; if it stays, it is the path's own, is remembered as such, and the limit is lifted.
Loss that comes with a queue is the delay estimate's business; it has stepped down already. When nothing at all arrives
for a while, the path was away, not full: that says nothing about how much it takes when it is back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from .sent import PacketResult

HEAVY, SUSTAINED = 0.12, 0.7
"""Share of packets lost, beyond what the path is known to lose anyway, that starts a trial after so many seconds."""
OVERFLOW, OVERFLOW_QUEUE = 0.05, 0.2
"""Share lost beyond the path's own, and share of the allowed queue, that together mean a short buffer is full."""
SUDDEN = 0.06
"""Share above what was lost so far that it must be in any case: three deviations of 10 % random loss in a second."""
TRIAL = 1.5
"""Seconds of sending less before it is judged, of which the last `WINDOW` count."""
TRIED = 0.75
"""Share of the throughput that is sent during a trial."""
GONE = 0.6
"""Share of the loss before the trial; with less of it left, there was too much sent."""
WINDOW = 1.0
MOST_RESULTS = 4096
LEAST = 20
"""Packets without which a share says nothing."""
MEMORY = 400
"""Packets over which the path's own loss is smoothed."""
GROWTH = 0.08
"""Per second, of a limit that stays."""
OUTAGE = 0.15
"""Seconds of packets in a row of which not one arrived: an outage. No full buffer loses that many without exception."""
LASTS = 30.0
"""Seconds after which what was found out about the path's own loss has to be found out again."""
MOST_RUN = 200
"""Packets lost in a row that are remembered; more are an outage whatever their times."""
MOST_OWN = 0.3
"""Whatever the path's own loss is, more than this plus `HEAVY` always lowers the rate."""


class LossLimit:
    """Keeps the share of packets lost and a limit in bit/s, or none."""

    def __init__(self) -> None:
        self.limit: float | None = None
        self.own = 0.0
        """Share of packets that the path loses with an empty queue, smoothed."""
        self._results: deque[tuple[float, bool, bool]] = deque()
        self._lost = 0
        """Among `_results`."""
        self._accepted = (0.0, float("-inf"))
        self._trial: tuple[float, float] | None = None
        self._updated_at = 0.0
        self._queued_at = float("-inf")
        self._light_at: float | None = None
        self._unqueued = LEAST
        self._lost_run: list[PacketResult] = []

    @property
    def loss(self) -> float:
        """Share of packets lost over the last second, 0 to 1; 0 while there are too few to tell."""
        if len(self._results) < LEAST:
            return 0.0
        return self._lost / len(self._results)

    @property
    def excess(self) -> float:
        """Share lost over the last second beyond the path's own."""
        return max(0.0, self.loss - self.own)

    @property
    def on_trial(self) -> bool:
        """Whether less is sent just now to see what becomes of the loss."""
        return self._trial is not None

    def update(self, results: Iterable[PacketResult], now: float, *, queued: bool, acknowledged: float | None) -> None:
        """Take the results of one feedback; `queued` says that the bottleneck has a queue, `acknowledged` is bit/s."""
        for result in self._without_outages(results):
            lost = result.arrived is None
            self._keep(now, lost, queued)
            if not queued:
                self._unqueued = min(self._unqueued + 1, MEMORY)
                self.own += (lost - self.own) / self._unqueued
        while self._results and now - self._results[0][0] > WINDOW:
            self._lost -= self._results.popleft()[1]
        if queued:
            self._queued_at = now
        passed, self._updated_at = min(now - self._updated_at, 0.2), now
        if self._trial is not None:
            self._judge(now)
        elif acknowledged is not None and self._heavy(now):
            self._trial = (now, self.loss)
            self.limit = TRIED * acknowledged
        elif self.limit is not None:
            self._rise(passed, acknowledged)

    def _keep(self, now: float, lost: bool, queued: bool) -> None:
        if len(self._results) == MOST_RESULTS:
            self._lost -= self._results.popleft()[1]
        self._results.append((now, lost, queued))
        self._lost += lost

    def _without_outages(self, results: Iterable[PacketResult]) -> Iterator[PacketResult]:
        """Arrived packets at once, lost ones when the next arrived one shows that it was no outage."""
        for result in results:
            if result.arrived is None:
                if len(self._lost_run) < MOST_RUN:
                    self._lost_run.append(result)
                continue
            run, self._lost_run = self._lost_run, []
            if len(run) < MOST_RUN and (not run or run[-1].sent - run[0].sent < OUTAGE):
                yield from run
            yield result

    def overflowing(self, queue_share: float) -> bool:
        """Whether more is lost with a queue than without, and it is filled to this share of what is allowed: the buffer
        is short, and it is full."""
        if queue_share < OVERFLOW_QUEUE:
            return False
        lost = [lost for _, lost, queued in self._results if queued]
        return len(lost) >= LEAST and sum(lost) / len(lost) > self.own + OVERFLOW

    def raise_to(self, rate: float) -> None:
        """A probe has shown that the path takes `rate` bit/s."""
        if self.limit is not None and self._trial is None:
            self.limit = max(self.limit, rate)

    def _heavy(self, now: float) -> bool:
        """A lot is lost, and in the time it was lost there was no queue."""
        threshold = max(HEAVY + self._known(now), self.own + SUDDEN)
        if self._light_at is None or now - self._queued_at < WINDOW or self.loss <= threshold:
            self._light_at = now
        return now - self._light_at > SUSTAINED

    def _known(self, now: float) -> float:
        loss, since = self._accepted
        return min(loss, MOST_OWN) if now - since < LASTS else 0.0

    def _judge(self, now: float) -> None:
        assert self._trial is not None
        began, before = self._trial
        if now - began < TRIAL:
            return
        self._trial = None
        if self.loss < GONE * before:
            self.own = min(self.own, self.loss)
            return
        self._accepted = (self.loss, now)
        if self.loss <= MOST_OWN + HEAVY:
            self.limit = None

    def _rise(self, passed: float, acknowledged: float | None) -> None:
        assert self.limit is not None
        self.limit *= 1 + GROWTH * passed
        if acknowledged is not None and self.limit > 3 * acknowledged:
            self.limit = None
