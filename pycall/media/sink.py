"""Where frames end: the two protocols a sink has to fit, and how sinks are opened by name.

Sinks are called on the event loop and must return at once; one that is slow (a file, a window) keeps a thread and a
bounded queue of its own. A bot's own sink is any object with these methods.
"""

from __future__ import annotations

from typing import Protocol

from pycall.core.types import UserId
from pycall.media.frames import AudioFrame, VideoFrame


class AudioSink(Protocol):
    """Hears everybody mixed into one: 20 ms frames, mono, 48 kHz, paced by real time while a call is up."""

    def start(self) -> None:
        """Open the device; raises `MediaError` if it cannot. May block for up to 2 s (not on the loop)."""
        ...

    def hear(self, frame: AudioFrame) -> None: ...

    def stop(self) -> None:
        """Release the device and join the thread within 1 s. May be called twice."""
        ...


class VideoSink(Protocol):
    """Sees the pictures of one user after the other, as they arrive."""

    def start(self) -> None: ...

    def see(self, user_id: UserId, frame: VideoFrame) -> None: ...

    def stop(self) -> None: ...
