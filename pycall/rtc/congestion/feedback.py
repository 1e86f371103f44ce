"""Transport-wide feedback on the wire: which packets arrived when, written by the receiver and read by the sender.

The format is that of draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1: the FCI of an RTPFB packet with
format 15. Eight bytes of head (first sequence number, how many packets are described, a reference time in units of
64 ms, a counter), then 16-bit chunks with one symbol per packet (missing, small delta, large delta), either a run of
one symbol or a vector of 14 one-bit or 7 two-bit symbols, then one delta of arrival per packet that came, in units of
250 µs: one unsigned byte if small, two signed bytes if large (a gap, or a packet that was overtaken).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pycall.core.errors import ErrorCode, RemoteProtocolError

UNIT = 0.00025
"""Seconds of one step of a delta."""
REFERENCE_UNITS = 256
"""Steps in one step of the reference time (64 ms)."""
MAX_STATUSES = 8192
"""Packets that one feedback may describe. At 100 ms each, that is a thousand times a call's rate; more is an attack."""

INTERVAL = 0.05
"""Seconds between feedbacks while at least `MANY` packets wait."""
LONGEST_INTERVAL = 0.1
"""Seconds that a single packet waits at the most: an audio-only call has little to say and should not talk much."""
MANY = 8
AT_ONCE = 40
"""So many packets are told of without waiting."""
MARKER_GAP = 0.045
"""Seconds since the last feedback after which the end of a picture is told of at once."""
LATE = 0.5
"""Seconds for which a packet that was told to be missing can still be reported."""
RESTART = 2000
"""A jump of more sequence numbers is a sender that began anew; what lies between is not reported."""
MOST_UNTOLD = 8192
"""Numbers that wait to be told of; more come from a sender whose numbers leap, and only the newest is told of."""
_MAX_BYTES = 1000
_MISSING, _SMALL, _LARGE = 0, 1, 2


class FeedbackWriter:
    """The receiver's side of one transport. Tell it of every packet; ask it for feedback when it is `due`."""

    def __init__(self) -> None:
        self._arrivals: dict[int, int] = {}
        self._highest = -1
        self._next = 0
        self._floor = 0
        self._pending = 0
        self._waiting_since = 0.0
        self._built_at = float("-inf")
        self._urgent = False
        self._count = 0

    def arrived(self, seq16: int, now: float, *, marker: bool = False) -> None:
        """The packet with this transport-wide number came in at `now`; `marker` says that it ends a picture."""
        seq = self._unwrap(seq16)
        if seq < self._floor or seq in self._arrivals:
            return
        if seq - self._next > MOST_UNTOLD:
            self._restart(seq)
        self._arrivals[seq] = round(now / UNIT)
        self._highest = max(self._highest, seq)
        self._next = min(self._next, seq)
        if not self._pending:
            self._waiting_since = now
        self._pending += 1
        self._urgent = self._urgent or marker

    def due(self, now: float) -> bool:
        """Whether `build` should be called now."""
        when = self.next_time()
        return when is not None and now >= when - 1e-9

    def next_time(self) -> float | None:
        """When feedback is due if nothing more arrives; None if there is nothing to tell."""
        if not self._pending:
            return None
        if self._pending >= AT_ONCE:
            return self._waiting_since
        when = self._waiting_since + (INTERVAL if self._pending >= MANY else LONGEST_INTERVAL)
        return min(when, self._built_at + MARKER_GAP) if self._urgent else when

    def build(self, now: float) -> bytes | None:
        """The FCI of one feedback, at most about 1000 bytes; None if there is nothing to tell. Call it until then."""
        if not self._pending:
            return None
        seqs, symbols, deltas, reference = self._describe()
        fci = struct.pack(">HH", seqs[0] & 0xFFFF, len(symbols))
        fci += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([self._count])
        self._count = (self._count + 1) & 0xFF
        self._next = seqs[1]
        self._forget(now)
        return fci + b"".join(_chunks(symbols)) + deltas

    def _unwrap(self, seq16: int) -> int:
        if self._highest < 0:
            self._restart(seq16 + 0x10000)
            return self._highest
        ahead = ((seq16 - self._highest + 0x8000) & 0xFFFF) - 0x8000
        if abs(ahead) > RESTART:
            self._restart((self._highest | 0xFFFF) + 1 + 0x10000 + seq16)
            return self._highest
        return self._highest + ahead

    def _restart(self, seq: int) -> None:
        self._arrivals.clear()
        self._highest = self._next = self._floor = seq
        # What overtook the first packet belongs to the stream too.
        self._floor -= 10
        self._pending = 0

    def _describe(self) -> tuple[tuple[int, int], list[int], bytes, int]:
        """First and following sequence number, a symbol for each between them, the deltas, the reference time."""
        first = next(seq for seq in range(self._next, self._highest + 1) if seq in self._arrivals)
        reference = self._arrivals[first] // REFERENCE_UNITS
        symbols: list[int] = []
        deltas = bytearray()
        last, end = reference * REFERENCE_UNITS, self._next
        for seq in range(self._next, self._highest + 1):
            units = self._arrivals.get(seq)
            if units is None:
                continue
            delta = units - last
            if not -0x8000 <= delta <= 0x7FFF or len(deltas) + (seq - self._next) / 7 * 2 > _MAX_BYTES:
                break
            small = 0 <= delta <= 0xFF
            symbols += [_MISSING] * (seq - end) + [_SMALL if small else _LARGE]
            deltas += struct.pack(">B" if small else ">h", delta)
            last, end = units, seq + 1
        return (self._next, end), symbols, bytes(deltas), reference

    def _forget(self, now: float) -> None:
        """Drop what is reported and too old to be reported again; count what is still to be told."""
        oldest = round((now - LATE) / UNIT)
        for seq in [s for s, units in self._arrivals.items() if s < self._next and units < oldest]:
            del self._arrivals[seq]
            self._floor = max(self._floor, seq + 1)
        self._floor = max(self._floor, self._next - RESTART)
        self._pending = sum(seq >= self._next for seq in self._arrivals)
        self._waiting_since, self._built_at = now, now
        self._urgent = self._pending > 0


