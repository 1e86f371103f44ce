"""The flights of a DTLS handshake, repeated sooner than OpenSSL repeats them; pure.

A handshake is four flights of one or two datagrams each, back and forth (RFC 6347, 4.2.4). OpenSSL sends one again
when a second has passed without an answer, then after two, and its timer cannot be set from Python. On a line that
loses a tenth of all packets every third handshake loses a flight, so that every third call would begin a second late.

So what OpenSSL has written is kept and sent again as it was, first after about 1.5 round trips, then at doubling
intervals, until the other side's next flight makes OpenSSL write another one. A record that has arrived already is
dropped by its number on the other side (4.1.2.6), so a copy is never worse than the few hundred bytes it takes. Who
has sent the last flight of all cannot know whether it arrived; that is told by the other side's flight coming once
more, and answered with a copy, too.
"""

from __future__ import annotations

from collections.abc import Iterator

FIRST_SECONDS = 0.1
"""The shortest wait before the first copy: a busy machine may take as long to answer on a loopback."""
LONGEST_FIRST_SECONDS = 0.25
"""The longest: what looks like a long round trip may be one whose first check was lost."""
LONGEST_SECONDS = 0.5
ROUND_TRIPS = 1.5
MAX_LAST = 12
"""Copies of the last flight of all, to whoever asks: nobody can use us to send more."""
LONGEST_DATAGRAM = 1200
"""Bytes of DTLS in one datagram: passes everywhere, through tunnels and TURN too."""

_HEADER = 13
_ALERT, _HANDSHAKE, _CHANGE_CIPHER = 21, 22, 20


def is_handshake(datagram: bytes) -> bool:
    """Whether a handshake's flight begins here (RFC 6347, 4.1); STUN, SRTP and alerts do not."""
    return len(datagram) > _HEADER and datagram[0] in (_HANDSHAKE, _CHANGE_CIPHER)


def split(written: bytes) -> list[bytes]:
    """What OpenSSL wrote at once, as datagrams: a record must not be torn in two (RFC 6347, 4.1.1)."""
    datagrams = [b""]
    for record in _records(written):
        if datagrams[-1] and len(datagrams[-1]) + len(record) > LONGEST_DATAGRAM:
            datagrams.append(b"")
        datagrams[-1] += record
    return [datagram for datagram in datagrams if datagram]


def _records(written: bytes) -> Iterator[bytes]:
    while written:
        length = _HEADER + int.from_bytes(written[11:_HEADER], "big")
        yield written[:length]
        written = written[length:]


class Flights:
    """`due` is when the flight on its way has to be repeated; None while there is none. Times in seconds."""

    def __init__(self, round_trip: float | None = None) -> None:
        self.due: float | None = None
        self._first = min(max(FIRST_SECONDS, ROUND_TRIPS * (round_trip or 0.0)), LONGEST_FIRST_SECONDS)
        self._wait = self._first
        self._flight: list[bytes] = []
        self._over = False
        self._left = MAX_LAST
        self._answered_at = 0.0

    def sent(self, datagrams: list[bytes], now: float) -> None:
        """The handshake has gone on, or OpenSSL has repeated it by itself."""
        if self._over or not datagrams or not is_handshake(datagrams[0]):
            return
        self._flight = datagrams
        self._wait = self._first
        self.due = now + self._wait

    def again(self, now: float) -> list[bytes]:
        """What to send now: the flight, if it is due."""
        if self.due is None or now < self.due:
            return []
        self._wait = min(2 * self._wait, LONGEST_SECONDS)
        self.due = now + self._wait
        return self._flight

    def finish(self, *, spoke_last: bool) -> None:
        """The handshake is done on our side; `spoke_last`: the last flight was ours, so it may have to be repeated."""
        self._over = True
        self.due = None
        if not spoke_last:
            self._flight = []

    def heard(self, now: float) -> list[bytes]:
        """The other side has repeated its flight although we are done: what to answer."""
        if not self._over or not self._flight or not self._left or now - self._answered_at < self._first / 2:
            return []
        self._left -= 1
        self._answered_at = now
        return self._flight
