"""The audio jitter buffer: it holds packets just long enough that they can be played without a gap. Pure.

Theory. A packet with timestamp `ts` that arrives at `a` has the transit `a - ts/rate`. Its absolute value means
nothing (the clocks are not related), but its spread does: the smallest transit seen in the last seconds belongs to a
packet that waited nowhere, and what another packet has above it is its *lateness*. Playing with a delay D over the
smallest transit, every packet with lateness ≤ D is there in time. So the *target* is the lateness that 95 % of
packets keep, and one packet more, so that a lost packet's successor, which carries a copy of it, is already here.
Where two in a row get lost often enough that the copies in the second successor come too late, two packets more.

Packets that come together waited together: of a burst only the one that waited longest is learned from. A machine or a
radio that stops for 200 ms and then hands over ten packets has been late once, not ten times; without that, one such
stop would make everything late for the next ten seconds.

Time base. The playout asks every 20 ms for the next 20 ms, and `position` is the timestamp it has come to. The delay in
force is `now - position/rate - base`. It changes in four ways only:

    go back  at once: a packet that comes too late for its turn, but within the target, is played all the same: the
             position goes back to it, and what was made up in its place was time inserted. After a stop of the path,
             when several turns in a row had nothing to play, that is done for up to 150 ms more: nothing said is lost
    grow     while the delay is below the target, `next` answers GROW and the playout plays the sound a little slower
    shrink   while it is above the target, `next` answers SHRINK and the playout plays a little faster
    jump     after a stall (what is buffered is over the target by 250 ms or more): old packets are thrown away

Growing is urgent when packets would come too late (`Turn.urgent`); all else has time until a pause in the speech.

A lost packet never moves the delay: its turn passes with concealment, and the position goes on.

Should everything that comes be too late for 0.3 s, then what was known is wrong: the path has become a second longer,
the sender stood still and did not count it, or begins at another timestamp. The buffer then begins anew.

The peer's clock and ours drift apart (±100 ppm between two sound cards). The smallest transit is taken from a window of
10 s, so that it drifts along, and the delay then differs from the target by what drifted: shrink and grow mend it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

MAX_PACKETS = 150
"""3 s of sound; more is thrown away, oldest first."""
WRONG = 0.3
"""Seconds for which all that comes is too late, with nothing left to play, after which the buffer begins anew."""
BASE_WINDOW = 10.0
"""Seconds over which the smallest transit is taken."""
QUANTILE = 0.95
MAX_TARGET = 0.4
"""Seconds; a conversation with more delay is none (ITU-T G.114)."""
FORGET = 0.997
"""Per packet: a histogram entry halves in about 230 packets, 4.6 s."""
BIN = 0.005
PRIOR = 20.0
"""Packets in time that are taken for seen before the first one: one late at the beginning says little."""
TOGETHER = 0.003
"""Seconds between two packets that came together."""
SLACK = 0.004
"""Seconds above the target that are left alone."""
SHORT = 0.0025
"""Seconds below it that are: no pitch period is shorter."""
OVER_TURNS, UNDER_TURNS = 75, 10
"""Turns in a row, 1.5 s and 0.2 s, for which the delay must be off before anything is done about it."""
MUCH = 0.03
"""Seconds by which it must be off to be mended at once."""
TOO_LATE = 2
"""Copies that came too late for their turn, of the last `MEMORY` packets, from which one packet more is waited for."""
MEMORY = 500
STALL = 0.25
STOPPED = 2
"""Turns in a row without sound after which it is the path that has stopped, not a packet that is lost."""
SIGN_OF_LIFE = 25
"""Turns: a sender that is silent says so every 0.4 s (RFC 7587, 3.1.3); what is missing for longer was lost."""
KEPT = 0.15
"""Seconds over the target by which packets may be late after such a stop and are still played."""


class Kind(Enum):
    """What the playout is to do for the next 20 ms."""

    PLAY = "play"
    """Decode `payload`."""
    SHRINK = "shrink"
    """Decode `payload` and, if it can be done unheard, play it faster."""
    GROW = "grow"
    """Decode `payload` and, if it can be done unheard, play it slower."""
    RECOVER = "recover"
    """The packet is lost; `payload` is its successor, which may carry a copy."""
    CONCEAL = "conceal"
    """Nothing to go by; make something up."""
    SILENCE = "silence"
    """Nobody has spoken yet, or the sender is silent (DTX)."""


class Turn(NamedTuple):
    """The answer for one step of the playout."""

    kind: Kind
    payload: bytes = b""
    timestamp: int = 0
    samples: int = 0
    """To be made up, or to be recovered from `payload`."""
    excess: int = 0
    """Samples by which the delay is above (or, negative, below) what is wanted: not more is taken out or put in."""
    urgent: bool = False
    """Not to be put off until a pause."""


@dataclass(slots=True)
class JitterStats:
    """Counted since the beginning; delays in seconds. W3C names where W3C has them."""

    packets_received: int = 0
    packets_late: int = 0
    packets_duplicated: int = 0
    packets_discarded: int = 0
    turns: int = 0
    concealed: int = 0
    """Turns without sound of their own: neither played nor recovered."""
    silent: int = 0
    """Of these, turns for which the sender had nothing to say and sent nothing (DTX)."""
    recovered: int = 0
    """Turns played from the in-band copy in the packet after."""
    copied: int = 0
    """Lost packets whose redundant copy came in time."""
    inserted: float = 0.0
    removed: float = 0.0
    delay_sum: float = 0.0
    """Over all played packets: time between arrival and turn (jitterBufferDelay)."""
    played: int = 0


class LatenessHistogram:
    """How late packets are, in steps of 5 ms, the past forgotten exponentially."""

    def __init__(self, prior: float = PRIOR, forget: float = FORGET) -> None:
        self._forget = forget
        self._bins = [0.0] * (int(MAX_TARGET / BIN) + 1)
        self._bins[0] = self._sum = prior
        self._unit = 1.0

    def add(self, lateness: float) -> None:
        # Growing the newest weight instead of shrinking all others costs one addition per packet.
        self._unit /= self._forget
        self._bins[min(len(self._bins) - 1, int(lateness / BIN))] += self._unit
        self._sum += self._unit
        if self._unit > 1e12:
            self._bins = [b / self._unit for b in self._bins]
            self._sum, self._unit = sum(self._bins), 1.0

    def quantile(self, share: float) -> float:
        """The upper edge of the step below which `share` of the packets lie; seconds."""
        wanted, seen = share * self._sum, 0.0
        for index, weight in enumerate(self._bins):
            seen += weight
            if seen >= wanted and seen > 0:
                return (index + 1) * BIN if index else 0.0
        return 0.0


@dataclass(slots=True)
class _Held:
    payload: bytes
    arrival: float
    samples: int


class JitterBuffer:
    """Packets in, in any order; one `Turn` out per packet, or per 20 ms without one. Timestamps may wrap."""

    def __init__(self, *, rate: int = 48000, step: int = 960) -> None:
        self.stats = JitterStats()
        self.floor = 0.0
        """The delay, seconds, that is wanted at the least, for the sake of the picture."""
        self.length = step
        """Samples in the last packet; senders may take up to 120 ms."""
        self.last_delay = 0.0
        self._rate = rate
        self._step = step
        self._held: dict[int, _Held] = {}
        self._order: list[int] = []
        self.begin_anew()

    def begin_anew(self) -> None:
        """What comes next has nothing to do with what came before."""
        self._held.clear()
        self._order.clear()
        self._position: int | None = None
        self._newest: int | None = None
        self._histogram = LatenessHistogram()
        self._transits: deque[tuple[float, float]] = deque()
        self._last = (float("-inf"), 0.0)
        self._late_since: float | None = None
        self._made_up = 0
        self._over = self._under = 0
        self._played: deque[int] = deque(maxlen=64)
        self._guessed: deque[int] = deque(maxlen=16)
        self._missed: deque[int] = deque()

    # --- what is known --------------------------------------------------------------------------------------------

    @property
    def need(self) -> float:
        """The delay with which packets are in time, seconds over the fastest packet of the last 10 s."""
        spread = self._histogram.quantile(QUANTILE)
        ahead = 1 + (len(self._missed) >= TOO_LATE)
        return min(MAX_TARGET, ahead * self.length / self._rate + spread)

    @property
    def target(self) -> float:
        """The delay that is wanted, seconds over the same: what is needed, or more for the picture's sake."""
        return min(MAX_TARGET, max(self.need, self.floor))

    def delay(self, now: float) -> float:
        """The delay in force, seconds over the fastest packet of the last 10 s."""
        if self._position is None or not self._transits:
            return 0.0
        return now - self._position / self._rate - self._transits[0][1]

    # --- input ----------------------------------------------------------------------------------------------------

    def insert(self, timestamp: int, payload: bytes, arrival: float, samples: int | None = None) -> None:
        """A packet of so many `samples` (None: one step). `timestamp` is the RTP one, 32 bits; wraps are seen here."""
        ts = self._unwrap(timestamp)
        self.stats.packets_received += 1
        self.length = samples or self._step
        while self._missed and self._missed[0] < self.stats.packets_received - MEMORY:
            self._missed.popleft()
        if ts in self._held or ts in self._played:
            self.stats.packets_duplicated += 1
            return
        if self._is_too_late(ts, arrival):
            self.stats.packets_late += 1
            return
        self._hold(ts, _Held(payload, arrival, self.length))

    def _is_too_late(self, ts: int, arrival: float) -> bool:
        lateness = self._learn(ts, arrival)
        self._newest = ts if self._newest is None else max(self._newest, ts)
        if self._position is None or ts >= self._position or self._rewind(ts, lateness):
            self._late_since = None
            return False
        self._late_since = arrival if self._late_since is None else self._late_since
        if self._order or arrival - self._late_since < WRONG:
            return True
        self.begin_anew()
        return self._is_too_late(ts, arrival)

    def was_silent(self, samples: int) -> None:
        """The sender had nothing to say for so long and sent nothing: what was made up there replaced nothing."""
        self.stats.silent += samples // self._step

    @property
    def unsettled(self) -> int:
        """Turns made up since the last sound that may yet turn out to be silence: the next packet tells (DTX)."""
        turns = self._made_up // self._step
        return 0 if self._order or turns > SIGN_OF_LIFE else turns

    def insert_copy(self, timestamp: int, payload: bytes, arrival: float, samples: int | None = None) -> None:
        """A redundant copy (RFC 2198): used if the packet itself has not come, and it teaches nothing about delay."""
        ts = self._unwrap(timestamp)
        if ts in self._held or ts in self._played or self._position is None:
            return
        if ts >= self._position:
            self.stats.copied += 1
            self._hold(ts, _Held(payload, arrival, samples or self._step))
        elif ts in self._guessed:
            self._guessed.remove(ts)
            self._missed.append(self.stats.packets_received)

    def _unwrap(self, timestamp: int) -> int:
        if self._newest is None:
            return timestamp
        distance = (timestamp - self._newest) & 0xFFFFFFFF
        return self._newest + (distance - (1 << 32) if distance >= 1 << 31 else distance)

    def _learn(self, ts: int, arrival: float) -> float:
        transit = arrival - ts / self._rate
        while self._transits and self._transits[-1][1] >= transit:
            self._transits.pop()
        self._transits.append((arrival, transit))
        while self._transits[0][0] < arrival - BASE_WINDOW:
            self._transits.popleft()
        lateness = transit - self._transits[0][1]
        before, waited = self._last
        if arrival - before > TOGETHER or lateness > waited:
            self._histogram.add(lateness)
        self._last = (arrival, lateness)
        return lateness

    def _rewind(self, ts: int, lateness: float) -> bool:
        """Grow at once: a late packet is still played if the target covers its lateness and nothing was skipped."""
        assert self._position is not None
        back = self._position - ts
        stopped = self._made_up >= STOPPED * self._step
        if back > self._made_up or lateness > self.target + KEPT * stopped:
            return False
        self.stats.inserted += back / self._rate
        self._made_up -= back
        self._position = ts
        return True

    def _hold(self, ts: int, held: _Held) -> None:
        self._held[ts] = held
        self._order.insert(bisect_left(self._order, ts), ts)
        while len(self._order) > MAX_PACKETS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        del self._held[self._order.pop(0)]
        self.stats.packets_discarded += 1

    # --- output ---------------------------------------------------------------------------------------------------

    def next(self, now: float) -> Turn:
        """What to play from now on; to be asked again when that has been played."""
        self.stats.turns += 1
        if self._position is None and not self._begin(now):
            return Turn(Kind.SILENCE)
        self._jump_after_stall(now)
        assert self._position is not None
        position = self._position
        while self._order and self._order[0] < position:
            self._drop_oldest()
        if self._order and self._order[0] < position + min(self.length, self._step):
            return self._play(self._order[0], now)
        return self._missing(position)

    def _begin(self, now: float) -> bool:
        """Start as soon as the first packet has waited for the target: one packet, as nothing is known yet."""
        if not self._order or now < self._held[self._order[0]].arrival + self.length / self._rate - SLACK:
            return False
        self._position = self._order[0]
        return True

    def _jump_after_stall(self, now: float) -> None:
        assert self._position is not None
        if self._order and self._order[-1] > self._position and self.delay(now) > self.target + STALL:
            ready = int((now - self._transits[0][1] - self.target) * self._rate)
            wanted = [ts for ts in self._order if ts >= ready - self._step]
            self._position = wanted[0] if wanted else self._order[-1]

    def _play(self, ts: int, now: float) -> Turn:
        held = self._held.pop(ts)
        self._order.pop(0)
        self._played.append(ts)
        self.stats.delay_sum += max(0.0, now - held.arrival)
        self.stats.played += 1
        self.last_delay = self.delay(now)
        excess = self.last_delay - self.target
        self._position = ts + held.samples
        self.stats.turns += max(0, held.samples // self._step - 1)
        self._made_up = 0
        short = self._short(self.need - self.last_delay)
        kind = Kind.GROW if short else self._pace(excess)
        return Turn(kind, held.payload, ts, held.samples, int(excess * self._rate), short)

    def _short(self, missing: float) -> bool:
        """Whether packets are about to come too late: for a while, or by much."""
        self._under = self._under + 1 if missing > SHORT else 0
        return self._under >= UNDER_TURNS or missing > MUCH

    def _pace(self, excess: float) -> Kind:
        """Faster or slower only if that is wanted for a while, or much: a target that wavers must not be heard."""
        self._over = self._over + 1 if excess > SLACK else 0
        if self._over >= OVER_TURNS or excess > MUCH:
            return Kind.SHRINK
        return Kind.GROW if excess < -SLACK else Kind.PLAY

    def _missing(self, ts: int) -> Turn:
        lost = self._order and self._order[0] == ts + self.length
        samples = self.length if lost else min(self.length, self._step)
        self._position = ts + samples
        self._made_up += samples
        if lost:
            self.stats.recovered += 1
            return Turn(Kind.RECOVER, self._held[self._order[0]].payload, ts, samples)
        self.stats.concealed += 1
        self._guessed.append(ts)
        return Turn(Kind.CONCEAL, b"", ts, samples)
