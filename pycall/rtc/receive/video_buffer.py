"""Puts received picture packets together to frames; pure, the clock is an argument.

A frame is released with its last packet (the RTP marker), not with the first packet of the next frame. A gap holds
everything behind it back while a retransmission may still come; after `PATIENCE` the buffer gives up, asks for a
keyframe and releases nothing until one is complete: a short freeze instead of a damaged picture. A keyframe that is
complete makes everything missing before it useless, and is released at once. Of the first packets of all, too, some
are lost or overtaken: where the first that came does not open a keyframe, what belongs before it is waited for.
"""

from __future__ import annotations

from typing import NamedTuple

PATIENCE = 0.35
"""Seconds that a gap may stay open: a few round trips on most paths, and no longer than a freeze that is forgiven."""
BEGIN_SECONDS = 0.2
"""That the first packet of a stream's first keyframe may come later than others, sent again perhaps."""
KEYFRAME_AGAIN = 0.5
"""Seconds between two requests for a keyframe."""
CAPACITY = 2048
"""Packets at most: two large keyframes at 1080p."""
HALF = 0x8000
MASK = 0xFFFF


class Piece(NamedTuple):
    """One packet's part of a frame: `timestamp` is RTP's, `last` its marker, `key` true in any packet that begins a
    keyframe, `opens` in one that is surely the keyframe's first."""

    timestamp: int
    last: bool
    key: bool
    data: bytes
    opens: bool = False


class EncodedPicture(NamedTuple):
    """One complete frame; `parts` is what its packets gave, in order."""

    timestamp: int
    key: bool
    parts: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """All parts together, as most decoders want them."""
        return b"".join(self.parts)


