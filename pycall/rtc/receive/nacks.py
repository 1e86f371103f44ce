"""Which packets are missing and when to ask for them again; pure, the clock is an argument.

A gap is asked for as soon as it is seen to be no mere reordering, and again after each round trip (plus what jitter
adds) until it comes or is too old to help: at loss p a retransmission is lost with probability p too, and asking
once would turn that into a freeze.
"""

from __future__ import annotations

from dataclasses import dataclass

from .stream import FAR_BACK, HALF, MASK

REORDER, MOST_REORDER = 0.004, 0.05
"""Seconds that a gap may close by itself before it is asked for: at first, and at the most where packets overtake each
other by more."""
CALMER = 0.999
"""Per packet, of that time: it halves in about 700 packets."""
SHORTEST_RETRY = 0.02
ECHO, ECHOES = 0.02, 2
"""Seconds after which a request is said again on a lossy path, and how often: requests get lost as packets do, and to
find out takes a round trip. Senders answer only once within a round trip."""
ECHO_FROM, LEARN = 0.01, 0.005
"""Share of packets that had to be asked for from which on that is worth it; how fast the share is learned."""
DEFAULT_RTT = 0.1
BEFORE_FIRST = 3
"""Packets asked for that may have been before the first that came; who never sent them sends nothing."""
TRIES = 10
TOO_OLD = 1.0
"""Seconds after which the sender's history no longer holds a packet."""
MAX_MISSING = 500
"""More than that is no gap but an outage: only a keyframe helps."""
MOST_AT_ONCE = 200
"""Asked for in one go, so that the request fits into a datagram; the rest follows with the next."""


@dataclass(slots=True)
class _Missing:
    since: float
    due: float
    tries: int = 0
    echo: float | None = None
    echoes: int = 0
    guessed: bool = False
    """Nobody knows whether there is such a packet."""


class NackTracker:
    """One stream. `arrived` for each packet (retransmissions too), `due` for what to ask for now."""

    def __init__(self) -> None:
        self.rtt = DEFAULT_RTT
        self.requested = 0
        """Sequence numbers asked for, repeats included."""
        self.recovered = 0
        self.lost = 0
        """Given up: too old or asked for too often."""
        self._patience = REORDER
        self._asked_share = 0.0
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}

    @property
    def missing(self) -> int:
        """So many packets are waited for."""
        return len(self._missing)

    def begin_anew(self) -> None:
        """Another stream comes, with numbers of its own."""
        self.lost += len(self._missing)
        self._missing.clear()
        self._highest = None

    def arrived(self, sequence: int, now: float, *, repaired: bool = False) -> bool:
        """Takes note of a packet; False if the jump is so large that only a keyframe helps. `repaired`: it was sent
        again on a stream of its own; what comes late without that was overtaken."""
        self._patience = max(REORDER, self._patience * CALMER)
        if self._highest is not None and FAR_BACK <= (self._highest - sequence) & MASK < HALF:
            self.begin_anew()
        if self._highest is None:
            self._highest = sequence
            return True
        ahead = (sequence - self._highest) & MASK
        if ahead == 0 or ahead >= HALF:
            missing = self._missing.pop(sequence, None)
            if missing is not None:
                self.recovered += 1
                if not repaired:
                    self._patience = min(MOST_REORDER, max(self._patience, 1.2 * (now - missing.since)))
            return True
        self._highest = sequence
        self._asked_share *= 1 - LEARN
        if ahead + len(self._missing) > MAX_MISSING:
            self.lost += len(self._missing)
            self._missing.clear()
            return False
        for step in range(1, ahead):
            self._missing[(sequence - ahead + step) & MASK] = _Missing(now, now + self._patience)
        return True

    def began_late(self, sequence: int, now: float) -> None:
        """The first packet that came is not the stream's first."""
        for step in range(BEFORE_FIRST, 0, -1):
            self._missing[(sequence - step) & MASK] = _Missing(now, now + self._patience, guessed=True)

    def due(self, now: float) -> list[int]:
        """The sequence numbers to ask for now, oldest first."""
        wanted: list[int] = []
        for sequence, missing in list(self._missing.items()):
            if len(wanted) >= MOST_AT_ONCE:
                break
            if now - missing.since > TOO_OLD or missing.tries >= TRIES:
                del self._missing[sequence]
                self.lost += not missing.guessed
            elif now >= missing.due:
                self._asked_share += LEARN * (not missing.tries and not missing.guessed)
                missing.tries += 1
                missing.due = now + max(SHORTEST_RETRY, self.rtt * 1.1)
                lossy = self._asked_share >= ECHO_FROM and self.rtt > 2 * ECHO
                missing.echo, missing.echoes = (now + ECHO if lossy else None), 0
                wanted.append(sequence)
            elif missing.echo is not None and now >= missing.echo:
                missing.echoes += 1
                missing.echo = now + ECHO if missing.echoes < ECHOES else None
                wanted.append(sequence)
        self.requested += len(wanted)
        return wanted

    def forget_before(self, sequence: int) -> None:
        """What lies before `sequence` is no longer wanted (a keyframe has made it useless)."""
        for old in [s for s in self._missing if (s - sequence) & MASK >= HALF]:
            del self._missing[old]
