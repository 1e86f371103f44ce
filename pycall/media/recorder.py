"""Records a call to one file: their picture, ours, and both voices in one track, all on one timeline.

    taps (event loop) ─► bounded queues ─► one thread: lanes and tape, encoders, file

The timeline is `time.monotonic()` since `start`. The tracks of a file must be known when its header is written: that
is as soon as every expected picture track has shown its first picture, and at the latest one second after the other
side's first frame, or three after our own; a track that is late then gets `LATE_SIZE`. So start a recorder when the
call begins, not while it rings. A recording of sound that `grows` gets its picture tracks in the same way when the
first picture comes: the file is written anew with them, and what is in it already is copied.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection

import av

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import UserId
from pycall.media.channels import in_channels
from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, VideoFrame
from pycall.media.muxer import Muxer, even, format_of
from pycall.media.tape import Lane, Tape

logger = logging.getLogger(__name__)

FAR = "far"
NEAR = "near"
SOUND = "sound"
HEADER_WAIT = 1.0
"""Seconds after the other side's first sound or picture within which every expected picture should have come."""
ALONE_WAIT = 3.0
"""The same, counted from our own first frame, for a connection that takes long to come up."""
LATE_SIZE = (1280, 720)
"""Size of a picture track whose first picture came after the header was written; pictures are fitted into it."""
MAX_PICTURES = 60
"""Pictures waiting to be encoded, both sides together: 1 s at 30 fps; the oldest is dropped."""
MAX_SOUNDS = 500
"""Sound frames waiting, both sides together: 5 s; the oldest is dropped."""

_HOLD = 0.4
"""Seconds that sound stays on the tape, so that the other side's share of the same moment can still come."""
_WAKE = 0.1
_FOLLOW = 2.0
"""Seconds without a picture of the user shown on the far track after which another user may have it."""
_FINISH = 1.0
"""Seconds that pictures still waiting may take at the end; then the rest of them is dropped."""
_STOP_TIMEOUT = 3.0


class _Tap:
    """One end of the recorder, shaped like a sink. Starting and stopping is the recorder's own."""

    def __init__(self, recorder: CallRecorder, side: str) -> None:
        self._recorder = recorder
        self._side = side

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def hear(self, frame: AudioFrame) -> None:
        self._recorder.take_sound(self._side, frame)

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        self._recorder.take_picture(self._side, user_id, frame)


