"""Refuses settings that can never work when they are made, not in the first call: one line that names the setting."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from pycall.core.codecs import check_video_codecs
from pycall.core.errors import ConfigError, ErrorCode, PyCallError

if TYPE_CHECKING:
    from pycall.config import EngineConfig

_SECONDS = {
    "volume_interval": (0.1, 10.0),
    "quality_interval": (1.0, 10.0),
    "connect_timeout": (1.0, 120.0),
    "reply_timeout": (0.1, 120.0),
}
_SWITCHES = ("dtx", "hardware", "relay_only")


def check_config(config: EngineConfig) -> None:
    """Raises `ConfigError` (BAD_SETTING). The media libraries are loaded here, not by `import pycall`."""
    from pycall.media.profiles import profile
    from pycall.media.sink import check_audio_sink, check_video_sink
    from pycall.media.source import check_audio_source, check_video_source
    from pycall.rtc.servers import read_servers

    _check_server(config)
    _named("audio_source", check_audio_source, config.audio_source)
    _named("video_source", check_video_source, config.video_source)
    _named("audio_sink", check_audio_sink, config.audio_sink)
    _named("video_sink", check_video_sink, config.video_sink)
    if not isinstance(config.video_profile, str):
        raise _bad("video_profile", config.video_profile, "a name such as '720p30'")
    _named("video_profile", profile, config.video_profile)
    check_video_codecs(config.video_codecs)
    if not isinstance(config.ice_servers, tuple | list):
        raise _bad("ice_servers", config.ice_servers, "a tuple of URLs or IceServers")
    read_servers(config.ice_servers)
    _check_files(config)
    _check_plain(config)


def _check_server(config: EngineConfig) -> None:
    if not (isinstance(config.server, str) and config.server.startswith(("ws://", "wss://"))):
        raise _bad("server", config.server, "an address like ws://127.0.0.1:8790/ws")
    if type(config.app_id) is not int or config.app_id <= 0:
        raise _bad("app_id", config.app_id, "a positive number, the server's")
    if config.audio_profile not in ("voice", "music"):
        raise _bad("audio_profile", config.audio_profile, "'voice' or 'music'")


def _check_files(config: EngineConfig) -> None:
    from pycall.media.muxer import format_of
    from pycall.media.process.segmentation import SegmentationModel

    if config.record is not None:
        if not isinstance(config.record, str | os.PathLike):
            raise _bad("record", config.record, "the name of a .mkv or .mp4 file, or None")
        _named("record", format_of, os.fspath(config.record))
    if not isinstance(config.segmentation_model, str | SegmentationModel | None):
        raise _bad(
            "segmentation_model", config.segmentation_model, "the path of an ONNX file, a SegmentationModel or None"
        )


def _check_plain(config: EngineConfig) -> None:
    for name in _SWITCHES:
        if not isinstance(getattr(config, name), bool):
            raise _bad(name, getattr(config, name), "True or False")
    for name, (low, high) in _SECONDS.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _bad(name, value, f"{low:g} to {high:g} seconds")


def _named(name: str, check: Callable[..., object], value: object) -> None:
    """What `check` refuses, as an error of this setting."""
    try:
        check(value)
    except PyCallError as error:
        raise ConfigError(ErrorCode.BAD_SETTING, f"{name}: {error.message}") from None


def _bad(name: str, value: object, wanted: str) -> ConfigError:
    given = " ".join(repr(value).split())[:80]
    return ConfigError(ErrorCode.BAD_SETTING, f"{name} is {given}; it must be {wanted}")