def _chunks(symbols: list[int]) -> Iterator[bytes]:
    """The symbols in as few 16-bit chunks as a greedy choice gives."""
    at = 0
    while at < len(symbols):
        run = _run(symbols, at)
        narrow = symbols[at : at + 14]
        if run >= (7 if _LARGE in narrow else 14) or at + run == len(symbols):
            yield struct.pack(">H", symbols[at] << 13 | run)
            at += run
        elif _LARGE not in narrow:
            yield struct.pack(">H", 0x8000 | _bits(narrow, 14, 1))
            at += 14
        else:
            yield struct.pack(">H", 0xC000 | _bits(symbols[at : at + 7], 7, 2))
            at += 7


def _run(symbols: list[int], at: int) -> int:
    end = at
    while end < len(symbols) and symbols[end] == symbols[at] and end - at < 0x1FFF:
        end += 1
    return end - at


def _bits(symbols: list[int], room: int, width: int) -> int:
    value = 0
    for symbol in symbols + [_MISSING] * (room - len(symbols)):
        value = value << width | symbol
    return value


def parse_feedback(fci: bytes) -> list[tuple[int, float | None]]:
    """What a feedback says of each packet: its 16-bit number, and when it arrived on the receiver's clock or None.

    The times are seconds from an origin of the receiver's that returns to zero every 12.4 days; trailing padding is
    ignored. Raises `RemoteProtocolError` (BAD_MESSAGE), and nothing else, for bytes that are not a feedback.
    """
    if len(fci) < 8:
        raise _bad("is too short")
    base, count = struct.unpack_from(">HH", fci)
    if not 0 < count <= MAX_STATUSES:
        raise _bad(f"describes {count} packets")
    units = int.from_bytes(fci[4:7], "big", signed=True) * REFERENCE_UNITS
    symbols, at = _read_symbols(fci, count)
    statuses: list[tuple[int, float | None]] = []
    for index, symbol in enumerate(symbols):
        if symbol == _MISSING:
            statuses.append(((base + index) & 0xFFFF, None))
            continue
        if at + symbol > len(fci):
            raise _bad("ends before its last delta")
        units += int.from_bytes(fci[at : at + symbol], "big", signed=symbol == _LARGE)
        at += symbol
        statuses.append(((base + index) & 0xFFFF, units * UNIT))
    return statuses


def _read_symbols(fci: bytes, count: int) -> tuple[list[int], int]:
    symbols: list[int] = []
    at = 8
    while len(symbols) < count:
        if at + 2 > len(fci):
            raise _bad("ends before its last status")
        symbols += _symbols_of(int.from_bytes(fci[at : at + 2], "big"), count - len(symbols))
        at += 2
    if 3 in symbols:
        raise _bad("uses the reserved status")
    return symbols, at


def _symbols_of(chunk: int, room: int) -> list[int]:
    if not chunk & 0x8000:
        if not chunk & 0x1FFF:
            raise _bad("has an empty run")
        return [chunk >> 13] * min(chunk & 0x1FFF, room)
    if chunk & 0x4000:
        return [chunk >> shift & 3 for shift in range(12, -1, -2)][:room]
    return [chunk >> shift & 1 for shift in range(13, -1, -1)][:room]


def _bad(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(ErrorCode.BAD_MESSAGE, f"the peer's transport-wide feedback {what}; it is ignored")
