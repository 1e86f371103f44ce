"""One person's sound: packets in, and on a steady beat sound out, whatever the network does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from pycall.core.errors import MediaError

from .. import red
from ..opus import RATE, OpusDecoder, Samples, packet_samples
from ..rtp import Packet
from ..terms import MediaTerms
from .beat import Beat
from .playout import AudioPlayout

logger = logging.getLogger(__name__)

LONGEST_SILENCE = 10 * RATE
"""Samples between two packets; more is a new beginning."""
REST = 2.0
"""Seconds without any packet after which the beat pauses until one comes."""


class VoiceReceiver:
    """Begins to play with the first packet; `deliver` gets about 20 ms at a time on the event loop, int16 of shape
    (n,), or (n, 2) where the terms say so.

    `played` is told the timestamp of what is delivered and the moment at which it was due, and says how much later than
    the fastest packet would allow sound should be for the picture's sake.
    """

    def __init__(
        self, terms: MediaTerms, deliver: Callable[[Samples], None], played: Callable[[int, float], float]
    ) -> None:
        self.malformed = 0
        self._played = played
        self._terms = terms
        self._deliver: Callable[[Samples], None] | None = deliver
        self._decoder = OpusDecoder(terms.hears)
        self.playout = AudioPlayout(self._decoder, channels=terms.hears)
        self._timer: asyncio.TimerHandle | None = None
        self._beat = Beat(0.0)
        self._heard = 0.0
        self._before: Packet | None = None

    def take(self, packet: Packet, now: float) -> None:
        """One RTP packet, plain or redundant (RFC 2198)."""
        if self._deliver is None:
            return
        self._notice_silence(packet)
        if packet.payload_type == self._terms.red:
            self._take_redundant(packet.timestamp, packet.payload, now)
        elif self._terms.codec_of(packet.payload_type) is not None:
            self._insert(packet.timestamp, packet.payload, now)
        else:
            self.malformed += 1
        if self._timer is None:
            self._beat = Beat(now)
            self._turn()
        self._beat.read(now, time.monotonic())

    def begin_anew(self) -> None:
        """Another stream comes, with numbers and timestamps of its own."""
        self.playout.buffer.begin_anew()
        self._before = None

    def close(self) -> None:
        """Not one more frame is delivered."""
        if self._deliver is not None:
            self._deliver = None
            if self._timer is not None:
                self._timer.cancel()
            self._decoder.close()

    def _notice_silence(self, packet: Packet) -> None:
        """Numbered one after the other, with time between them: nothing was lost, nobody spoke (DTX)."""
        before, self._before = self._before, packet
        if before is not None and (packet.sequence_number - before.sequence_number) & 0xFFFF == 1:
            gap = (packet.timestamp - before.timestamp) & 0xFFFFFFFF
            length = self.playout.buffer.length
            if length < gap < LONGEST_SILENCE:
                self.playout.buffer.was_silent(gap - length)

    def _take_redundant(self, timestamp: int, payload: bytes, now: float) -> None:
        try:
            *earlier, primary = red.unpack(payload)
        except ValueError:
            self.malformed += 1
            return
        self._insert(timestamp, primary.payload, now)
        for block in earlier:
            if block.payload and (samples := packet_samples(block.payload)):
                self.playout.buffer.insert_copy((timestamp - block.offset) & 0xFFFFFFFF, block.payload, now, samples)

    def _insert(self, timestamp: int, payload: bytes, now: float) -> None:
        if not payload:
            return
        samples = packet_samples(payload)
        if samples == 0:
            self.malformed += 1
            return
        self._heard = now
        self.playout.buffer.insert(timestamp, payload, now, samples)

    def _turn(self) -> None:
        """Play what is due, and come back when it has been played."""
        self._timer = None
        now = time.monotonic()
        if self._deliver is None or now - self._heard > REST:
            return
        wait = self._beat.wait(now)
        if not wait:
            self._play(self._beat.due)
            wait = self._beat.due - time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._turn)

    def _play(self, due: float) -> None:
        samples = self._next(due)
        if self.playout.timestamp is not None:
            self.playout.buffer.floor = self._played(self.playout.timestamp & 0xFFFFFFFF, due)
        self._beat.played(len(samples) / RATE)
        if self._deliver is not None:
            self._deliver(samples)

    def _next(self, due: float) -> Samples:
        try:
            return self.playout.step(due)
        except MediaError as error:
            logger.debug("sound could not be decoded: %s", error)
            self.malformed += 1
            return self.playout.guess()
