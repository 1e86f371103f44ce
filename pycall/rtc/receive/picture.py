"""One person's picture: packets in, repaired and joined on the loop, decoded in a thread, handed over in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial

import av
from aiortc import RTCRtpCodecParameters

from ..codecs import UNPACK_ERRORS, Decoder, assemble, begins_keyframe, opens_keyframe, unpack
from ..rtp import Packet
from ..terms import Codec, MediaTerms
from ..worker import CODEC_ERRORS, Worker
from .clock import TimeLine
from .freezes import Freezes
from .nacks import NackTracker
from .pacing import PictureClock
from .video_buffer import EncodedPicture, Piece, VideoBuffer

logger = logging.getLogger(__name__)


class PictureReceiver:
    """`deliver` gets decoded pictures on the event loop; `tick` says what to ask the sender for. `wait` gives, for a
    picture's RTP timestamp, the moment at which it was meant to be shown and the one at which it can be, how many
    seconds later it should be shown for the sake of the sound; negative: by how many it is too old for the sound."""

    def __init__(
        self,
        terms: MediaTerms,
        deliver: Callable[[av.VideoFrame], None],
        worker: Worker,
        wait: Callable[[int, float, float], float],
    ) -> None:
        self.nacks = NackTracker()
        self.decoded = 0
        self.decode_errors = 0
        self.malformed = 0
        self.plis = 0
        self.keyframes = 0
        self.codec_name = ""
        self.size = (0, 0)
        self._terms = terms
        self._deliver: Callable[[av.VideoFrame], None] | None = deliver
        self._worker = worker
        self._wait = wait
        self.freezes = Freezes()
        self.overtaken = 0
        """Too old for the sound when they became complete, together with a younger one: decoded and not shown."""
        self._waiting: deque[tuple[float, av.VideoFrame]] = deque()
        """When to show what; in order."""
        self._timer: asyncio.TimerHandle | None = None
        self._shown_at = 0.0
        self._clock = PictureClock()
        self._buffer = VideoBuffer()
        self._line = TimeLine()
        self._decoder: Decoder | None = None
        self._decodes: str | None = None
        self._parameters = {c.payload_type: _parameters(c) for c in terms.codecs}
        self._key_due = False

    @property
    def skipped(self) -> int:
        """Pictures that were never shown."""
        return self._buffer.skipped + self.decode_errors + self._worker.dropped + self.overtaken

    def lacks(self, now: float) -> bool:
        """Whether packets are missing, or a keyframe is to be asked for: `tick` is due in some milliseconds."""
        return self.nacks.missing > 0 or self._key_due or self._buffer.needs_key(now)

    def take(self, packet: Packet, now: float, *, repaired: bool = False) -> None:
        """One packet of the stream, a repaired one among them."""
        codec = self._parameters.get(packet.payload_type)
        if codec is None or self._deliver is None:
            self.malformed += codec is None
            return
        self._key_due = not self.nacks.arrived(packet.sequence_number, now, repaired=repaired) or self._key_due
        try:
            data = unpack(codec, packet.payload)
        except UNPACK_ERRORS:
            self.malformed += 1
            return
        key = bool(packet.payload) and begins_keyframe(codec, packet.payload, data)
        piece = Piece(packet.timestamp, packet.marker, key, data, key and opens_keyframe(codec, packet.payload))
        if self._buffer.fresh and not piece.opens:
            self.nacks.began_late(packet.sequence_number, now)
        self._decode_all(self._buffer.add(packet.sequence_number, piece, now), codec, now)
        if self._buffer.useless_before is not None:
            self.nacks.forget_before(self._buffer.useless_before)

    def tick(self, now: float) -> tuple[list[int], bool]:
        """Sequence numbers to ask for again, and whether to ask for a keyframe; to be called every 10 ms or so."""
        key = self._buffer.keyframe_due(now) or self._key_due
        self._key_due = False
        self.plis += key
        return self.nacks.due(now), key

    def begin_anew(self) -> None:
        """Another stream comes, with numbers and timestamps of its own."""
        self.nacks.begin_anew()
        self._buffer.begin_anew()
        self._clock, self._line = PictureClock(), TimeLine()

    def close(self) -> None:
        self._deliver = None
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def release(self) -> None:
        """The thread has ended: the decoder's pictures, some 20 MB, do not wait for Python's collector."""
        self._decoder = None

    def _decode_all(self, pictures: list[EncodedPicture], codec: RTCRtpCodecParameters, arrived: float) -> None:
        clock = self._clock
        for picture in pictures:
            pts = self._line.place(picture.timestamp)
            self.keyframes += picture.key
            show = partial(self._show, clock, picture.timestamp, pts, arrived, picture is pictures[-1])
            if not self._worker.post(partial(self._decode, picture, pts, codec, show)):
                self._buffer.break_off()

    def _decode(
        self, picture: EncodedPicture, pts: int, codec: RTCRtpCodecParameters, show: Callable[[av.VideoFrame], None]
    ) -> None:
        """In the worker's thread."""
        try:
            if self._decoder is None or self._decodes != codec.name:
                self._decoder, self._decodes = Decoder(codec), codec.name
            data = assemble(codec, picture.parts)
            frames = self._decoder.decode(data, pts) if data else []
        except CODEC_ERRORS as error:
            self._worker.report(self._failed, error)
            return
        for frame in frames:
            self._worker.report(show, frame)

    def _failed(self, error: BaseException) -> None:
        logger.debug("a picture could not be decoded: %s", error)
        self.decode_errors += 1
        self._buffer.break_off()

    def _show(
        self, clock: PictureClock, timestamp: int, pts: int, arrived: float, last: bool, frame: av.VideoFrame
    ) -> None:
        """When its turn has come and the sound is as far; never before the picture that came before it. `last`: none
        that comes after it became complete with it."""
        at = clock.place(pts, arrived, time.monotonic(), last=last)
        wait = self._wait(timestamp, clock.meant, at)
        if wait < 0 and not last:
            self.decoded += 1
            self.overtaken += 1
            return
        self._shown_at = max(at + max(wait, 0.0), self._shown_at)
        self._waiting.append((self._shown_at, frame))
        if self._timer is None:
            self._show_due()

    def _show_due(self) -> None:
        """All whose moment has come; and come back for the next one."""
        self._timer = None
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._hand_over(self._waiting.popleft()[1])
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_at(self._waiting[0][0], self._show_due)

    def _hand_over(self, frame: av.VideoFrame) -> None:
        self.decoded += 1
        self.freezes.shown(time.monotonic())
        self.codec_name = self._decodes or ""
        self.size = (frame.width, frame.height)
        if self._deliver is not None:
            self._deliver(frame)


def _parameters(codec: Codec) -> RTCRtpCodecParameters:
    """A codec as aiortc's payload functions want it."""
    return RTCRtpCodecParameters(
        mimeType=f"video/{codec.name}", clockRate=codec.clock_rate, payloadType=codec.payload_type
    )
