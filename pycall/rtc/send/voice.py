"""Our sound: read once, encoded once, sent to every peer with as much redundancy as its path needs."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Protocol

import av
import numpy as np

from pycall.core.errors import MediaError

from .. import red
from ..opus import FRAME, OpusEncoder, Samples
from ..ports import AudioFeed
from ..rtp import QUIET, Packet
from .stream import OutgoingStream

logger = logging.getLogger(__name__)

RED_FROM = 0.01
"""Reported loss from which a packet carries its predecessor whole."""
RED_TWICE_FROM = 0.05
"""And from which it carries the last two."""
RED_UNTIL = 0.003
NOTHING = 2
"""Bytes of a packet that need not be sent (opus_encode; RFC 7587, 3.1.3)."""


class Outbox(Protocol):
    """Where packets leave; `pacing.Outbox` fits."""

    def push_audio(self, packet: Packet) -> None: ...


class VoiceSender:
    """One peer's copy of our sound."""

    def __init__(self, stream: OutgoingStream, payload_type: int, red_type: int | None, outbox: Outbox) -> None:
        self.stream = stream
        self._payload_type = payload_type
        self._red_type = red_type
        self._outbox = outbox
        self._earlier: deque[tuple[int, bytes]] = deque(maxlen=2)
        self._copies = 0

    @property
    def copies(self) -> int:
        """How many earlier packets each packet repeats."""
        return self._copies if self._red_type is not None else 0

    def lossy(self, fraction: float) -> None:
        """What this peer reports lost, 0 to 1."""
        if fraction >= RED_TWICE_FROM:
            self._copies = 2
        elif fraction >= RED_FROM:
            self._copies = max(self._copies, 1)
        elif fraction < RED_UNTIL:
            self._copies = 0

    def take(self, payload: bytes, timestamp: int, level: int, captured: float) -> None:
        """20 ms of sound; `timestamp` in 1/48000 s, `level` in -dBov (RFC 6464), `captured` monotonic seconds."""
        kind, data = self._payload_type, payload
        if self.copies and self._red_type is not None:
            earlier = [(timestamp - t, p) for t, p in list(self._earlier)[-self._copies :]]
            kind, data = self._red_type, red.pack(self._payload_type, payload, earlier)
        self._earlier.append((timestamp, payload))
        packet = self.stream.packet(kind, timestamp, data)
        packet.level = level
        self.stream.captured(timestamp, captured)
        self._outbox.push_audio(packet)


class Voice:
    """Reads the feed and encodes for all: one encoder, whoever many peers listen."""

    def __init__(self, feed: AudioFeed, *, dtx: bool = False) -> None:
        """`dtx`: while nobody speaks, a packet goes out only every 0.4 s."""
        self._feed = feed
        self._encoder = OpusEncoder()
        if dtx:
            self._encoder.set_dtx(True)
        self._senders: list[VoiceSender] = []
        self._loss = 0.0

    def add(self, sender: VoiceSender) -> None:
        self._senders.append(sender)

    def remove(self, sender: VoiceSender) -> None:
        if sender in self._senders:
            self._senders.remove(sender)

    def lossy(self, fraction: float) -> None:
        """The worst loss that any peer reports: in-band repair is made for it."""
        if abs(fraction - self._loss) >= 0.01:
            self._loss = fraction
            self._encoder.set_loss(fraction)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            frame = await self._feed.next_audio()
            if self._senders:
                self._send(frame)

    async def aclose(self) -> None:
        self._feed.close()
        self._encoder.close()

    def _send(self, frame: av.AudioFrame) -> None:
        samples = samples_of(frame)
        if len(samples) != FRAME:
            logger.debug("a piece of sound of %d samples was left out", len(samples))
            return
        try:
            payload = self._encoder.encode(samples)
        except MediaError as error:
            logger.warning("sound could not be encoded: %s", error)
            return
        if len(payload) <= NOTHING:
            return
        level, now = dbov(samples), time.monotonic()
        for sender in tuple(self._senders):
            sender.take(payload, frame.pts or 0, level, now - FRAME / 48000)


def samples_of(frame: av.AudioFrame) -> Samples:
    """One dimension of int16."""
    return np.asarray(frame.to_ndarray(), dtype=np.int16).reshape(-1)


def dbov(samples: Samples) -> int:
    """The level in -dBov, 0 (loudest) to 127 (silence), as RFC 6464 sends it."""
    x = samples.astype(np.float32)
    power = float(np.dot(x, x)) / max(1, len(x)) / (32768.0 * 32768.0)
    return QUIET if power <= 0 else int(min(QUIET, max(0.0, round(-10 * np.log10(power)))))
