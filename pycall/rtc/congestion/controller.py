"""The rate of all that is sent to one peer: joins delay estimate, loss limit, probing and the peer's own reports.

The transport tells it of every packet that left and every report that came, and calls `tick` some ten times a second.
It reads `target` (what encoders, audio and repair may send together), `pacing_rate` (for the pacer) and takes `probe`.
Loss alone costs nothing until it is heavy (see `loss`); silence does: without any feedback the rate falls by steps.
"""

from __future__ import annotations

from .estimator import PASSED, DelayEstimate
from .feedback import parse_feedback
from .loss import LossLimit
from .probe import Probe, Prober
from .remote import RemoteLimit
from .sent import PacketResult, SentLog

SILENCE = 1.0
"""Seconds without feedback, although packets are under way, after which the rate begins to fall."""
SILENT_STEP, SILENT_SHARE = 0.5, 0.8
"""It falls to this share, each time after so many seconds."""
OUTAGE = 2.0
"""After a silence of so many seconds the path may be another one and is probed as at the start."""
MOST_FEEDBACKS = 120
"""Feedbacks taken in a second; honest ones come 20 to 100 times, and each may keep us busy for 2 ms."""
GIVE_UP = 2.0
"""A peer that has not sent one feedback by then, but other reports, does not know it."""
STRICT_PACING, TIGHT_PACING, LOOSE_PACING = 1.1, 1.25, 2.5
"""Times the target: while a queue drains or less is sent on trial (an encoder follows late, and what it makes too much
must wait here), where the path is nearly full, and where it has shown no queue for `CALM` seconds at full rate. Where
the path's capacity is known, no more than that is sent: what waits here lets sound pass, what waits there does not."""
CALM = 3.0
QUEUED = 0.25
"""Share of the allowed queue from which on losses may be the queue's, and there is nothing to probe for."""
RTT_SHARE = 0.2
FIRST_RTT = 0.1


