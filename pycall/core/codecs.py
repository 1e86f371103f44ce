"""The picture codecs that a call can use, by name."""

from __future__ import annotations

from .errors import ConfigError, ErrorCode

VIDEO_CODECS = ("H264", "VP8", "AV1")
DEFAULT_VIDEO_CODECS = ("H264", "VP8")
"""What every browser has; AV1 only for those who ask for it."""


def check_video_codecs(names: tuple[str, ...]) -> None:
    """Raises `ConfigError` unless these are some of `VIDEO_CODECS`, each once."""
    good = isinstance(names, tuple | list) and bool(names) and all(name in VIDEO_CODECS for name in names)
    if not good or len(set(names)) != len(names):
        problem = f"video_codecs is {names!r}; it must be one or more of {', '.join(VIDEO_CODECS)}, each once"
        raise ConfigError(ErrorCode.BAD_SETTING, problem)
