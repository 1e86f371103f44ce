"""A bot that records whoever calls."""

from __future__ import annotations

from dataclasses import replace

from pycall import EngineConfig

from .answering import AnsweringBot


class RecordBot(AnsweringBot):
    """Answers, says nothing, and writes what it hears and sees to `path` until the caller hangs up.

    The first call goes to `path` (`.mkv` or `.mp4`), the next to `path` with `-2` before its ending, and so on.
    """

    def __init__(self, path: str, config: EngineConfig | None = None) -> None:
        config = config or EngineConfig()
        super().__init__(
            replace(config, audio_source="null", video_source="null", audio_sink="null", video_sink="null", record=path)
        )