class CallRecorder:
    """Writes `path` (`.mkv` or `.mp4`), replacing it. Give its four taps to whoever has the frames.

    `near=False` records only what was seen and heard. `expect` names the tracks the file gets: `"far"` and `"near"`
    pictures and `"sound"`; by default all that the taps can fill. With `grows` both picture tracks are added
    when a picture comes (a voice call that becomes a video call). `channels` of the sound: 1 or 2. A failure while
    recording (disk full) ends the file but not the call; it is reported once: to `on_failure`, called on the recorder's
    thread, or without that by raising from the next call of a tap. A machine that is too slow leaves out pictures:
    `on_overload` is called at the first of them, by whoever shows pictures to the taps. Raises `ConfigError` for a file
    name that is neither `.mkv` nor `.mp4`.
    """

    def __init__(
        self,
        path: str,
        *,
        near: bool = True,
        expect: Collection[str] | None = None,
        grows: bool = False,
        on_failure: Callable[[MediaError], None] | None = None,
        on_overload: Callable[[MediaError], None] | None = None,
        channels: int = 1,
    ) -> None:
        format_of(path)
        self.channels = channels
        self.path = path
        self.expect = set(expect if expect is not None else (FAR, NEAR, SOUND))
        if not near:
            self.expect.discard(NEAR)
        self._sides = {FAR, NEAR} if near else {FAR}
        self.far_audio = self.far_video = _Tap(self, FAR)
        self.near_audio = self.near_video = _Tap(self, NEAR)
        self.dropped_pictures = 0
        """Left out of the file."""
        self.written_pictures = 0
        self._grows = grows
        self._on_failure = on_failure
        self._on_overload = on_overload
        self._overloaded = False
        self._failure: MediaError | None = None
        self._began = 0.0
        self._changed = threading.Condition()
        self._pictures: deque[tuple[str, UserId, VideoFrame]] = deque()
        self._sounds: deque[tuple[str, AudioFrame]] = deque(maxlen=MAX_SOUNDS)
        self._thread: threading.Thread | None = None
        self._closing = False
        self._finish_by = 0.0

    def start(self) -> None:
        """Create the file and begin the timeline; raises `MediaError` if the file cannot be written."""
        try:
            with open(self.path, "wb"):
                pass
        except OSError as error:
            reason = error.strerror or str(error)
            raise MediaError(ErrorCode.BAD_FILE, f"cannot write the recording {self.path}: {reason}") from error
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"record {os.path.basename(self.path)}", daemon=True)
        self._thread.start()

    def stop(self) -> bool:
        """Write what has come, end the file and join the thread; False if the file broke off. May be called twice."""
        with self._changed:
            self._closing = True
            self._finish_by = time.monotonic() + _FINISH
            self._changed.notify()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_STOP_TIMEOUT)
            if thread.is_alive():
                logger.error("the recording was not finished after %.0f s", _STOP_TIMEOUT)
                return False
        return self._failure is None

    def take_sound(self, side: str, frame: AudioFrame) -> None:
        """A frame of one side, at 48 kHz; returns at once. For the taps."""
        if self._accepts(SOUND, side):
            with self._changed:
                self._sounds.append((side, frame))

    def take_picture(self, side: str, user_id: UserId, frame: VideoFrame) -> None:
        """A picture of one side; returns at once, drops the oldest if the encoder is behind. For the taps."""
        if self._grows and side in self._sides and side not in self.expect:
            self.expect = self.expect | self._sides
        if self._accepts(side, side):
            with self._changed:
                behind = len(self._pictures) >= MAX_PICTURES
                if behind:
                    self._pictures.popleft()
                    self.dropped_pictures += 1
                self._pictures.append((side, user_id, frame))
                self._changed.notify()
            if behind and not self._overloaded:
                self._overloaded = True
                self._warn()

    def _accepts(self, track: str, side: str) -> bool:
        if self._failure is not None and self._on_failure is None:
            failure, self._on_failure = self._failure, _ignore
            raise failure
        running = self._thread is not None and not self._closing and self._failure is None
        return running and track in self.expect and side in self._sides

    def _run(self) -> None:
        try:
            _Writer(self).run()
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._failure = MediaError(ErrorCode.BAD_FILE, f"the recording {self.path} has ended: {reason}")
            logger.warning("%s", self._failure)
            if self._on_failure is not None:
                self._tell(self._on_failure, self._failure)

    def _warn(self) -> None:
        """Once: somebody who records should not learn from the file that it lacks most of its pictures."""
        problem = MediaError(
            ErrorCode.OVERLOADED,
            f"this machine is too slow for the recording {self.path}: pictures are left out of it; "
            "a smaller video profile needs less",
        )
        logger.warning("%s", problem)
        if self._on_overload is not None:
            self._tell(self._on_overload, problem)

    def _tell(self, listener: Callable[[MediaError], None], failure: MediaError) -> None:
        try:
            listener(failure)
        except Exception:  # the listener is the program's own code
            logger.exception("a listener of the recorder raised")

    def next_work(self) -> tuple[list[tuple[str, AudioFrame]], tuple[str, UserId, VideoFrame] | None, bool]:
        """All waiting sound, one waiting picture, and whether it is time to end. For the recorder's thread."""
        with self._changed:
            if not self._pictures and not self._closing:
                self._changed.wait(_WAKE)
            sounds = list(self._sounds)
            self._sounds.clear()
            if self._closing and time.monotonic() > self._finish_by:
                self.dropped_pictures += len(self._pictures)
                self._pictures.clear()
            picture = self._pictures.popleft() if self._pictures else None
            return sounds, picture, self._closing and picture is None

    @property
    def began(self) -> float:
        """`time.monotonic()` at `start`: the file's zero."""
        return self._began


def _ignore(_: MediaError) -> None:
    """The failure has been reported already."""


