"""Sound and picture from media files: paced by real time, in step with each other, looped without a jump.

    FileAudio ─┐                 ┌─ Track of sound     (each its own decoder; the earlier frame goes first)
               ├─ one Player ────┤
    FileVideo ─┘  (one thread)   └─ Track of pictures

Both kinds loop with the same period: when both have ended, the next pass begins where the pictures ended (the sound's
last few milliseconds are cut or padded), or where the longer one ended if they differ by more than a quarter second.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

import av
import numpy as np

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.channels import Resampler, columns, silence
from pycall.media.frames import SAMPLE_RATE, AudioFrame, Samples, VideoFrame
from pycall.media.source import Intake
from pycall.media.tracks import Track

FrameT = TypeVar("FrameT", av.AudioFrame, av.VideoFrame)
PushedT = TypeVar("PushedT")
_JOIN_LIMIT = 1.0
_MAX_LATE = 0.3
"""Seconds behind real time after which the file goes on from where it is, instead of hurrying after."""
_SAME_LENGTH = 0.25
"""Seconds by which sound and picture of one clip usually differ (padding of their coders)."""
_SIGN_OF_LIFE = 0.5
"""Seconds after which a pause in the file is bridged, so that it does not look like a dead source."""
_STILL = 1.0
"""Seconds that a file of one picture counts as."""
_TOLERANCE = 0.040
"""Seconds by which timestamps of sound may stray (rounding) before samples are added or left out."""


class SoundLine:
    """Decoded sound of any format becomes mono or stereo, 48 kHz, without gaps; for one thread."""

    def __init__(self, channels: int = 1) -> None:
        self._channels = channels
        self._resampler: Resampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._start: float | None = None
        self._taken = 0.0
        self._given = 0
        self._skip = 0

    @property
    def expects(self) -> float:
        """When the next frame that is fed should begin, seconds."""
        return (self._start or 0.0) + self._taken

    @property
    def position(self) -> float:
        """Where the next sample that comes out belongs, seconds; behind `expects` by what the resampler holds."""
        return (self._start or 0.0) + self._given / SAMPLE_RATE

    def feed(self, frame: av.AudioFrame, at: float, tolerance: float) -> Samples:
        """Samples for `frame`, which belongs at `at` seconds; what misfits by more than `tolerance` is mended."""
        if self._start is None:
            self._start = at
        gap = at - self._start - self._taken
        quiet = 0
        if abs(gap) > tolerance:
            self._taken += gap
            if gap > 0:
                quiet = round(gap * SAMPLE_RATE)
            else:
                self._skip += round(-gap * SAMPLE_RATE)
        self._taken += frame.samples / frame.sample_rate
        return self._emit(self._convert(frame), quiet)

    def take_back(self, count: int) -> None:
        """The last `count` samples that came out are not used; the next frame takes their place."""
        self._given -= count
        self._taken -= count / SAMPLE_RATE

    def _emit(self, sound: Samples, quiet: int) -> Samples:
        cut = min(self._skip, len(sound))
        self._skip -= cut
        sound = sound[cut:]
        if quiet > SAMPLE_RATE * _SIGN_OF_LIFE:
            self._given += quiet  # passed in real time already: nobody wants it now
        elif quiet:
            sound = np.concatenate([silence(quiet, self._channels), sound])
        self._given += len(sound)
        return sound

    def _convert(self, frame: av.AudioFrame) -> Samples:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or self._format != shape:
            self._resampler = Resampler(self._channels)
            self._format = shape
        frame.pts = None
        try:
            return self._resampler.resample(frame)
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError(
                ErrorCode.BAD_FILE, f"sound in format {', '.join(map(str, shape))} cannot be played"
            ) from error


_AnyTrack = Track[av.AudioFrame] | Track[av.VideoFrame]


class _Deck:
    """What plays in one run of the thread: the tracks, their common clock and where they push. One thread only."""

    def __init__(self, player: _Player) -> None:
        self._player = player
        self._path = player.path
        self._base = time.monotonic()
        self._offset = 0.0
        self._sound: Track[av.AudioFrame] | None = None
        self._pictures: Track[av.VideoFrame] | None = None
        self._line = SoundLine(player.channels)
        self._last: VideoFrame | None = None

    def load(self, audio: bool, video: bool) -> None:
        """Open and close tracks so that just these play, from where the clock is. Raises `MediaError`."""
        first = not self._tracks()
        if audio and self._sound is None:
            self._sound = self._player.opened_sound() or Track(self._path, av.AudioFrame)
            self._sound.seek(self._position())
            self._line = SoundLine(self._player.channels)
        if video and self._pictures is None:
            self._pictures = self._player.opened_pictures() or Track(self._path, av.VideoFrame)
            self._pictures.seek(self._position())
        if self._sound is not None and not audio:
            self._sound.close()
            self._sound = None
        if self._pictures is not None and not video:
            self._pictures.close()
            self._pictures = self._last = None
        if first:
            self._base = time.monotonic() - self._offset

    def close(self) -> None:
        self.load(False, False)

    def wait(self) -> float:
        """Seconds until the next frame is due; 0 or less: now."""
        track = self._next()
        if track is None:
            return 0.0
        early = self._base + self._offset + track.time - time.monotonic()
        if early < -_MAX_LATE:
            self._base -= early
        return early

    def play(self, audio: Intake[AudioFrame] | None, video: Intake[VideoFrame] | None) -> None:
        """Push the frame that is due, or begin the next pass. Raises `MediaError` if the file is gone."""
        track = self._next()
        if track is None:
            self._next_pass()
        elif track is self._sound and audio is not None:
            self._push_sound(self._sound, audio)
        elif track is self._pictures and video is not None:
            self._push_picture(self._pictures, video)

    def sign_of_life(self, audio: Intake[AudioFrame] | None, video: Intake[VideoFrame] | None) -> None:
        """Nothing is due for a while: show the last picture again, and push no samples."""
        now = time.monotonic()
        if audio is not None:
            audio.push(AudioFrame(np.empty((0, 1), np.int16), SAMPLE_RATE, now))
        if video is not None and self._last is not None:
            video.push(VideoFrame(self._last.picture, now))

    def _position(self) -> float:
        return max(0.0, time.monotonic() - self._base - self._offset)

    def _tracks(self) -> list[_AnyTrack]:
        return [track for track in (self._pictures, self._sound) if track is not None]

    def _next(self) -> _AnyTrack | None:
        going = [track for track in self._tracks() if track.passed is None]
        return min(going, key=lambda track: track.time, default=None)

    def _next_pass(self) -> None:
        if self._pictures is not None:
            self._offset += _period(self._sound, self._pictures)
        elif self._sound is not None:
            self._offset = self._line.expects - self._sound.time
        for track in self._tracks():
            track.begin()

    def _push_sound(self, track: Track[av.AudioFrame], intake: Intake[AudioFrame]) -> None:
        tolerance = 0.5 / SAMPLE_RATE if track.count == 1 else _TOLERANCE
        samples = self._line.feed(track.head, self._offset + track.time, tolerance)
        end = self._cut()
        excess = 0 if end is None else round((self._line.position - self._offset - end) * SAMPLE_RATE)
        if excess > 0:
            excess = min(excess, len(samples))
            samples = samples[: len(samples) - excess]
            self._line.take_back(excess)
        if len(samples):
            at = self._base + self._line.position - len(samples) / SAMPLE_RATE
            intake.push(AudioFrame(columns(samples), SAMPLE_RATE, at))
        if excess > 0:
            track.finish()
        else:
            track.advance()

    def _cut(self) -> float | None:
        """Where the sound of this pass is cut because the pictures have ended there and it would not go on for long."""
        if self._sound is None or self._pictures is None or self._pictures.passed is None:
            return None
        end = self._pictures.passed.begin + _period(None, self._pictures)
        promised = self._sound.promised_end
        return end if promised is not None and promised - end < _SAME_LENGTH else None

    def _push_picture(self, track: Track[av.VideoFrame], intake: Intake[VideoFrame]) -> None:
        track.head.pict_type = av.video.frame.PictureType.NONE
        self._last = VideoFrame(track.head, self._base + self._offset + track.time)
        intake.push(self._last)
        track.advance()


def _period(sound: Track[av.AudioFrame] | None, pictures: Track[av.VideoFrame]) -> float:
    """Seconds from one pass to the next; both have passed."""
    assert pictures.passed is not None
    length = pictures.passed.end - pictures.passed.begin
    if pictures.passed.count == 1:
        length = max(length, _STILL)
    if sound is not None and sound.passed is not None:
        sound_length = sound.passed.end - sound.passed.begin
        return sound_length if sound_length > length + _SAME_LENGTH else length
    return length


class _Player:
    """Plays one file to at most one intake of each kind, in one thread that lives while there is an intake."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.channels = 1
        self._audio: Intake[AudioFrame] | None = None
        self._video: Intake[VideoFrame] | None = None
        self._sound: Track[av.AudioFrame] | None = None
        self._pictures: Track[av.VideoFrame] | None = None
        self._lock = Lock()
        self._run: _Run | None = None

    def attach_audio(self, intake: Intake[AudioFrame], opened: Track[av.AudioFrame] | None) -> None:
        """Play to `intake` from where the pictures are, or from the beginning; `opened`: a track at its start."""
        with self._lock:
            self._sound, self._audio = opened, intake
            self._go()

    def attach_video(self, intake: Intake[VideoFrame], opened: Track[av.VideoFrame] | None) -> None:
        """The same for pictures."""
        with self._lock:
            self._pictures, self._video = opened, intake
            self._go()

    def opened_sound(self) -> Track[av.AudioFrame] | None:
        """The track that came with the intake, once."""
        track, self._sound = self._sound, None
        return track

    def opened_pictures(self) -> Track[av.VideoFrame] | None:
        track, self._pictures = self._pictures, None
        return track

    def _go(self) -> None:
        if self._run is None or not self._run.thread.is_alive():
            self._run = _Run(self._play, f"pycall-file {os.path.basename(self.path)}")
        self._run.changed.set()

    def detach(self, intake: object) -> None:
        """Push no more to `intake`; the last one ends the thread, which is joined."""
        with self._lock:
            self._audio = None if self._audio is intake else self._audio
            self._video = None if self._video is intake else self._video
            run = self._run
            if run is not None:
                run.changed.set()
            if self._audio is not None or self._video is not None:
                return
            self._run = None
        if run is not None:
            run.stopped = True
            run.changed.set()
            run.thread.join(_JOIN_LIMIT)

    def _play(self, run: _Run) -> None:
        deck = _Deck(self)
        try:
            while not run.stopped:
                self._step(deck, run)
        except MediaError as error:
            for intake in (self._audio, self._video):
                if intake is not None:
                    intake.fail(error)
        finally:
            deck.close()

    def _step(self, deck: _Deck, run: _Run) -> None:
        run.changed.clear()
        audio, video = self._audio, self._video
        deck.load(audio is not None, video is not None)
        early = deck.wait()
        if early <= 0.0:
            deck.play(audio, video)
        elif not run.changed.wait(min(early, _SIGN_OF_LIFE)) and early > _SIGN_OF_LIFE:
            deck.sign_of_life(audio, video)


