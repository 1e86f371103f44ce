"""The two lanes of the uplink, sound and picture: from what the inlet delivers to every feed and tap. On the loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from pycall.core.types import UserId, VideoProfile
from pycall.media.cadence import Block, Cadence
from pycall.media.channels import columns, silence
from pycall.media.feeds import PictureFeed, SoundFeed
from pycall.media.frames import FRAME_SAMPLES, MICROSECOND, SAMPLE_RATE, AudioFrame, Samples, VideoFrame
from pycall.media.level import Meter
from pycall.media.process.effects import PictureEffects
from pycall.media.shape import PictureShaper, Shells, black_picture
from pycall.media.sink import AudioSink, VideoSink

log = logging.getLogger(__name__)

_PLAUSIBLE = 2.0
"""Seconds between capture and now; a capture time farther off is by another clock, and now counts instead."""

FRESH = 0.2
"""Seconds for which a picture is worth showing to a newcomer."""


class SoundLane:
    """Gives every feed the same block every 20 ms: the source's, or silence while there is none or it is muted."""

    def __init__(self, channels: int = 1) -> None:
        self._channels = channels
        self.open = True
        """False: muted; the next block is silence."""
        self.meter = Meter()
        self._feeds: list[SoundFeed] = []
        self._taps: list[AudioSink] = []
        self._cadence: Cadence | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._cadence = Cadence(time.monotonic(), self._channels)
        self._beat()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._cadence = None

    def lead(self) -> float:
        """Seconds of the source's sound that wait to be sent. May be asked in any thread."""
        cadence = self._cadence
        return 0.0 if cadence is None else cadence.lead(time.monotonic())

    def deliver(self, samples: Samples, ahead: float) -> None:
        """Sound of the source, shape (n,) or (n, 2); it has pushed `ahead` seconds in advance before."""
        if self._cadence is not None:
            self._cadence.push(samples, time.monotonic(), ahead)
            self._beat()

    def source_gone(self) -> None:
        if self._cadence is not None:
            self._cadence.source_gone()

    def open_feed(self) -> SoundFeed:
        feed = SoundFeed(self._feed_closed)
        self._feeds.append(feed)
        return feed

    def add_tap(self, sink: AudioSink) -> None:
        self._taps.append(sink)

    def remove_tap(self, sink: AudioSink) -> None:
        if sink in self._taps:
            self._taps.remove(sink)

    def _feed_closed(self, feed: SoundFeed) -> None:
        if feed in self._feeds:
            self._feeds.remove(feed)

    def _beat(self) -> None:
        cadence = self._cadence
        if cadence is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        for block in cadence.take(time.monotonic()):
            self._hand_out(block)
        delay = max(0.0, cadence.deadline() - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay, self._beat)

    def _hand_out(self, block: Block) -> None:
        if not self.open:
            block = Block(silence(FRAME_SAMPLES, self._channels), block.pts, block.time)
        self.meter.hear(block.samples)
        for feed in self._feeds:
            feed.put(block)
        if self._taps:
            frame = AudioFrame(columns(block.samples), SAMPLE_RATE, block.time)
            for tap in list(self._taps):
                if not _told(partial(tap.hear, frame)):
                    self.remove_tap(tap)


class PictureLane:
    """Gives every feed the newest picture of the source, in the profile's size; nothing while it is closed."""

    def __init__(self, profile: VideoProfile, effects: PictureEffects) -> None:
        self.profile = profile
        self._effects = effects
        self._open = True
        self._shaper = PictureShaper(profile, crop=True)
        self._shells = Shells()
        self._feeds: list[PictureFeed] = []
        self._taps: list[tuple[VideoSink, UserId]] = []
        self._last_time = 0.0
        self._newest: VideoFrame | None = None

    @property
    def open(self) -> bool:
        """False: the camera is closed; nothing is converted or sent."""
        return self._open

    @open.setter
    def open(self, value: bool) -> None:
        self._open = value
        if not value:
            self.clear()

    def clear(self) -> None:
        """Forget pictures that no feed has fetched yet."""
        self._newest = None
        for feed in self._feeds:
            feed.clear()

    def set_profile(self, profile: VideoProfile) -> None:
        self.profile = profile
        self._shaper.set_profile(profile)

    def convert(self, frame: VideoFrame) -> VideoFrame | None:
        """In the source's thread, where scaling (0.2 to 2 ms at 720p) and effects hold nobody up."""
        shaped = self._shaper.shape(frame) if self._open else None
        return None if shaped is None else VideoFrame(self._effects.apply(shaped.picture), shaped.time)

    def deliver(self, frame: VideoFrame) -> None:
        """A picture in its final shape."""
        if not self._open:
            return
        now = time.monotonic()
        captured = frame.time if abs(frame.time - now) < _PLAUSIBLE else now
        at = max(captured, self._last_time + float(MICROSECOND))
        self._last_time = at
        frame.picture.pts = round(at / MICROSECOND)
        self._newest = frame
        for feed in self._feeds:
            feed.put(self._shells.another(frame.picture))
        for tap, user_id in list(self._taps):
            if not _told(partial(tap.see, user_id, frame)):
                self.remove_tap(tap)

    def show_black(self) -> None:
        """What is seen after the source has died."""
        picture = black_picture(self.profile.width, self.profile.height)
        picture.time_base = MICROSECOND
        self.deliver(VideoFrame(picture, time.monotonic()))

    def open_feed(self) -> PictureFeed:
        """Begins with the newest picture if that is fresh, so that nobody waits for the next one."""
        feed = PictureFeed(lambda: self.profile, self._feed_closed)
        self._feeds.append(feed)
        if self._newest is not None and time.monotonic() - self._last_time < FRESH:
            feed.put(self._shells.another(self._newest.picture))
        return feed

    def add_tap(self, sink: VideoSink, user_id: UserId) -> None:
        self._taps.append((sink, user_id))

    def remove_tap(self, sink: VideoSink) -> None:
        self._taps = [tap for tap in self._taps if tap[0] is not sink]

    def _feed_closed(self, feed: PictureFeed) -> None:
        if feed in self._feeds:
            self._feeds.remove(feed)


def _told(listen: Callable[[], None]) -> bool:
    try:
        listen()
    except Exception:  # a user's own sink must not stop the others
        log.exception("a sink raised while it was given what we send; it gets no more")
        return False
    return True