class _Writer:
    """What the recorder's thread does, from the first frame to the end of the file."""

    def __init__(self, recorder: CallRecorder) -> None:
        self._recorder = recorder
        self._muxer: Muxer | None = None
        self._early: deque[tuple[str, VideoFrame]] = deque(maxlen=MAX_PICTURES)
        self._sizes: dict[str, tuple[int, int]] = {}
        self._firsts: dict[str, float] = {}
        self._tape = Tape(recorder.channels)
        self._lanes = {FAR: Lane(), NEAR: Lane()}
        self._shown: tuple[UserId, float] | None = None
        self._growing = False

    def run(self) -> None:
        try:
            ended = False
            while not ended:
                sounds, picture, ended = self._recorder.next_work()
                self._lay(sounds)
                if picture is not None:
                    self._show(*picture)
                self._advance(ended)
        finally:
            if self._muxer is not None:
                self._muxer.close()

    def _lay(self, sounds: list[tuple[str, AudioFrame]]) -> None:
        for side, frame in sounds:
            self._firsts.setdefault(side, time.monotonic())
            sound = in_channels(frame.samples, self._recorder.channels)
            placed = self._lanes[side].place(sound, frame.time - self._recorder.began)
            if placed is not None:
                self._tape.add(*placed)

    def _show(self, side: str, user_id: UserId, frame: VideoFrame) -> None:
        """Encode a picture, or keep it until the header is written."""
        if side == FAR and not self._follows(user_id, frame.time):
            return
        if self._muxer is not None and side not in self._muxer.tracks and not self._growing:
            self._growing = True
            self._firsts.clear()  # count anew for how long the other track is waited for
        self._firsts.setdefault(side, time.monotonic())
        self._sizes.setdefault(side, (even(frame.width), even(frame.height)))
        if self._muxer is None or self._growing:
            self._recorder.dropped_pictures += len(self._early) == MAX_PICTURES  # the oldest goes
            self._early.append((side, frame))
        else:
            self._write(self._muxer, side, frame)

    def _follows(self, user_id: UserId, now: float) -> bool:
        """With several others, the far track keeps to the first until they have had no picture for a while."""
        if self._shown is None or self._shown[0] == user_id or now - self._shown[1] > _FOLLOW:
            self._shown = (user_id, now)
            return True
        return False

    def _advance(self, ended: bool) -> None:
        """Write the header when it is time to, then the sound that nothing more can come for."""
        now = time.monotonic()
        if (self._muxer is None or self._growing) and (ended or self._ready(now)):
            self._open()
        if self._muxer is None:
            return
        elapsed = (now - self._recorder.began) * SAMPLE_RATE
        # A file without a single packet does not open, so even the shortest call leaves a frame of silence.
        until = max(elapsed, self._tape.end, 1) if ended else elapsed - _HOLD * SAMPLE_RATE - FRAME_SAMPLES
        while self._tape.position < until:
            position = self._tape.position
            self._muxer.write_sound(self._tape.take(FRAME_SAMPLES), position)

    def _ready(self, now: float) -> bool:
        if not self._firsts:
            return False
        complete = self._recorder.expect - {SOUND} <= self._sizes.keys()
        waited = now - self._firsts.get(FAR, now) > HEADER_WAIT or now - self._firsts.get(NEAR, now) > ALONE_WAIT
        return complete or waited

    def _open(self) -> None:
        expect = self._recorder.expect
        sizes = {side: self._sizes.get(side, LATE_SIZE) for side in (FAR, NEAR) if side in expect}
        if self._muxer is None:
            path, channels = self._recorder.path, self._recorder.channels
            self._muxer = Muxer(path, audio=SOUND in expect, pictures=sizes, channels=channels)
        else:
            self._muxer = self._muxer.grown(sizes)
        self._growing = False
        while self._early:
            self._write(self._muxer, *self._early.popleft())

    def _write(self, muxer: Muxer, side: str, frame: VideoFrame) -> None:
        try:
            muxer.write_picture(side, frame.picture, frame.time - self._recorder.began)
            self._recorder.written_pictures += 1
        except MediaError as error:
            self._recorder.dropped_pictures += 1
            logger.info("a picture is missing in the recording: %s", error)
