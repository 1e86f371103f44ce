"""Sends one feed's frames: our encoders behind aiortc's packet sender."""

from __future__ import annotations

import logging
import time
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCRtpSender
from aiortc.rtcrtpsender import RTCEncodedFrame
from aiortc.rtp import RTCP_PSFB_APP, AnyRtcpPacket, RtcpPsfbPacket, unpack_remb_fci

from .codecs import VoiceEncoder, picture_encoder, voice_encoder
from .encoders import PictureEncoder
from .levels import audio_level
from .ports import AudioFeed, VideoFeed
from .rate import VideoRate
from .worker import CODEC_ERRORS, Worker

logger = logging.getLogger(__name__)

KEYFRAME_PAUSE = 0.3
"""Seconds between two keyframes that are asked for: whoever asks more often gets one all the same."""


class SoundOutlet(MediaStreamTrack):
    """Our sound as aiortc wants it; lives as long as its connection."""

    kind = "audio"

    def __init__(self, feed: AudioFeed) -> None:
        super().__init__()
        self.feed = feed

    async def recv(self) -> av.AudioFrame:
        return await self.feed.next_audio()


class PictureOutlet(MediaStreamTrack):
    """Our picture as aiortc wants it; lives as long as its connection."""

    kind = "video"

    def __init__(self, feed: VideoFeed, worker: Worker) -> None:
        super().__init__()
        self.feed = feed
        self.worker = worker

    async def recv(self) -> av.VideoFrame:
        return await self.feed.next_video()


class OutletSender(RTCRtpSender):
    """aiortc's sender with our encoders, our rate and a limit on keyframes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.encode_errors = 0
        self.frames = 0
        self.keyframes = 0
        self.rate: VideoRate | None = None
        self._voice: VoiceEncoder | None = None
        self._picture: PictureEncoder | None = None
        self._key_wanted = True
        self._key_at: float | None = None

    async def _next_encoded_frame(self, codec: Any) -> RTCEncodedFrame | None:
        track: MediaStreamTrack = self.track
        if isinstance(track, PictureOutlet):
            return await self._encode_picture(track, codec)
        assert isinstance(track, SoundOutlet)
        return self._encode_sound(await track.recv(), codec)

    def _encode_sound(self, frame: av.AudioFrame, codec: Any) -> RTCEncodedFrame | None:
        try:
            self._voice = self._voice or voice_encoder(codec)
            payloads, timestamp = self._voice.encode(frame)
        except CODEC_ERRORS as error:
            self._encoder_failed(error)
            return None
        self.frames += 1
        return RTCEncodedFrame(payloads, timestamp, audio_level(frame)) if payloads else None

    async def _encode_picture(self, outlet: PictureOutlet, codec: Any) -> RTCEncodedFrame | None:
        frame = await outlet.recv()
        now = time.monotonic()
        ceiling, fps = outlet.feed.bitrate, outlet.feed.fps
        self.rate = self.rate or VideoRate(ceiling, now)
        self.rate.set_ceiling(ceiling)
        encoder = self._picture = self._picture or picture_encoder(codec)
        key, bitrate = self._key_now(now), self.rate.target
        try:
            encoded = await outlet.worker.run(
                lambda: encoder.encode(frame, key=key, bitrate=bitrate, ceiling=ceiling, fps=fps)
            )
        except CODEC_ERRORS as error:
            self._encoder_failed(error)
            return None
        if encoded is None or not encoded[0]:
            return None
        self.frames += 1
        self.rate.sent(sum(len(payload) for payload in encoded[0]), now)
        return RTCEncodedFrame(encoded[0], encoded[1], None)  # type: ignore[arg-type]

    def _key_now(self, now: float) -> bool:
        if not self._key_wanted or (self._key_at is not None and now - self._key_at < KEYFRAME_PAUSE):
            return False
        self._key_wanted, self._key_at = False, now
        self.keyframes += 1
        return True

    def _encoder_failed(self, error: BaseException) -> None:
        """The frame is lost, the next one goes to a fresh encoder."""
        self.encode_errors += 1
        self._voice = self._picture = None
        self._key_wanted = True
        if self.encode_errors == 1:
            logger.warning("%s could not be encoded: %s", self.kind, error)

    def _send_keyframe(self) -> None:
        self._key_wanted = True

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            bitrate, ssrcs = unpack_remb_fci(packet.fci)
            if self.rate is not None and self._ssrc in ssrcs:
                self.rate.estimate(bitrate, time.monotonic())
            return
        await super()._handle_rtcp_packet(packet)
