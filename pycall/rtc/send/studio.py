"""Our picture: read once, encoded once per tier, sent to every peer of the tier.

Peers differ in what their links can take. Those that can take about half of what the best one can, or more, share the
high tier, whose bitrate is the lowest of theirs; the others share the low one; who can take next to nothing gets no
picture. So there are one or two encoders per codec, whoever many watch, and one weak link does not pull everybody
down. Requests for keyframes are merged: one keyframe serves the whole tier.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field

import av

from .. import av1
from ..congestion.ladder import Ladder, Step
from ..encoders import PictureEncoder, even_yuv420p, picture_encoder
from ..ports import VideoFeed
from ..scale import scaled
from ..worker import CODEC_ERRORS, Worker
from .picture import PictureSender

logger = logging.getLogger(__name__)

KEY_PAUSE = 0.3
"""Seconds between two keyframes that are asked for."""
STAY_HIGH, GO_HIGH = 0.4, 0.6
"""Share of the best peer's bitrate down to which a peer stays in the high tier, and from which it comes to it."""
LOWEST = 60_000
"""bit/s under which no picture is sent: sound needs the rest."""
ENCODE_DEPTH = 2
SETTLE = 1.5
"""Seconds at the beginning in which the size is not lowered: probing will soon know better than the first guess."""
ROOM, FAR_ABOVE = 2.0, 5.0
"""An encoder is opened for this many times the target, and anew (with a keyframe) when the target has outgrown that or
has fallen to a fifth of it."""
FRESH = 0.2
"""Seconds for which a picture is still worth showing to a newcomer; a closed camera's last one is not."""
MOMENT = 0.001
"""Seconds by which a picture that is shown again comes after the first time."""


@dataclass(eq=False)
class Tier:
    """One encoder with its thread; `members` are the peers that get its packets."""

    codec: str
    name: str
    worker: Worker
    encoder: PictureEncoder
    members: list[PictureSender] = field(default_factory=list)
    target: int = 0
    estimate: int = 0
    ceiling: int = 0
    step: Step | None = None
    ladder: Ladder | None = None
    profile: tuple[int, int, int, int] = (0, 0, 0, 0)
    settled_at: float = 0.0
    key_wanted: bool = True
    key_at: float = -1e9
    due: float = 0.0
    busy: int = 0


