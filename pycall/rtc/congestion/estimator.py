"""The delay-based estimate: how many bit/s the path takes while its queue stays short.

Detection is by the queueing delay itself (as in RFC 8698, NADA), not by its trend (draft-ietf-rmcat-gcc-02): a call
needs a bound on the delay, in milliseconds, and only the delay can hold one. A trend sees growth but not a queue that
stands, and with jitter of the size of a picture's spacing its threshold adapts until it sees nothing. NADA's answer,
a rate that follows the delay in proportion, is slow both ways after a drop of capacity; the answer here is GCC's
instead: the throughput the receiver acknowledged is the link's rate whenever its queue is busy, so one step to 0.85
of it is right at once, and a little less than that for as long as it takes to drain what was queued.

    GROW  ── the queue passes its limit ──►  DRAIN  ── the queue is nearly gone ──►  GROW

- In GROW the rate rises by 40 kbit/s and 3 % each second near the capacity that the last overuse showed, by 30 % where
  nothing is known to be in the way, and never above 1.5 times what arrives, nor above a known capacity (a rate that was
  not tried is not known). A capacity is also what a probe found that was held up, and it rises with what arrives while
  the queue is short: what comes out of a queue is the link's own rate, a little more or less each time, and no news.
- In DRAIN the rate follows what the link is seen to carry, measured only since its queue began: what arrived before
  that tells what was sent. The target is lower by the queue's length.
- A queue that does not answer although clearly less was sent than the link carried, for `FUTILE` rounds, is not ours
  (another route, a bulk download): the base is set anew, so that the call is not starved by it. What was sent counts,
  not what was to be sent: encoders follow late, and a queue that too much still feeds is ours.
- The limit allows for jitter and for the time one packet takes at the current rate, or slow links would seem full.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .delay import QueueDelay
from .loss import LossLimit
from .sent import PacketResult
from .throughput import Throughput

QUEUE_LIMIT = 0.04
"""Seconds of queue that are always allowed: a picture sent within its own time makes about that much."""
JITTER_SHARE = 2.0
MOST_JITTER = 0.03
PACKET_BITS = 1200 * 8
BACK_OFF = 0.85
"""Of the acknowledged throughput (draft-ietf-rmcat-gcc-02, section 5.5, asks for 0.8 to 0.95)."""
SLOW_STEP, SLOW_GROWTH, MOST_SLOW_GROWTH = 40_000, 0.03, 0.08
"""bit/s per second, share per second, and the most of both. The constant step lets two calls on one link end up with
like rates (growth in proportion would keep their first difference); nearly GCC's half a packet per response time."""
FAST_GROWTH = 0.30
"""Per second. 0.3 s pass until an overshoot is seen: 9 % too much by then, 30 ms of queue."""
PASSED = 1.05
"""Times the known capacity that the rate may be, and that packets are sent at the most."""
OUTGROWN = 1.05
"""Times what was measured when the link was last full, from which on that is history: growth is fast again, and a probe
is sent."""
FAR_BELOW = 0.8
LITTLE_LOSS, SOME_LOSS = 0.02, 0.05
"""Shares lost beyond the path's own, by a buffer too short to show a delay: with the first, growth is slow; with the
second there is none."""
UNTRIED = 1.5
"""Times the acknowledged throughput that the estimate may be."""
BUSY_WINDOW = 0.2
LONG_WINDOW = 0.5
FUTILE = 2
VANISHED = 0.4
BELIEVED = 0.95
"""Of the rate before, when the queue turned out to be none."""
DRAIN_TIME = 0.5
"""A queue of so many seconds would stop the media altogether while it drains; half of it takes half of the rate."""
MOST_DRAIN = 0.6
ROUND = 0.2
"""Seconds, and a round trip, after which a queue must have become shorter by less being sent."""
OBEYED = 0.2
"""Share by which less must have been sent than the link carried, before anything can be concluded from its queue."""
LEAST_SHRINKING = 0.02
"""Seconds by which the queue should have become shorter: less does not show among its jitter."""
ANSWERED = 0.4
"""Share of that which is an answer."""