class VideoBuffer:
    """One stream of picture packets. `keyframe_due` asks the caller to request a keyframe."""

    def __init__(self) -> None:
        self.skipped = 0
        """Frames given up, damaged or undecodable for want of a keyframe."""
        self.useless_before: int | None = None
        """Since the last `add`: packets before this number are wanted no more."""
        self._pieces: dict[int, Piece] = {}
        self._key_starts: set[int] = set()
        self._next: int | None = None
        self._scan = 0
        self._begun, self._begin_by = False, 0.0
        """Whether the stream's first packet is known, or has been waited for long enough."""
        self._blocked_since: float | None = None
        self._waits_for_key = True
        self._key_needed = False
        self._asked_at: float | None = None

    def add(self, sequence: int, piece: Piece, now: float) -> list[EncodedPicture]:
        """The frames that are complete now, in order. `sequence` is 16 bits and wraps; `now` is seconds."""
        if self._next is None:
            self._restart(sequence, now)
        assert self._next is not None
        ahead = (sequence - self._next) & MASK
        if ahead >= HALF and MASK + 1 - ahead <= CAPACITY:
            if self._begun or self._pieces[self._next].opens:
                return []
            self._next = self._scan = sequence
        elif ahead >= CAPACITY:
            self._restart(sequence, now)
        self._pieces.setdefault(sequence, piece)
        self.useless_before = None
        if piece.opens:
            self._key_starts.add(sequence)
            if not self._begun and sequence == self._next:
                self.useless_before = sequence
        return self._release(now)

    @property
    def fresh(self) -> bool:
        """Nothing of the stream has come yet."""
        return self._next is None

    def needs_key(self, now: float) -> bool:
        """Whether a keyframe should be asked for now: only that helps, and none was asked for just before."""
        in_vain = self._next is not None and not self._begun and now >= self._begin_by
        return (self._key_needed or in_vain) and (self._asked_at is None or now - self._asked_at >= KEYFRAME_AGAIN)

    def keyframe_due(self, now: float) -> bool:
        """True at most every `KEYFRAME_AGAIN` seconds while only a keyframe helps that is not on its way already."""
        if not self.needs_key(now):
            return False
        self._asked_at = now
        return True

    def begin_anew(self) -> None:
        """Another stream comes, with numbers of its own; it begins with a keyframe, or is asked for one."""
        self._next = None

    def break_off(self) -> None:
        """The decoder has lost track: nothing is released before the next keyframe."""
        self._waits_for_key = self._key_needed = True

    def _restart(self, sequence: int, now: float) -> None:
        self._begun, self._begin_by = False, now + BEGIN_SECONDS
        self._pieces.clear()
        self._key_starts.clear()
        self._next = self._scan = sequence
        self._blocked_since = None
        self._waits_for_key = True

    def _release(self, now: float) -> list[EncodedPicture]:
        assert self._next is not None
        if not self._begun and (now >= self._begin_by or self._pieces[self._next].opens):
            self._begun, self._blocked_since = True, None
        out = self._complete_pictures() if self._begun else []
        if self._pieces:
            self._watch_gap(now)
            if self._blocked_since is not None and self._leap():
                out += self._complete_pictures()
                self._watch_gap(now)
            if self._blocked_since is not None and now - self._blocked_since >= PATIENCE:
                self._give_up(now)
                out += self._complete_pictures()
        else:
            self._blocked_since = None
        return out

    def _leap(self) -> bool:
        """Over the gap to a complete keyframe behind it, if there is one."""
        assert self._next is not None
        start = self._next
        for key in sorted(self._key_starts, key=lambda sequence: (start - sequence) & MASK):
            if self._whole(key):
                self._pieces = {s: p for s, p in self._pieces.items() if (s - key) & MASK < HALF}
                self._key_starts = {s for s in self._key_starts if s in self._pieces}
                self._next = self._scan = self.useless_before = key
                self._blocked_since, self._begun = None, True
                self.skipped += 1
                return True
        return False

    def _whole(self, start: int) -> bool:
        """Whether the frame that begins there is complete to its marker."""
        timestamp = self._pieces[start].timestamp
        while (piece := self._pieces.get(start)) is not None and piece.timestamp == timestamp:
            if piece.last:
                return True
            start = (start + 1) & MASK
        return False

    def _complete_pictures(self) -> list[EncodedPicture]:
        out = []
        while (picture := self._take()) is not None:
            self._blocked_since = None
            if not any(picture.parts):
                continue
            if self._waits_for_key and not picture.key:
                self.skipped += 1
                self._key_needed = True
                continue
            self._waits_for_key = self._key_needed = False
            out.append(picture)
        return out

    def _take(self) -> EncodedPicture | None:
        """The frame at the head if it is whole. Packets once looked at are not looked at again."""
        assert self._next is not None
        head = self._pieces.get(self._next)
        if head is None:
            return None
        while (piece := self._pieces.get(self._scan)) is not None:
            if piece.timestamp != head.timestamp:
                return self._cut(self._scan)
            self._scan = (self._scan + 1) & MASK
            if piece.last:
                return self._cut(self._scan)
        return None

    def _cut(self, end: int) -> EncodedPicture:
        assert self._next is not None
        pieces = []
        while self._next != end:
            pieces.append(self._pieces.pop(self._next))
            self._key_starts.discard(self._next)
            self._next = (self._next + 1) & MASK
        self._scan = self._next
        return EncodedPicture(
            pieces[0].timestamp, any(piece.key for piece in pieces), tuple(piece.data for piece in pieces)
        )

    def _watch_gap(self, now: float) -> None:
        """A gap is open when something lies behind the first missing packet."""
        contiguous = (self._scan - (self._next or 0)) & MASK
        if len(self._pieces) <= contiguous:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = now

    def _give_up(self, now: float) -> None:
        """Drop everything up to the first packet behind the gap that is known to begin a frame."""
        assert self._next is not None
        start = self._next
        behind = sorted(self._pieces, key=lambda sequence: (sequence - start) & MASK)
        gap = (self._scan - start) & MASK
        after = [sequence for sequence in behind if (sequence - start) & MASK >= gap]
        broken = self._pieces[after[0]]
        # The missing packet may be the beginning of the frame behind it; the first packet of a keyframe is known.
        keep = after if broken.key else [s for s in after if self._pieces[s].timestamp != broken.timestamp]
        self._pieces = {sequence: self._pieces[sequence] for sequence in keep}
        self._key_starts = {sequence for sequence in self._key_starts if sequence in self._pieces}
        self._next = self._scan = self.useless_before = keep[0] if keep else (behind[-1] + 1) & MASK
        self._blocked_since = None
        self._waits_for_key = self._key_needed = True
        self.skipped += 1
