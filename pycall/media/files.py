"""Sound and picture from media files."""

from __future__ import annotations

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.source import AudioSource, VideoSource


def share_file(audio: object, video: object) -> None:
    """If both play the same file, let them play it together."""


def open_audio_file(path: str) -> AudioSource:
    raise MediaError(ErrorCode.NOT_SUPPORTED, "files are not played yet")


def open_video_file(path: str) -> VideoSource:
    raise MediaError(ErrorCode.NOT_SUPPORTED, "files are not played yet")
