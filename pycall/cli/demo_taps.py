"""What the demo counts while it talks: our sources and sinks with a notebook beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pycall.core.types import UserId
from pycall.media.frames import SAMPLE_RATE, AudioFrame, Samples, VideoFrame, pixels_of
from pycall.media.sink import AudioSink, VideoSink
from pycall.media.source import AudioSource, Intake, VideoSource
from pycall.media.stamp import Stamp, read_stamp

KEEP_EVERY = 0.4
"""Seconds between pictures kept for comparison: more than two a second."""
SOUND_SECONDS = 180
"""Sound is kept for comparison up to this length, 17 MB."""


class SoundNotes:
    """Mono samples at 48 kHz with the moment of each piece, `time.monotonic()` seconds."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._pieces: list[Samples] = []
        self._count = 0

    def add(self, frame: AudioFrame, at: float) -> None:
        """Note a frame of any channel count at 48 kHz."""
        if self._count < SOUND_SECONDS * SAMPLE_RATE:
            mono = frame.samples.mean(axis=1).astype(np.int16) if frame.samples.ndim > 1 else frame.samples
            self.times.append(at)
            self._pieces.append(mono)
            self._count += len(mono)

    def save(self, path: Path) -> None:
        lengths = [len(piece) for piece in self._pieces]
        samples = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        np.savez(path, times=np.array(self.times), lengths=np.array(lengths, np.int64), samples=samples)


class PictureNotes:
    """Arrival and stamp of every picture, and a copy of the brightness of a few."""

    def __init__(self, keep_in: Path) -> None:
        self.arrivals: list[float] = []
        self.latencies: list[tuple[float, float]] = []
        """When a stamped picture came, and how old it was."""
        self.kept: list[int] = []
        self.unread = 0
        self.size = (0, 0)
        self.first_at: float | None = None
        self.keeping = False
        self.shown: tuple[Stamp, VideoFrame] | None = None
        """The last picture kept, with its stamp."""
        self._path = keep_in
        self._file: BinaryIO | None = None
        self._next_keep = 0.0

    def add(self, frame: VideoFrame, now: float, wall: float) -> None:
        """Note one picture: `now` by the monotonic clock, `wall` unix time, both in seconds."""
        if self.first_at is None:
            self.first_at = now
        stamp = read_stamp(frame.picture)
        self.arrivals.append(now)
        if (frame.width, frame.height) != self.size:
            self.size, self._next_keep = (frame.width, frame.height), 0.0
            self._restart()
        if stamp is None:
            self.unread += 1
            return
        self.latencies.append((now, wall - stamp.time))
        self._keep(frame, stamp, now)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _restart(self) -> None:
        """Pictures of another size begin a new set: all that are compared have the last size."""
        self.close()
        self.kept.clear()
        self._file = self._path.open("wb")

    def _keep(self, frame: VideoFrame, stamp: Stamp, now: float) -> None:
        if not self.keeping or now < self._next_keep or self._file is None:
            return
        self._next_keep = now + KEEP_EVERY
        self._file.write(pixels_of(frame.picture.planes[0]).tobytes())
        self.kept.append(stamp.number)
        self.shown = stamp, frame


class _NotingIntake:
    """Stands between a source and the uplink and notes what passes."""

    def __init__(self, intake: Intake[AudioFrame], note: Callable[[AudioFrame], None]) -> None:
        self._intake = intake
        self._note = note
        self.fail, self.end = intake.fail, intake.end

    def push(self, frame: AudioFrame) -> None:
        self._note(frame)
        self._intake.push(frame)


class NotedAudioSource:
    """A source of sound whose frames are noted with their capture time."""

    def __init__(self, source: AudioSource, notes: SoundNotes) -> None:
        self._source = source
        self._notes = notes

    def start(self, intake: Intake[AudioFrame]) -> None:
        self._source.start(_NotingIntake(intake, lambda frame: self._notes.add(frame, frame.time)))

    def stop(self) -> None:
        self._source.stop()


class _CountingIntake:
    def __init__(self, intake: Intake[VideoFrame], times: list[float]) -> None:
        self._intake = intake
        self._times = times
        self.fail, self.end = intake.fail, intake.end

    def push(self, frame: VideoFrame) -> None:
        self._times.append(time.monotonic())
        self._intake.push(frame)


class CountedVideoSource:
    """A source of pictures whose frames are counted as they are handed to the uplink."""

    def __init__(self, source: VideoSource) -> None:
        self._source = source
        self.times: list[float] = []

    def start(self, intake: Intake[VideoFrame]) -> None:
        self._source.start(_CountingIntake(intake, self.times))

    def stop(self) -> None:
        self._source.stop()


class NotedAudioSink:
    """Notes what is heard, and gives it on to `inner` if there is one."""

    def __init__(self, notes: SoundNotes, inner: AudioSink | None) -> None:
        self._notes = notes
        self._inner = inner
        self.first_at: float | None = None

    def start(self) -> None:
        if self._inner is not None:
            self._inner.start()

    def hear(self, frame: AudioFrame) -> None:
        now = time.monotonic()
        if self.first_at is None:
            self.first_at = now
        self._notes.add(frame, now)
        if self._inner is not None:
            self._inner.hear(frame)

    def stop(self) -> None:
        if self._inner is not None:
            self._inner.stop()


class NotedVideoSink:
    """Notes what is seen, and gives it on to `inner` if there is one. `on_first` is called once."""

    def __init__(self, notes: PictureNotes, inner: VideoSink | None, on_first: Callable[[float], None]) -> None:
        self._notes = notes
        self._inner = inner
        self._on_first = on_first

    def start(self) -> None:
        if self._inner is not None:
            self._inner.start()

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        now = time.monotonic()
        if self._notes.first_at is None:
            self._on_first(now)
        self._notes.add(frame, now, time.time())
        if self._inner is not None:
            self._inner.see(user_id, frame)

    def stop(self) -> None:
        if self._inner is not None:
            self._inner.stop()
