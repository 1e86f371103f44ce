"""What one peer sends us: which packet belongs to which stream, and what has to be asked for and reported."""

from __future__ import annotations

import time
from collections import Counter

import av

from pycall.core.types import UserId
from pycall.rtc import rtcp
from pycall.rtc.congestion.feedback import FeedbackWriter
from pycall.rtc.opus import Samples
from pycall.rtc.ports import MediaPorts
from pycall.rtc.rtp import Packet, Reader, unwrapped
from pycall.rtc.terms import MediaTerms, Terms
from pycall.rtc.worker import Worker

from .picture import PictureReceiver
from .stream import IncomingStream
from .sync import LipSync
from .voice import VoiceReceiver

MAX_STREAMS = 32
AUDIO_CLOCK, VIDEO_CLOCK = 48000, 90000


class Receiving:
    """Frames go to `ports` until `close`; whatever arrives, nothing is raised."""

    def __init__(self, user_id: UserId, terms: Terms, ports: MediaPorts, decoder: Worker) -> None:
        self.refused: Counter[str] = Counter()
        """Packets that were dropped, by reason."""
        self.firsts: dict[str, float] = {}
        """When the first sound and the first picture were handed over, monotonic seconds."""
        self.sync = LipSync()
        self.streams: dict[int, IncomingStream] = {}
        self.current: dict[int, IncomingStream] = {}
        """By clock rate, the stream whose packets come now."""
        self._user_id = user_id
        self._terms = terms
        self._ports = ports
        self._reader = Reader(*terms.media)
        self._feedback = FeedbackWriter() if terms.transport_feedback else None
        self._repeats = {codec.rtx: codec.payload_type for media in terms.media for codec in media.codecs if codec.rtx}
        """The payload types of retransmissions, and of what they repeat."""
        self._routes: dict[int, MediaTerms] = {ssrc: media for media in terms.media for ssrc in media.ssrcs}
        self.hearing = VoiceReceiver(terms.audio, self._hear, self._sound_played)
        self.seeing = (
            None if terms.video is None else PictureReceiver(terms.video, self._see, decoder, self._picture_wait)
        )

    def close(self) -> None:
        """Not one more frame is delivered."""
        self.hearing.close()
        if self.seeing is not None:
            self.seeing.close()

    # --- packets

    def on_rtp(self, data: bytes, now: float) -> None:
        """One decrypted RTP packet."""
        try:
            packet = self._reader.read(data)
        except ValueError:
            self.refused["malformed"] += 1
            return
        number = packet.number
        if self._feedback is not None and number is not None:
            self._feedback.arrived(number, now, marker=packet.marker)
        terms = self._terms_of(packet)
        if terms is None:
            self.refused["unknown stream"] += 1
        elif terms.kind == "audio":
            if self._count(packet, AUDIO_CLOCK, len(data), now):
                self.hearing.begin_anew()
            self.hearing.take(packet, now)
        else:
            self._take_picture(packet, len(data), now)

    def _terms_of(self, packet: Packet) -> MediaTerms | None:
        """By SSRC, else by MID (RFC 8843), else by payload type; then the SSRC is known."""
        known = self._routes.get(packet.ssrc)
        if known is not None:
            return known
        mid = packet.mid
        for terms in self._terms.media:
            if mid == terms.mid or (mid is None and packet.payload_type in terms.numbers):
                if len(self._routes) >= MAX_STREAMS:
                    del self._routes[next(iter(self._routes))]
                self._routes[packet.ssrc] = terms
                return terms
        return None

    def _take_picture(self, packet: Packet, size: int, now: float) -> None:
        if self.seeing is None:
            return
        repeated = self._repeats.get(packet.payload_type)
        if repeated is None:
            if self._count(packet, VIDEO_CLOCK, size, now):
                self.seeing.begin_anew()
            self.seeing.take(packet, now)
        elif len(packet.payload) > 2:  # less is padding: a probe
            self.seeing.take(unwrapped(packet, repeated), now, repaired=True)

    def _count(self, packet: Packet, clock_rate: int, size: int, now: float) -> bool:
        """True if this packet begins another stream than came before."""
        stream = self.streams.get(packet.ssrc)
        if stream is None:
            stream = self.streams[packet.ssrc] = IncomingStream(packet.ssrc, clock_rate)
            if len(self.streams) > MAX_STREAMS:
                del self.streams[next(iter(self.streams))]
        stream.arrived(packet.sequence_number, packet.timestamp, size, now)
        before = self.current.get(clock_rate)
        self.current[clock_rate] = stream
        return before is not None and before is not stream

    # --- frames

    def _hear(self, samples: Samples) -> None:
        if "first_sound" not in self.firsts:
            self.firsts["first_sound"] = time.monotonic()
        self._ports.audio_arrived(self._user_id, samples)

    def _see(self, frame: av.VideoFrame) -> None:
        if "first_picture" not in self.firsts:
            self.firsts["first_picture"] = time.monotonic()
        self._ports.video_arrived(self._user_id, frame)

    def _sound_played(self, timestamp: int, at: float) -> float:
        captured = self._captured(AUDIO_CLOCK, timestamp)
        buffer = self.hearing.playout.buffer
        return 0.0 if captured is None else self.sync.heard(at - captured, buffer.last_delay, buffer.need)

    def _picture_wait(self, timestamp: int, meant: float, at: float) -> float:
        captured = self._captured(VIDEO_CLOCK, timestamp)
        return 0.0 if captured is None else self.sync.arrived(meant - captured, at - captured)

    def _captured(self, clock_rate: int, timestamp: int) -> float | None:
        """When a sound or picture was captured, by the sender's clock; None before the sender has told."""
        stream = self.current.get(clock_rate)
        return stream.captured(timestamp) if stream is not None else None

    # --- what goes back

    def reported(self, report: rtcp.SenderReport, now: float) -> None:
        """The sender relates its timestamps to its clock."""
        stream = self.streams.get(report.ssrc)
        if stream is not None:
            stream.reported(report, now)

    def blocks(self, now: float) -> tuple[rtcp.ReportBlock, ...]:
        """How the streams have arrived since the last call."""
        return tuple(stream.block(now) for stream in self.current.values())

    def lacks(self, now: float) -> bool:
        """Whether packets of the picture, or a keyframe, are soon to be asked for."""
        return self.seeing is not None and self.seeing.lacks(now)

    def feedback_due(self, now: float) -> bool:
        """Whether the sender should hear now when its packets arrived."""
        return self._feedback is not None and self._feedback.due(now)

    def requests(self, ours: int, now: float) -> list[bytes]:
        """RTCP packets to send now, in the name of our stream `ours`: repairs, keyframes, arrival times."""
        requests = []
        if self.seeing is not None:
            missing, key = self.seeing.tick(now)
            stream = self.current.get(VIDEO_CLOCK)
            if stream is not None and missing:
                requests.append(rtcp.write_nack(ours, stream.ssrc, missing))
            if stream is not None and key:
                requests.append(rtcp.write_picture_loss(ours, stream.ssrc))
        if self._feedback is not None and self.feedback_due(now):
            fci = self._feedback.build(now)
            if fci:
                requests.append(rtcp.write_transport_feedback(ours, next(iter(self.streams), 0), fci))
        return requests