@dataclass(frozen=True, slots=True)
class _Drain:
    """When it began, with which queue (seconds), and the rate until then."""

    began: float
    queue: float
    rate: float


@dataclass(frozen=True, slots=True)
class _Round:
    """When it began, with which queue (seconds), and what the link carried then (bit/s)."""

    began: float
    queue: float
    carried: float


class DelayEstimate:
    """The estimate, fed with the results of each feedback."""

    def __init__(self, start: float, minimum: float, maximum: float) -> None:
        self.rate = start
        """bit/s that the path takes in the long run."""
        self.draining = False
        """Whether a queue of our own making is being drained."""
        self.capacity: float | None = None
        """bit/s that the link was last seen to carry when it was busy; None if unknown or outgrown."""
        self.backed_off_at = float("-inf")
        self.queue = QueueDelay()
        self._throughput, self._sending = Throughput(), Throughput()
        self._limits = (minimum, maximum)
        self._updated_at: float | None = None
        self._busy_since: float | None = None
        self._short_since = float("inf")
        self._learned = 0.0
        self._drain = _Drain(0.0, 0.0, start)
        self._round = _Round(0.0, 0.0, start)
        self._unanswered = 0

    @property
    def queue_limit(self) -> float:
        """Seconds of queue from which on the path counts as overused."""
        jitter = min(self.queue.jitter * JITTER_SHARE, 2 * MOST_JITTER)
        return QUEUE_LIMIT + jitter + PACKET_BITS / self.rate

    @property
    def target(self) -> float:
        """bit/s to send now: the rate, less what the queue needs to drain."""
        if not self.draining:
            return self.rate
        return self.rate * (1 - min(MOST_DRAIN, self.queue.now / DRAIN_TIME))

    @property
    def acknowledged(self) -> float | None:
        """bit/s that arrived over the last half second; None if too little did."""
        return self._throughput.rate(LONG_WINDOW)

    def set_limits(self, minimum: float, maximum: float) -> None:
        """The rate stays within these from now on (bit/s)."""
        self._limits = (minimum, maximum)
        self._set(self.rate)

    def raise_to(self, rate: float) -> None:
        """A probe has shown that the path takes `rate` bit/s."""
        if rate > self.rate and not self.draining:
            self.capacity = None
            self._set(rate)

    def carries(self, rate: float) -> None:
        """A probe has filled the path, which passed `rate` bit/s."""
        self.capacity = self._learned = max(rate, self.acknowledged or 0.0)
        self.lower_to(PASSED * self.capacity)

    def lower_to(self, rate: float) -> None:
        """Something else (silence, loss) has shown that the path does not take more than `rate` bit/s."""
        self._set(min(self.rate, rate))

    def update(self, results: Iterable[PacketResult], now: float, *, rtt: float, loss: LossLimit) -> None:
        """Take the results of one feedback; `rtt` in seconds."""
        for result in results:
            self._sending.add(result.size, result.sent)
            if result.arrived is not None:
                self.queue.add(result.sent, result.arrived)
                self._throughput.add(result.size, result.arrived)
        self.queue.update()
        self._watch()
        passed = 0.0 if self._updated_at is None else min(now - self._updated_at, 0.2)
        self._updated_at = now
        if self._overused() or loss.overflowing(self.queue.now / self.queue_limit):
            self._overuse(now, rtt, loss)
        elif self.queue.now < self.queue_limit / 2:
            if self._was_no_queue(now):
                self.capacity = None
                self._set(max(self.rate, BELIEVED * self._drain.rate))
            self.draining, self._unanswered = False, 0
            self._grow(passed, loss.excess)

    def _overused(self) -> bool:
        limit = self.queue_limit
        ahead = 2 * self.queue.now - self.queue.before
        return self.queue.now > limit or (self.queue.now > limit / 2 and ahead > 1.5 * limit)

    def _watch(self) -> None:
        """Since when the bottleneck has been busy without a pause, or else has not."""
        if self.queue.now < self.queue_limit / 2:
            self._busy_since = None
            self._short_since = min(self._short_since, self.queue.since)
        else:
            self._short_since = float("inf")
            self._busy_since = self.queue.since if self._busy_since is None else self._busy_since

    def _was_no_queue(self, now: float) -> bool:
        """A queue of q seconds needs about that long to drain; what was gone in a fraction of it was a pause of the
        receiver, or of the radio, and tells nothing about the rate."""
        return self.draining and now - self._drain.began < VANISHED * self._drain.queue

    def _carried(self, own_loss: float) -> float | None:
        """bit/s that the bottleneck carries, measured only while it was busy: what went before says nothing."""
        busy = None if self._busy_since is None else self._throughput.since(self._busy_since, LONG_WINDOW)
        busy = busy or self._throughput.rate(BUSY_WINDOW) or self._throughput.rate(LONG_WINDOW)
        # What the path loses even with an empty queue, the link carried too.
        return None if busy is None else busy / (1 - min(own_loss, 0.3))

    def _overuse(self, now: float, rtt: float, loss: LossLimit) -> None:
        carried = self._carried(loss.own)
        if carried is None:
            return
        if not self.draining:
            self._drain = _Drain(now, self.queue.now, self.rate)
            self._round = _Round(now, self.queue.now, carried)
            self.draining, self._unanswered = True, 0
        elif now - self._round.began > rtt + ROUND:
            self._unanswered = self._unanswered + 1 if self._futile(loss.excess) else 0
            self._round = _Round(now, self.queue.now, carried)
        if self._unanswered >= FUTILE:
            self._not_ours()
            return
        self.backed_off_at = now
        self._learn(carried)
        # The longer the link is busy, the better it is known, so a first guess may have been too low.
        sure = now - self._drain.began > LONG_WINDOW
        self._set(min(self.rate if sure else self._drain.rate, BACK_OFF * carried))

    def _futile(self, excess: float) -> bool:
        """Clearly less was sent than the link carried, nothing of it was lost, and yet the queue did not shrink."""
        sent = self._sending.since(self._round.began, LONG_WINDOW) or 0.0
        missing = 1 - sent / self._round.carried
        shrinking = missing * max(self._sending.newest - self._round.began, 0.0)
        if missing < OBEYED or shrinking < LEAST_SHRINKING or excess > LITTLE_LOSS:
            return False
        return self._round.queue - self.queue.now < ANSWERED * shrinking

    def _learn(self, carried: float) -> None:
        known = self.capacity
        steady = known is not None and 0.7 * known < carried < 1.4 * known
        self._learned = 0.6 * known + 0.4 * carried if known is not None and steady else carried
        self.capacity = self._learned

    def _not_ours(self) -> None:
        """The queue stays the same however little we send."""
        self._unanswered, self.draining, self.capacity, self._busy_since = 0, False, None, None
        self.queue.rebase()
        self._set(max(self.rate, BACK_OFF * self._drain.rate))

    def _grow(self, passed: float, excess: float) -> None:
        if excess > SOME_LOSS:
            return
        arriving = self.acknowledged
        short = self._throughput.newest - self._short_since >= LONG_WINDOW
        if self.capacity is not None and short and arriving is not None and arriving > self.capacity:
            self.capacity = arriving if arriving < OUTGROWN * self._learned else None
        near = self.capacity is not None and self.rate > FAR_BELOW * self.capacity
        near = near or excess > LITTLE_LOSS
        slow = min(SLOW_STEP + SLOW_GROWTH * self.rate, MOST_SLOW_GROWTH * self.rate)
        grown = self.rate + (slow if near else FAST_GROWTH * self.rate) * passed
        if self.capacity is not None:
            # More was never tried: the picture is easy. Whether there is more, probes find out.
            grown = min(grown, max(self.rate, PASSED * self.capacity))
        if arriving is not None:
            grown = min(grown, max(self.rate, UNTRIED * arriving + 20_000))
        self._set(grown)

    def _set(self, rate: float) -> None:
        self.rate = min(max(rate, self._limits[0]), self._limits[1])
