"""A bot that plays a media file to whoever calls."""

from __future__ import annotations

from dataclasses import replace

import av

from pycall import EngineConfig, ErrorCode, MediaError

from .answering import AnsweringBot


class PlayBot(AnsweringBot):
    """Answers and plays `path`, its sound and its picture, over and over, until the caller hangs up."""

    def __init__(self, path: str, config: EngineConfig | None = None) -> None:
        """Raises `MediaError` if the file is not there or has neither sound nor picture."""
        sound, picture = tracks_of(path)
        config = config or EngineConfig()
        super().__init__(
            replace(
                config,
                audio_source=f"file:{path}" if sound else "null",
                video_source=f"file:{path}" if picture else "null",
                audio_sink="null",
                video_sink="null",
            )
        )


def tracks_of(path: str) -> tuple[bool, bool]:
    """Whether a file has sound, and whether it has a picture; raises `MediaError` if it has neither."""
    try:
        with av.open(path) as container:
            found = bool(container.streams.audio), bool(container.streams.video)
    except FileNotFoundError as error:
        raise MediaError(ErrorCode.NO_SUCH_FILE, f"there is no file {path!r}: check the name") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(ErrorCode.BAD_FILE, f"{path!r} is no media file that can be played") from error
    if not any(found):
        raise MediaError(ErrorCode.BAD_FILE, f"{path!r} has neither sound nor picture")
    return found