class _Run:
    """One life of a player's thread."""

    def __init__(self, play: Callable[[_Run], None], name: str) -> None:
        self.stopped = False
        self.changed = Event()
        self.thread = Thread(target=play, args=(self,), name=name, daemon=True)
        self.thread.start()


class _FileHalf(ABC, Generic[FrameT, PushedT]):
    """The sound or the pictures of a file, one half of what its player plays."""

    def __init__(self, path: str, kind: type[FrameT]) -> None:
        self._opened: Track[FrameT] | None = Track(path, kind)
        self.player = _Player(os.path.realpath(path))
        self._intake: Intake[PushedT] | None = None

    def start(self, intake: Intake[PushedT]) -> None:
        self._intake = intake
        self._attach(intake, self._opened)
        self._opened = None

    @abstractmethod
    def _attach(self, intake: Intake[PushedT], opened: Track[FrameT] | None) -> None:
        """Play into `intake`; what was opened to look at it goes on being used."""

    @property
    def started(self) -> bool:
        return self._intake is not None

    def stop(self) -> None:
        if self._intake is not None:
            self.player.detach(self._intake)
            self._intake = None


class FileAudio(_FileHalf[av.AudioFrame, AudioFrame]):
    """The sound of a file, looped. Raises `MediaError` (NO_SUCH_FILE, BAD_FILE) if there is none."""

    def __init__(self, path: str, channels: int = 1) -> None:
        self._channels = channels
        super().__init__(path, av.AudioFrame)

    def _attach(self, intake: Intake[AudioFrame], opened: Track[av.AudioFrame] | None) -> None:
        self.player.channels = self._channels
        self.player.attach_audio(intake, opened)


class FileVideo(_FileHalf[av.VideoFrame, VideoFrame]):
    """The pictures of a file as they are, looped. Raises `MediaError` (NO_SUCH_FILE, BAD_FILE) if there are none."""

    def __init__(self, path: str) -> None:
        super().__init__(path, av.VideoFrame)

    def _attach(self, intake: Intake[VideoFrame], opened: Track[av.VideoFrame] | None) -> None:
        self.player.attach_video(intake, opened)


def share_file(audio: object, video: object) -> None:
    """If both are parts of one file, let one player play them, in step; to be called before the newer is started."""
    if not isinstance(audio, FileAudio) or not isinstance(video, FileVideo) or audio.player is video.player:
        return
    if audio.player.path == video.player.path:
        if video.started:
            audio.player = video.player
        else:
            video.player = audio.player
