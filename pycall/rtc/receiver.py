"""Receives one stream: aiortc's packet receiver with our buffers and decoders behind it.

aiortc's own jitter buffer answers one lost sound packet with 0.3 s of silence and 0.2 s of delay for the rest of the
call, holds each picture until the next one begins, and feeds an unbounded queue to a thread that keeps the process
alive. None of that runs here: complete frames leave this class for our own decoder.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import av
import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import AnyRtcpPacket, RtcpByePacket, RtpPacket
from av.frame import Frame

from .codecs import Decoder, begins_keyframe
from .receive.audio_buffer import AudioBuffer, Lost
from .receive.clock import TimeLine
from .receive.nacks import MissingPackets
from .receive.video_buffer import EncodedPicture, Piece, VideoBuffer
from .worker import CODEC_ERRORS, Worker

logger = logging.getLogger(__name__)

Deliver = Callable[[Any], None]

_BUFFER, _NACKS, _CODECS, _STREAMS = (
    f"_RTCRtpReceiver__{name}" for name in ("jitter_buffer", "nack_generator", "codecs", "remote_streams")
)
"""Private attributes of aiortc's receiver, by their mangled names."""
MAX_CONCEALED = 5
"""Lost sound packets in a row (100 ms) that are covered by a fading repetition; longer ones are a gap."""


class InletReceiver(RTCRtpReceiver):
    """aiortc's receiver whose packets end in `SoundInlet` or `PictureInlet`."""

    def __init__(self, kind: str, transport: Any) -> None:
        super().__init__(kind, transport)
        self.inlet: SoundInlet | PictureInlet | None = None
        setattr(self, _BUFFER, self)
        if kind == "video":
            setattr(self, _NACKS, _NackList())

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """In the place of aiortc's jitter buffer: takes every packet, never gives a frame back. True: send a PLI."""
        if self.inlet is None:
            return False, None
        codec = getattr(self, _CODECS)[packet.payload_type]
        return self.inlet.take(packet, codec, time.monotonic()), None

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        # A BYE would stop aiortc's receiver for good; that the other side has left is the signaling's to say.
        if not isinstance(packet, RtcpByePacket):
            await super()._handle_rtcp_packet(packet)

    @property
    def streams(self) -> list[StreamStatistics]:
        """aiortc's counters, one for each SSRC seen."""
        return list(getattr(self, _STREAMS).values())


class _NackList:
    """Our list of missing packets in the shape of aiortc's NackGenerator."""

    def __init__(self) -> None:
        self._packets = MissingPackets()
        self.missing: list[int] = []

    def add(self, packet: RtpPacket) -> bool:
        self.missing = self._packets.add(packet.sequence_number, time.monotonic())
        return bool(self.missing)


class SoundInlet:
    """Sound packets in, decoded frames out, on the loop: 20 ms take 50 µs to decode."""

    def __init__(self, deliver: Deliver) -> None:
        self.lost = 0
        self.decoded = 0
        self._loop = asyncio.get_running_loop()
        self._deliver: Deliver | None = deliver
        self._buffer: AudioBuffer[tuple[RtpPacket, Any]] = AudioBuffer()
        self._line = TimeLine()
        self._decoder: Decoder | None = None
        self.codec_name: str | None = None
        self._last: av.AudioFrame | None = None

    def take(self, packet: RtpPacket, codec: Any, now: float) -> bool:
        """Always False: there is no keyframe to ask for."""
        for item in self._buffer.add(packet.sequence_number, (packet, codec), now):
            if isinstance(item, Lost):
                self._conceal(item.count)
            else:
                self._decode(*item)
        return False

    def close(self) -> None:
        self._deliver = None

    def _decode(self, packet: RtpPacket, codec: Any) -> None:
        data: bytes = packet._data  # type: ignore[attr-defined]
        if not data:
            return
        try:
            if self._decoder is None or self.codec_name != codec.name:
                self._decoder, self.codec_name = Decoder(codec), codec.name
            frames = self._decoder.decode(data, self._line.place(packet.timestamp))
        except CODEC_ERRORS as error:
            logger.debug("sound could not be decoded: %s", error)
            self._conceal(1)
            return
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            self.decoded += 1
            self._last = frame
            self._hand_over(frame)

    def _conceal(self, count: int) -> None:
        self.lost += count
        for step in range(min(count, MAX_CONCEALED)):
            if self._last is None:
                return
            frame = _faded(self._last, last=step == MAX_CONCEALED - 1)
            self._last = frame
            self._hand_over(frame)

    def _hand_over(self, frame: av.AudioFrame) -> None:
        # Not from here: what goes wrong in a listener must not end the transport's task.
        self._loop.call_soon(self._give, frame)

    def _give(self, frame: av.AudioFrame) -> None:
        if self._deliver is not None:
            self._deliver(frame)


def _faded(frame: av.AudioFrame, *, last: bool) -> av.AudioFrame:
    """The frame after `frame`: its mirror image (so that the wave goes on without a step), half as loud at its end."""
    samples = frame.to_ndarray()[:, ::-1].astype(np.float32)
    slope = np.linspace(1.0, 0.0 if last else 0.5, samples.shape[1], dtype=np.float32)
    made = av.AudioFrame.from_ndarray((samples * slope).astype(np.int16), format="s16", layout=frame.layout.name)
    made.sample_rate, made.time_base = frame.sample_rate, frame.time_base
    made.pts = (frame.pts or 0) + frame.samples
    return made


class PictureInlet:
    """Picture packets in, decoded pictures out: put together on the loop, decoded in the worker's thread."""

    def __init__(self, deliver: Deliver, worker: Worker) -> None:
        self.decoded = 0
        self.decode_errors = 0
        self._deliver: Deliver | None = deliver
        self._worker = worker
        self._buffer = VideoBuffer()
        self._line = TimeLine()
        self._decoder: Decoder | None = None
        self.codec_name: str | None = None

    @property
    def skipped(self) -> int:
        """Pictures that were never shown."""
        return self._buffer.skipped + self.decode_errors + self._worker.dropped

    def take(self, packet: RtpPacket, codec: Any, now: float) -> bool:
        """True if a keyframe has to be asked for now."""
        data: bytes = packet._data  # type: ignore[attr-defined]
        key = begins_keyframe(codec, packet.payload, data)
        piece = Piece(packet.timestamp, bool(packet.marker), key, data)
        for picture in self._buffer.add(packet.sequence_number, piece, now):
            pts = self._line.place(picture.timestamp)
            if not self._worker.post(lambda picture=picture, pts=pts: self._decode(picture, pts, codec)):  # type: ignore[misc]
                self._buffer.break_off()
        return self._buffer.keyframe_due(now)

    def close(self) -> None:
        self._deliver = None

    def _decode(self, picture: EncodedPicture, pts: int, codec: Any) -> None:
        """In the worker's thread."""
        try:
            if self._decoder is None or self.codec_name != codec.name:
                self._decoder, self.codec_name = Decoder(codec), codec.name
            frames = self._decoder.decode(picture.data, pts)
        except CODEC_ERRORS as error:
            self._worker.report(self._failed, error)
            return
        for frame in frames:
            self._worker.report(self._hand_over, frame)

    def _failed(self, error: BaseException) -> None:
        logger.debug("a picture could not be decoded: %s", error)
        self.decode_errors += 1
        self._buffer.break_off()

    def _hand_over(self, frame: Frame) -> None:
        self.decoded += 1
        if self._deliver is not None:
            self._deliver(frame)
