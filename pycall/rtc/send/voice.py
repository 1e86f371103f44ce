"""Our sound: read once, encoded once, sent to every peer with as much redundancy as its path needs."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from typing import Protocol

import numpy as np

from pycall.core.errors import MediaError

from .. import red
from ..opus import FRAME, OpusEncoder, Samples
from ..ports import AudioFeed, Sound
from ..rtp import QUIET, Packet
from .sound import MONO_MUSIC, STEREO, VOICE, SoundForm, in_channels
from .stream import OutgoingStream

logger = logging.getLogger(__name__)

RED_FROM = 0.01
"""Reported loss from which a packet carries its predecessor whole."""
RED_TWICE_FROM = 0.05
"""And from which it carries the last two."""
RED_UNTIL = 0.003
MOST_BYTES = 1150
"""Of a packet with its copies: more might not fit through the path."""
NOTHING = 2
"""Bytes of a packet that need not be sent (opus_encode; RFC 7587, 3.1.3)."""


class Outbox(Protocol):
    """Where packets leave; `pacing.Outbox` fits."""

    def push_audio(self, packet: Packet) -> None: ...


class VoiceSender:
    """One peer's copy of our sound."""

    def __init__(
        self,
        stream: OutgoingStream,
        payload_type: int,
        red_type: int | None,
        outbox: Outbox,
        form: SoundForm = VOICE,
    ) -> None:
        self.stream = stream
        self.form = form
        self.rate = form.most
        """bit/s that this peer's link allows."""
        self.loss = 0.0
        """What this peer reports lost, 0 to 1."""
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
        """`loss` is this now."""
        self.loss = fraction
        if fraction >= RED_TWICE_FROM:
            self._copies = self.form.copies
        elif fraction >= RED_FROM:
            self._copies = max(self._copies, 1)
        elif fraction < RED_UNTIL:
            self._copies = 0

    def take(self, payload: bytes, timestamp: int, level: int, captured: float) -> None:
        """20 ms of sound; `timestamp` in 1/48000 s, `level` in -dBov (RFC 6464), `captured` monotonic seconds."""
        kind, data = self._payload_type, payload
        if self.copies and self._red_type is not None:
            earlier = [(timestamp - t, p) for t, p in list(self._earlier)[-self._copies :]]
            while earlier and len(payload) + sum(len(p) for _, p in earlier) > MOST_BYTES:
                del earlier[0]
            kind, data = self._red_type, red.pack(self._payload_type, payload, earlier)
        self._earlier.append((timestamp, payload))
        packet = self.stream.packet(kind, timestamp, data)
        packet.level = level
        self.stream.captured(timestamp, captured)
        self._outbox.push_audio(packet)


class Voice:
    """Reads the feed and encodes for all: one encoder, whoever many peers listen; for music a second one for those who
    hear in mono."""

    def __init__(self, feed: AudioFeed, *, dtx: bool = False, music: bool = False) -> None:
        """`dtx`: while nobody speaks, a packet goes out only every 0.4 s; not with music, which has quiet places."""
        self.music = music
        self._feed = feed
        forms = (STEREO, MONO_MUSIC) if music else (VOICE,)
        self._encoders = {form: _encoder(form, dtx) for form in forms}
        self._senders: list[VoiceSender] = []
        self._loss = 0.0

    def add(self, sender: VoiceSender) -> None:
        self._senders.append(sender)

    def remove(self, sender: VoiceSender) -> None:
        if sender in self._senders:
            self._senders.remove(sender)
            self.losses_changed()

    def losses_changed(self) -> None:
        """In-band repair is made for the worst loss that any peer reports."""
        fraction = max((sender.loss for sender in self._senders), default=0.0)
        if abs(fraction - self._loss) >= 0.01:
            self._loss = fraction
            for encoder in self._encoders.values():
                encoder.set_loss(fraction)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            sound = await self._feed.next_audio()
            if self._senders:
                self._send(sound)

    async def aclose(self) -> None:
        self._feed.close()
        for encoder in self._encoders.values():
            encoder.close()

    def _send(self, sound: Sound) -> None:
        samples = sound.samples
        if len(samples) != FRAME:
            logger.debug("a piece of sound of %d samples was left out", len(samples))
            return
        level, captured = dbov(samples), time.monotonic() - FRAME / 48000
        for form, encoder in self._encoders.items():
            members = [sender for sender in self._senders if sender.form is form]
            if not members:
                continue
            if form.music:  # as good as the weakest of their links allows
                encoder.set_bitrate(min(sender.rate for sender in members))
            payload = _encoded(encoder, in_channels(samples, form.channels))
            if len(payload) > NOTHING:
                for sender in members:
                    sender.take(payload, sound.pts, level, captured)


def _encoded(encoder: OpusEncoder, samples: Samples) -> bytes:
    try:
        return encoder.encode(samples)
    except MediaError as error:
        logger.warning("sound could not be encoded: %s", error)
        return b""


def _encoder(form: SoundForm, dtx: bool) -> OpusEncoder:
    encoder = OpusEncoder(bitrate=form.most, music=form.music, channels=form.channels)
    if dtx and not form.music:
        encoder.set_dtx(True)
    return encoder


def dbov(samples: Samples) -> int:
    """The level in -dBov, 0 (loudest) to 127 (silence), as RFC 6464 sends it."""
    x = samples.astype(np.float32).ravel()
    power = float(np.dot(x, x)) / max(1, len(x)) / (32768.0 * 32768.0)
    return QUIET if power <= 0 else int(min(QUIET, max(0.0, round(-10 * math.log10(power)))))
