"""pycall: the phone line for Python. Public names, resolved when first used, so that a part loads only what it needs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "CallEngine": "pycall.engine",
    "EngineConfig": "pycall.config",
    **dict.fromkeys(["AudioFrame", "VideoFrame"], "pycall.media.frames"),
    **dict.fromkeys(["AudioSource", "VideoSource", "Intake"], "pycall.media.source"),
    **dict.fromkeys(["AudioSink", "VideoSink"], "pycall.media.sink"),
    **dict.fromkeys(
        ["MediaType", "Role", "EndReason", "NetworkQuality", "CallId", "UserId", "VideoProfile"], "pycall.core.types"
    ),
    **dict.fromkeys(
        [
            "PyCallError",
            "LoginError",
            "CallError",
            "ProtocolError",
            "LocalProtocolError",
            "RemoteProtocolError",
            "SignalingError",
            "MediaError",
            "ConfigError",
            "ErrorCode",
        ],
        "pycall.core.errors",
    ),
    **dict.fromkeys(
        [
            "Event",
            "CallReceived",
            "UserRinging",
            "UserRejected",
            "UserNoResponse",
            "UserLineBusy",
            "CallNotConnected",
            "UserJoined",
            "CallBegan",
            "UserAudioAvailable",
            "UserVideoAvailable",
            "CallMediaChanged",
            "VoiceVolume",
            "NetworkQualityChanged",
            "MediaStatistics",
            "CallReconnecting",
            "CallReconnected",
            "UserLeft",
            "CallEnded",
            "SignalingLost",
            "SignalingRestored",
            "KickedOffline",
            "UserSigExpired",
            "ErrorOccurred",
        ],
        "pycall.core.events",
    ),
    "make_user_sig": "pycall.core.usersig",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pycall' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