class Studio:
    """Owns the feed and the tiers. Everything is called on the event loop; encoding happens in the tiers' threads."""

    def __init__(self, feed: VideoFeed, hardware: tuple[str, ...] = ()) -> None:
        """`hardware`: H.264 encoders that work, as `hardware.probe` gives them."""
        self.encode_errors = 0
        self._hardware = hardware
        self.encoded = 0
        self._feed = feed
        self._allowed: dict[PictureSender, int] = {}
        self._estimates: dict[PictureSender, int] = {}
        self._tiers: dict[tuple[str, str], Tier] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._newest: av.VideoFrame | None = None
        self._closed = False

    @property
    def bitrate(self) -> int:
        """What the profile in force asks for, bit/s."""
        return self._feed.bitrate

    def add(self, sender: PictureSender, allowed: int, estimate: int) -> None:
        """A newcomer sees the newest picture at once instead of waiting for the next one."""
        if self._closed:
            return
        self._allowed[sender], self._estimates[sender] = allowed, estimate
        self._assign()
        tier = self.tier_of(sender)
        if tier is not None and self._newest is not None and time.monotonic() - _captured(self._newest) < FRESH:
            tier.due = 0.0
            self._offer(tier, _again(self._newest), time.monotonic())

    def remove(self, sender: PictureSender) -> None:
        self._estimates.pop(sender, None)
        if self._allowed.pop(sender, None) is not None and not self._closed:
            self._assign()

    def allow(self, sender: PictureSender, bitrate: int, estimate: int) -> None:
        """What this peer's link can take for the picture now, and in the long run, bit/s."""
        if sender in self._allowed and (self._allowed[sender], self._estimates[sender]) != (bitrate, estimate):
            self._allowed[sender], self._estimates[sender] = bitrate, estimate
            self._assign()

    def want_key(self, sender: PictureSender) -> None:
        for tier in self._tiers.values():
            if sender in tier.members:
                tier.key_wanted = True

    def tier_of(self, sender: PictureSender) -> Tier | None:
        return next((tier for tier in self._tiers.values() if sender in tier.members), None)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._newest = frame = await self._feed.next_video()
            for tier in list(self._tiers.values()):
                self._offer(tier, frame, time.monotonic())

    async def aclose(self) -> None:
        """Every encoder's thread has ended; may be called twice."""
        self._closed = True
        self._feed.close()
        self._newest = None
        tiers, self._tiers = list(self._tiers.values()), {}
        await asyncio.gather(*(_end(tier) for tier in tiers), *self._stopping)

    # --- tiers

    def _assign(self) -> None:
        """Who is in which tier, and what each tier may take."""
        for codec in {sender.codec.name for sender in self._allowed} | {codec for codec, _ in self._tiers}:
            rates = {s: r for s, r in self._estimates.items() if s.codec.name == codec and r >= LOWEST}
            best = max(rates.values(), default=0)
            high = [s for s, r in rates.items() if r >= best * (STAY_HIGH if self._is_high(s) else GO_HIGH)]
            low = [s for s in rates if s not in high]
            self._fill(codec, "high", high, rates)
            self._fill(codec, "low", low, rates)

    def _is_high(self, sender: PictureSender) -> bool:
        tier = self.tier_of(sender)
        return tier is None or tier.name == "high"

    def _fill(self, codec: str, name: str, members: list[PictureSender], rates: dict[PictureSender, int]) -> None:
        tier = self._tiers.get((codec, name))
        if not members:
            if tier is not None:
                self._close(self._tiers.pop((codec, name)))
            return
        if tier is None:
            tier = self._tiers[codec, name] = self._open(codec, name)
        newcomers = [sender for sender in members if sender not in tier.members]
        for sender in newcomers:
            sender.waits_for_key = True
        tier.key_wanted = tier.key_wanted or bool(newcomers)
        tier.members = members
        tier.target = min(self._allowed[sender] for sender in members)
        tier.estimate = min(rates[sender] for sender in members)

    def _open(self, codec: str, name: str) -> Tier:
        worker = Worker(f"pycall-encode-{codec}-{name}", depth=ENCODE_DEPTH)
        return Tier(codec, name, worker, picture_encoder(codec, self._hardware))

    def _close(self, tier: Tier) -> None:
        task = asyncio.create_task(_end(tier), name="close tier")
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    # --- pictures

    def _offer(self, tier: Tier, frame: av.VideoFrame, now: float) -> None:
        if tier.members and self._takes(tier, frame):
            self._encode(tier, frame, now)

    def _takes(self, tier: Tier, frame: av.VideoFrame) -> bool:
        """Whether this picture is one of those that the tier's frame rate leaves."""
        profile = (frame.width, frame.height, self._feed.fps, self._feed.bitrate)
        now = time.monotonic()
        if tier.ladder is None or tier.profile != profile:
            tier.ladder, tier.profile, tier.settled_at = Ladder(*profile), profile, now + SETTLE
        before, tier.step = tier.step, tier.ladder.update(profile[3] if now < tier.settled_at else tier.estimate, now)
        if tier.step is None or not tier.target:  # nothing is left for pictures until what waits has left
            return False
        smaller = before is not None and tier.step.height < before.height  # a keyframe, which replaces what waits
        if not smaller and any(sender.overfull for sender in tier.members):
            return False
        if tier.step.fps >= self._feed.fps:
            return tier.busy < ENCODE_DEPTH
        at = _captured(frame)
        if at < tier.due - 0.25 / tier.step.fps and tier.due - at < 1.0:
            return False
        tier.due = max(tier.due + 1 / tier.step.fps, at)
        return tier.busy < ENCODE_DEPTH

    def _ceiling(self, tier: Tier) -> int:
        """What the encoder is opened for: its keyframes are sized by it, so it must not be far above the target."""
        if not tier.target <= tier.ceiling <= FAR_ABOVE * tier.target:
            tier.ceiling = int(min(max(self._feed.bitrate, tier.target), ROOM * tier.target))
        return tier.ceiling

    def _key_now(self, tier: Tier, now: float) -> bool:
        if not tier.key_wanted or now - tier.key_at < KEY_PAUSE:
            return False
        tier.key_wanted, tier.key_at = False, now
        return True

    def _encode(self, tier: Tier, frame: av.VideoFrame, now: float) -> None:
        step = tier.step
        assert step is not None
        key, ceiling = self._key_now(tier, now), self._ceiling(tier)
        bitrate = min(tier.target, ceiling)
        captured = _captured(frame)

        def job() -> None:
            try:
                picture = scaled(frame, step.width, step.height)
                payloads, timestamp = tier.encoder.encode(
                    picture, key=key, bitrate=bitrate, ceiling=ceiling, fps=step.fps
                )
            except CODEC_ERRORS as error:
                tier.worker.report(lambda e: self._failed(tier, e), error)
                return
            result = (payloads, timestamp, captured, key, (picture.width, picture.height))
            tier.worker.report(lambda r: self._send(tier, *r), result)

        if tier.worker.post(job):
            tier.busy += 1
        elif key:
            tier.key_wanted = True

    def _send(
        self, tier: Tier, payloads: list[bytes], timestamp: int, captured: float, key: bool, size: tuple[int, int]
    ) -> None:
        tier.busy -= 1
        self.encoded += 1
        key = key or begins_key(tier.codec, payloads)
        for sender in tuple(tier.members):
            sender.take(payloads, timestamp, captured, key=key, size=size)

    def _failed(self, tier: Tier, error: BaseException) -> None:
        """The picture is lost; the next one goes to a fresh encoder."""
        tier.busy -= 1
        self.encode_errors += 1
        tier.encoder = picture_encoder(tier.codec, self._hardware)
        tier.key_wanted = True
        if self.encode_errors == 1:
            logger.warning("a picture could not be encoded: %s", error)


