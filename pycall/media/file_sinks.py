"""The sinks behind `file:`: a recorder of what arrives, opened once for sound and once for pictures."""

from __future__ import annotations

import os
import weakref

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.types import UserId
from pycall.media.frames import AudioFrame, VideoFrame
from pycall.media.muxer import check_writable
from pycall.media.recorder import FAR, SOUND, CallRecorder
from pycall.media.sink import AudioSink, VideoSink


class _SharedFile:
    """A recorder behind `file:` sinks: opened once for sound and once for pictures, it is one file with both."""

    def __init__(self, path: str) -> None:
        self.recorder = CallRecorder(path, near=False, expect=())
        self._users = 0

    @property
    def begun(self) -> bool:
        return self._users > 0

    def start(self) -> None:
        if self._users == 0:
            self.recorder.start()
        self._users += 1

    def stop(self) -> None:
        self._users -= 1
        if self._users == 0:
            self.recorder.stop()


class _FileSink:
    """The sound or the picture half of a shared file."""

    def __init__(self, shared: _SharedFile) -> None:
        self._shared = shared
        self._running = False

    def start(self) -> None:
        self._shared.start()
        self._running = True

    def hear(self, frame: AudioFrame) -> None:
        self._shared.recorder.far_audio.hear(frame)

    def see(self, user_id: UserId, frame: VideoFrame) -> None:
        self._shared.recorder.far_video.see(user_id, frame)

    def stop(self) -> None:
        if self._running:
            self._running = False
            self._shared.stop()


_shared: weakref.WeakValueDictionary[str, _SharedFile] = weakref.WeakValueDictionary()


def open_audio_file(path: str, channels: int = 1) -> AudioSink:
    """The sound half of the file at `path`; not started yet."""
    shared = _share(path, SOUND)
    shared.recorder.channels = channels
    return _FileSink(shared)


def open_video_file(path: str) -> VideoSink:
    """The picture half of the file at `path`; not started yet."""
    return _FileSink(_share(path, FAR))


def _share(path: str, track: str) -> _SharedFile:
    """The file that the other half has opened and not started yet, or else a new one, if it can be written."""
    key = os.path.realpath(path)
    shared = _shared.get(key)
    if shared is not None and shared.begun:
        raise MediaError(ErrorCode.BAD_FILE, f"{path} is being written already; choose another file")
    if shared is None or track in shared.recorder.expect:
        check_writable(path)
        shared = _shared[key] = _SharedFile(path)
    shared.recorder.expect.add(track)
    return shared
