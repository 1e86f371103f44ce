"""Our sound and picture on their way to one peer: what leaves, how fast, and what the other side says about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pycall.rtc import rtcp
from pycall.rtc.congestion.budget import split
from pycall.rtc.congestion.controller import RateController
from pycall.rtc.outbox import Outbox
from pycall.rtc.path import Path
from pycall.rtc.rtp import Packet, Writer
from pycall.rtc.terms import Terms

from .picture import PictureSender
from .sound import OVERHEAD, form_of
from .source import Source
from .stream import OutgoingStream
from .voice import VoiceSender

START_RATE = 600_000
"""bit/s until something is known; probing finds more within a few round trips."""
LEAST_RATE = 50_000
FIRST_RTT = 0.1
CATCH_UP, MOST_CATCH_UP = 0.5, 0.5
"""Seconds in which pictures that wait are to be gone, and the share of the rate that may cost."""
PATIENCE = 0.3
"""Seconds that a picture may wait for the path to open."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The numbers and the name under which our streams go to one peer."""

    cname: str
    audio: int
    video: int
    repair: int


class Sending:
    """Attached to the common `Source` by `begin`, detached by `close`."""

    def __init__(self, terms: Terms, path: Path, source: Source, identity: Identity) -> None:
        self.rtt: float | None = None
        self.loss = 0.0
        """What the other side reports lost of our sound: up at once, down slowly."""
        self._source = source
        self._form = form_of(music=source.voice.music, channels=terms.audio.sends)
        self._patience: asyncio.TimerHandle | None = None
        self.controller = RateController(
            START_RATE, LEAST_RATE, self._most, transport_feedback=terms.transport_feedback
        )
        writers = {media.kind: Writer(media) for media in terms.media}
        self.outbox = Outbox(path, self.controller, writers, self._padding)
        audio = terms.audio
        stream = OutgoingStream(identity.audio, 48000)
        self.voice = VoiceSender(stream, audio.codecs[0].payload_type, audio.red, self.outbox, self._form)
        self.picture = self._open_picture(terms, identity)

    def _open_picture(self, terms: Terms, identity: Identity) -> PictureSender | None:
        if terms.video is None:
            return None
        codec = terms.video.codecs[0]
        stream = OutgoingStream(identity.video, 90000)
        rtx = OutgoingStream(identity.repair, 90000) if codec.rtx is not None else None
        return PictureSender(stream, rtx, codec, self.outbox, want_key=self._source.studio.want_key)

    def prepare(self) -> None:
        """The path is being opened: meanwhile the first picture is encoded, and waits."""
        if self.picture is not None:
            self._source.studio.add(self.picture, *self._picture_rates())
            self._patience = asyncio.get_running_loop().call_later(PATIENCE, self._forget)

    def _forget(self) -> None:
        """The path takes longer to open than a picture is worth showing."""
        self._patience = None
        if self.picture is not None:
            self._source.studio.remove(self.picture)
            self.outbox.forget_pictures()

    def begin(self) -> None:
        """The path is open: from now on our sound and picture leave."""
        self.outbox.open()
        self._source.voice.add(self.voice)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        elif self.picture is not None:
            self._source.studio.add(self.picture, *self._picture_rates())

    def close(self) -> None:
        """Nothing is encoded for this peer any more."""
        if self._patience is not None:
            self._patience.cancel()
        self._source.voice.remove(self.voice)
        if self.picture is not None:
            self._source.studio.remove(self.picture)
        self.outbox.close()

    @property
    def streams(self) -> list[OutgoingStream]:
        return [self.voice.stream] if self.picture is None else [self.voice.stream, self.picture.stream]

    # --- what the other side says

    def asked_for(self, report: rtcp.Nack | rtcp.PictureLoss) -> None:
        """A repair or a keyframe."""
        if self.picture is None or report.media != self.picture.stream.ssrc:
            return
        if isinstance(report, rtcp.Nack):
            self.picture.asked_for(report.sequences)
        else:
            self.picture.asked_for_key()

    def reported(self, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        """How our streams arrive."""
        for block in blocks:
            stream = next((s for s in self.streams if s.ssrc == block.ssrc), None)
            if stream is None:
                continue
            rtt = stream.heard(block, now)
            if rtt is not None:
                self.rtt = rtt if self.rtt is None else 0.7 * self.rtt + 0.3 * rtt
            if stream is self.voice.stream:
                self._sound_lossy(block.fraction_lost)
            self.controller.receiver_report(block.fraction_lost, self.rtt, now)

    def _sound_lossy(self, fraction: float) -> None:
        # Down slowly: a single clean second on a lossy path is luck.
        self.loss = max(fraction, 0.8 * self.loss + 0.2 * fraction)
        self.voice.lossy(self.loss)
        self._source.voice.losses_changed()

    # --- rates

    def follow(self, now: float) -> None:
        """Time has passed or reports have come: tell the encoders and the pacer, and probe if it is time."""
        self.controller.tick(now)
        self.voice.rate = self._form.rate(self.controller.target, self.voice.copies)
        if self.picture is not None:
            self.picture.rtt, self.picture.loss = self.rtt or FIRST_RTT, self.controller.path_loss
            self.picture.queue = self.controller.queue_delay
            self.controller.set_limits(LEAST_RATE, self._most)
            self._source.studio.allow(self.picture, *self._picture_rates())
        self.outbox.pacer.rate = self.controller.pacing_rate
        probe = self.controller.probe(now)
        if probe is not None:
            self.outbox.pacer.start_probe(probe, now)
            self.outbox.wake()

    @property
    def _most(self) -> float:
        """All that sound, picture and their repair can use, bit/s."""
        return 1.3 * self._source.studio.bitrate + (1 + self._form.copies) * (self._form.most + OVERHEAD)

    @property
    def picture_rate(self) -> int:
        """What the picture may take now, bit/s."""
        return self._share(self.controller.target)

    def _picture_rates(self) -> tuple[int, int]:
        """bit/s that the picture may take now, and in the long run: its size is chosen by that. What the encoder made
        too much waits to leave, and is taken off again."""
        waiting = min(self.outbox.delay / CATCH_UP, MOST_CATCH_UP)
        return self._share(self.controller.target * (1 - waiting)), self._share(self.controller.estimate)

    def _share(self, rate: float) -> int:
        sound = self.voice.rate * (1 + self.voice.copies) + OVERHEAD
        return split(rate, sound, self.controller.loss, (float(self._source.studio.bitrate),)).videos[0]

    def _padding(self, size: int) -> Packet | None:
        """A packet that only a probe needs."""
        return None if self.picture is None else self.picture.filler(size)