async def _end(tier: Tier) -> None:
    """The thread has ended and the encoder's memory, some 30 MB, is given back: whoever waits for Python's collector
    waits for many calls, as it does not know how much hangs on a small object."""
    if await tier.worker.stop():
        del tier.encoder


def _captured(frame: av.VideoFrame) -> float:
    """Monotonic seconds; `pts` is from the capture clock."""
    return frame.time or 0.0


def _again(frame: av.VideoFrame) -> av.VideoFrame:
    """A copy of a picture that went before, a moment later: timestamps of a stream never repeat. Nor do they go back
    (libvpx refuses such a picture): the next one may have been captured already."""
    # `reformat` gives the frame itself where nothing has to change, and an encoder may be reading that one.
    made = av.VideoFrame.from_ndarray(even_yuv420p(frame).to_ndarray(), format="yuv420p")
    assert frame.time_base is not None
    made.pts, made.time_base = (frame.pts or 0) + math.ceil(MOMENT / frame.time_base), frame.time_base
    return made


def begins_key(codec: str, payloads: list[bytes]) -> bool:
    """Whether the encoder made a keyframe unasked (its first picture, a new size)."""
    if not payloads:
        return False
    if codec == "H264":
        kinds = {payload[0] & 0x1F for payload in payloads[:2]}
        return bool(kinds & {5, 7, 24}) and _has_parameters(payloads[0])
    if codec == "AV1":
        return av1.begins_key(payloads[0])
    first = payloads[0]
    # RFC 7741, 4.2: an extension byte, then a picture id of one or two bytes.
    skip = 1 if not first[0] & 0x80 else 2 if not first[1] & 0x80 else 4 if first[2] & 0x80 else 3
    return len(first) > skip and not first[skip] & 1


def _has_parameters(payload: bytes) -> bool:
    """A sequence parameter set, alone or first in an aggregate: x264 writes one before every IDR picture."""
    kind = payload[0] & 0x1F
    return kind == 7 or (kind == 24 and len(payload) > 3 and payload[3] & 0x1F == 7)