class RateController:
    """One peer's rate. Rates are bit/s of whole datagrams, sizes bytes, times seconds of one monotonic clock of ours.

    `start` is used until something is known, `minimum` whatever is known, `maximum` is all that the media could use.
    `transport_feedback` says whether the transport-wide extension and its feedback were negotiated.
    """

    def __init__(self, start: float, minimum: float, maximum: float, *, transport_feedback: bool = True) -> None:
        start = min(max(start, minimum), maximum)
        self._limits = (minimum, maximum)
        self._log = SentLog()
        self._delay = DelayEstimate(start, minimum, maximum)
        self._loss = LossLimit()
        self._remote = RemoteLimit(start, minimum, maximum)
        self._prober = Prober(start)
        self._by_feedback = transport_feedback
        self._second = self._feedbacks = 0
        self._heard = False
        self._first_sent_at: float | None = None
        self._waiting_since: float | None = None
        self._fell_at = float("-inf")
        self._restored_at = float("-inf")
        self._reported_loss = 0.0
        self._rtt: float | None = None
        self._now = float("-inf")

    # What is known

    @property
    def target(self) -> float:
        """bit/s that may be sent now in all. Falls for a moment below `estimate` while a queue is drained."""
        return self._clamp(self._delay.target) if self._by_feedback else self._remote.rate

    @property
    def estimate(self) -> float:
        """bit/s that the path takes in the long run: what sizes and frame rates should be chosen by."""
        return self._clamp(self._delay.rate) if self._by_feedback else self._remote.rate

    @property
    def pacing_rate(self) -> float:
        """bit/s for the pacer."""
        if self._by_feedback and (self._delay.draining or self._loss.on_trial):
            return self.target * STRICT_PACING
        calm = self._delay.rate >= self._limits[1] and self._now - self._delay.backed_off_at > CALM
        if calm and self._by_feedback:
            return self.target * LOOSE_PACING
        most = self.target * TIGHT_PACING
        return most if self._delay.capacity is None else min(most, max(self.target, PASSED * self._delay.capacity))

    @property
    def queue_delay(self) -> float:
        """Seconds that packets wait in the bottleneck now; 0 if unknown."""
        return self._delay.queue.now

    @property
    def jitter(self) -> float:
        """Seconds by which the delay changes from packet to packet, on average."""
        return self._delay.queue.jitter

    @property
    def loss(self) -> float:
        """Share of packets lost over the last second (or in the last receiver report), 0 to 1."""
        return self._loss.loss if self._by_feedback else self._reported_loss

    @property
    def path_loss(self) -> float:
        """Share of packets that the path loses even with an empty queue, 0 to 1: what sending less does not mend."""
        return self._loss.own if self._by_feedback else self._reported_loss

    @property
    def rtt(self) -> float | None:
        """Round trip in seconds, smoothed, with what the receiver waited before it answered; None if unknown."""
        return self._rtt

    @property
    def acknowledged(self) -> float | None:
        """bit/s that arrived over the last half second; None without transport-wide feedback or too little traffic."""
        return self._delay.acknowledged

    # What happens

    def set_limits(self, minimum: float, maximum: float) -> None:
        """The media has changed (a camera opened, another profile)."""
        self._limits = (minimum, maximum)
        self._delay.set_limits(minimum, maximum)
        self._remote.set_limits(minimum, maximum)

    def sent(self, seq16: int | None, size: int, now: float, cluster: int = 0) -> None:
        """A packet left with this transport-wide number, or without one (None), so that no feedback will tell of it;
        `cluster` is the pacer's, for packets of a probe."""
        self._now = now
        self._remote.sent(size, now)
        if seq16 is None:
            return
        self._log.sent(seq16, size, now, cluster)
        if self._first_sent_at is None:
            self._first_sent_at = now
        if self._waiting_since is None:
            self._waiting_since = now

    def feedback(self, fci: bytes, now: float) -> list[PacketResult]:
        """A transport-wide feedback came. Returns what became of which packets; raises `RemoteProtocolError` for
        bytes that are none, with nothing changed. Of a flood nothing is read."""
        if not self._admits(now):
            return []
        results = self._log.acked(parse_feedback(fci), now)
        self._now = now
        self._end_silence(now)
        results = [result for result in results if result.arrived is not None or result.sent >= self._restored_at]
        if not results:
            return results
        self._take_rtt(now - max(result.sent for result in results))
        known = self._delay.capacity
        self._delay.update(results, now, rtt=self._rtt or FIRST_RTT, loss=self._loss)
        if known is not None and self._delay.capacity is None:
            self._prober.hurry(now)
        self._loss.update(results, now, queued=self._queued, acknowledged=self._delay.acknowledged)
        if self._loss.limit is not None and not self._loss.on_trial:
            self._delay.lower_to(self._loss.limit)
        self._take_probe(results, now)
        return results

    def _admits(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._feedbacks = int(now), 0
        self._feedbacks += 1
        return self._feedbacks <= MOST_FEEDBACKS

    def remb(self, bitrate: float, now: float) -> None:
        """The peer's receiver estimated `bitrate`. Ignored while transport-wide feedback comes."""
        self._now = now
        self._fall_back(now)
        self._remote.remb(bitrate, now)

    def receiver_report(self, loss: float, rtt: float | None, now: float) -> None:
        """An RTCP receiver report: share of packets lost (0 to 1) and the round trip, None if it gives none."""
        self._now = now
        self._fall_back(now)
        self._reported_loss = loss
        self._remote.report(loss, rtt, now)
        if rtt is not None and not self._by_feedback:
            self._take_rtt(rtt)

    def tick(self, now: float) -> None:
        """Time has passed; call it every 100 ms or so."""
        self._now = now
        silent = self._waiting_since is not None and now - self._waiting_since > SILENCE
        if silent and self._by_feedback and now - self._fell_at >= SILENT_STEP:
            self._fell_at = now
            self._delay.lower_to(self._delay.rate * SILENT_SHARE)

    def probe(self, now: float) -> Probe | None:
        """A burst that should be sent now, to be given to the pacer; None most of the time, and until the peer has
        reported something. Ask on every tick."""
        if not self._by_feedback or not self._heard:
            return None
        if self._waiting_since is not None and now - self._waiting_since > SILENCE:
            return None
        if self._queued:
            return None  # a path with a queue has no room to find
        return self._prober.wanted(self.estimate, self._limits[1], self.jitter, now)

    @property
    def _queued(self) -> bool:
        return self._delay.draining or self.queue_delay > QUEUED * self._delay.queue_limit

    def _clamp(self, rate: float) -> float:
        if self._loss.limit is not None:
            rate = min(rate, self._loss.limit)
        return min(max(rate, self._limits[0]), self._limits[1])

    def _take_rtt(self, rtt: float) -> None:
        rtt = max(rtt, 0.0)
        self._rtt = rtt if self._rtt is None else self._rtt + RTT_SHARE * (rtt - self._rtt)

    def _take_probe(self, results: list[PacketResult], now: float) -> None:
        found = self._prober.add(results, self._loss.own, now)
        if self._delay.draining:
            self._prober.postpone(now)
        elif found is not None:
            self._delay.raise_to(found.rate)
            self._loss.raise_to(found.rate)
            if found.full is not None:
                self._delay.carries(found.full)

    def _end_silence(self, now: float) -> None:
        waited = 0.0 if self._waiting_since is None else now - self._waiting_since
        if waited > SILENCE:
            self._restored_at = now
        if waited > OUTAGE and self._heard:
            self._prober.restart(self._delay.rate)
        self._waiting_since = None
        self._heard = self._by_feedback = True

    def _fall_back(self, now: float) -> None:
        waited = 0.0 if self._first_sent_at is None else now - self._first_sent_at
        if self._by_feedback and not self._heard and waited > GIVE_UP:
            self._by_feedback = False
            self._remote.rate = self._delay.rate
