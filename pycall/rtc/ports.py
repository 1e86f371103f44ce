"""What the media connections need from whoever uses them; any object that fits will do."""

from __future__ import annotations

from typing import Protocol

import av

from pycall.core.types import LinkStats, PeerState, UserId
from pycall.core.wire import Signal

from .opus import Samples


class Sound(Protocol):
    """20 ms at 48 kHz."""

    @property
    def samples(self) -> Samples:
        """int16 of shape (960,), in stereo (960, 2); nobody changes them any more."""
        ...

    @property
    def pts(self) -> int:
        """In 1/48000 s; grows by 960, and further over time for which there was no sound to be had."""
        ...


class AudioFeed(Protocol):
    """Our sound on its way to one peer."""

    async def next_audio(self) -> Sound:
        """The next 20 ms, mono, or stereo for music.

        Paced by real time. While muted or without a source it gives silence; it never ends and never raises.
        """
        ...

    def close(self) -> None:
        """The peer is gone; a pending `next_audio` is cancelled by its task."""
        ...


class VideoFeed(Protocol):
    """Our picture on its way to one peer."""

    async def next_video(self) -> av.VideoFrame:
        """The newest picture not yet given: yuv420p, even sizes, `pict_type` NONE, `pts` with `time_base` from the
        capture clock. Waits while there is none (camera closed or voice call); never ends and never raises.
        The frame belongs to the caller: nobody else reads or changes it.
        """
        ...

    @property
    def bitrate(self) -> int:
        """What the profile in force asks for, bit/s; may change between frames."""
        ...

    @property
    def fps(self) -> int:
        """What the profile in force asks for, frames per second; may change between frames."""
        ...

    def close(self) -> None:
        """The peer is gone."""
        ...


class MediaPorts(Protocol):
    """Where peers get what they send and leave what they receive. All calls come on the event loop."""

    def open_audio_feed(self, user_id: UserId) -> AudioFeed: ...

    def open_video_feed(self, user_id: UserId) -> VideoFeed: ...

    def audio_arrived(self, user_id: UserId, samples: Samples) -> None:
        """About 20 ms at 48 kHz: int16 of shape (n,), or (n, 2) where we take stereo; the receiver's own."""
        ...

    def video_arrived(self, user_id: UserId, frame: av.VideoFrame) -> None: ...


class PeerListener(Protocol):
    """Who is told what the media connections do. All calls come on the event loop."""

    def peer_changed(self, user_id: UserId, generation: int, state: PeerState) -> None: ...

    def peer_signals(self, signal: Signal) -> None:
        """To be sent to the other member."""
        ...

    def peer_measured(self, user_id: UserId, stats: LinkStats) -> None:
        """Every 2 s while the peer is up or stalled."""
        ...
