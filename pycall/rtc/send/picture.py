"""One peer's copy of our picture: packets, their history, and the answers to those who ask for them again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol

from ..rtp import Packet, wrapped
from ..terms import Codec
from .history import History
from .stream import OutgoingStream

REPEAT_FROM = 0.02
"""Loss of the path's own from which a retransmission is sent twice: it is lost with the same probability as any packet,
and a second request costs another round trip. Where a queue overflows, it would only lose more."""
STALE = 0.1
"""Seconds of waiting, from which on a keyframe takes the place of pictures that have not left instead of waiting behind
them, and what it makes useless is not repaired."""
BIG_PROBE = 8000
"""Bytes from which a probe is made of whole packets."""
REPEAT_GAP = 0.02
"""Seconds between the two, so that one burst does not take both."""


class Outbox(Protocol):
    """Where packets leave; `outbox.Outbox` fits."""

    @property
    def overfull(self) -> bool: ...

    @property
    def delay(self) -> float: ...

    def forget_pictures(self) -> None: ...

    def push_picture(self, packet: Packet) -> None: ...

    def push_repair(self, packet: Packet, delay: float = 0.0) -> None: ...


class PictureSender:
    """Takes encoded pictures of a tier and answers what this peer says about them."""

    def __init__(
        self,
        stream: OutgoingStream,
        rtx_stream: OutgoingStream | None,
        codec: Codec,
        outbox: Outbox,
        *,
        want_key: Callable[[PictureSender], None],
    ) -> None:
        self.stream = stream
        self.rtx = rtx_stream
        self.codec = codec
        self.rtt = 0.1
        self.loss = 0.0
        self.queue = 0.0
        """Seconds that packets wait on the path."""
        self.frames = 0
        self.keyframes = 0
        self.nacks = 0
        self.plis = 0
        self.repaired = 0
        self.size = (0, 0)
        self.waits_for_key = True
        """Nothing is sent before a keyframe, at the beginning and after a change of tier."""
        self._key_sequence: int | None = None
        self._key_under_way = 0.0
        """Until this moment (monotonic seconds) a request may have crossed the last keyframe."""
        self._outbox = outbox
        self._want_key = want_key
        self._history: History[Packet] = History()
        self._rtx_sequence = random.getrandbits(15)

    @property
    def overfull(self) -> bool:
        """So many pictures wait to leave that another one would only be late."""
        return self._outbox.overfull

    def take(self, payloads: list[bytes], timestamp: int, captured: float, *, key: bool, size: tuple[int, int]) -> None:
        """One picture; `timestamp` in 1/90000 s, `captured` monotonic seconds, `size` in pixels."""
        if self.waits_for_key and not key:
            return
        self.waits_for_key = False
        now = time.monotonic()
        if key and self._outbox.delay > STALE:
            self._outbox.forget_pictures()
        for index, payload in enumerate(payloads):
            last = index == len(payloads) - 1
            packet = self.stream.packet(self.codec.payload_type, timestamp, payload, marker=last)
            if key and index == 0:
                self._key_sequence = packet.sequence_number
            self._history.keep(packet.sequence_number, packet, now)
            self._outbox.push_picture(packet)
        self.stream.captured(timestamp, captured)
        self.frames += 1
        self.keyframes += key
        self.size = size
        if key:
            self._key_under_way = now + self._outbox.delay + self.rtt

    def asked_for(self, sequences: tuple[int, ...]) -> None:
        """A NACK."""
        self.nacks += 1
        now = time.monotonic()
        late = self._outbox.delay + self.queue > STALE
        for sequence in sequences:
            if late and self._before_key(sequence):
                continue
            # A copy that still waits to leave must not be joined by another.
            packet = self._history.ask(sequence, now, self.rtt + self._outbox.delay)
            if packet is not None:
                self._repair(packet)

    def asked_for_key(self) -> None:
        """A PLI or FIR; one that was sent before the last keyframe can have arrived is answered by that."""
        self.plis += 1
        if time.monotonic() >= self._key_under_way:
            self._want_key(self)

    def filler(self, size: int) -> Packet | None:
        """A packet for a probe that needs `size` bytes more: a big one sends what went last once more, which may even
        help; a small one is made of small packets of padding, since it takes several to measure anything."""
        if self.rtx is None or self.codec.rtx is None or not self.frames:
            return None
        last = self._history.newest()
        if last is not None and size >= BIG_PROBE:
            return self._again(last)
        number, timestamp = self._rtx_number(), self.stream.newest_timestamp
        return Packet(self.codec.rtx, False, number, timestamp, self.rtx.ssrc, padding=max(1, min(size, 255)))

    def _before_key(self, sequence: int) -> bool:
        """Whether a keyframe that follows makes this packet useless."""
        key = self._key_sequence
        # Of an older one the number says nothing: sequence numbers wrap, and what is kept came after it.
        return key is not None and key in self._history and (sequence - key) & 0xFFFF >= 0x8000

    def _repair(self, packet: Packet) -> None:
        self.repaired += 1
        for copy in range(2 if self.loss >= REPEAT_FROM else 1):
            self._outbox.push_repair(self._again(packet), copy * REPEAT_GAP)

    def _again(self, packet: Packet) -> Packet:
        if self.rtx is None or self.codec.rtx is None:
            return packet
        again = wrapped(packet, self.codec.rtx, self._rtx_number(), self.rtx.ssrc)
        self.rtx.packets += 1
        self.rtx.octets += len(again.payload)
        return again

    def _rtx_number(self) -> int:
        number = self._rtx_sequence
        self._rtx_sequence = (number + 1) & 0xFFFF
        return number
