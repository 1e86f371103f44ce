"""pycall: the phone line for Python. Public names, each resolved when first used, so that a part loads only its own."""

# ruff: noqa: I001 - sorting would write each re-export as an import of its own

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker sees; the names below must be those of _HOMES (a test compares them)
    from pycall.bell import (
        Bell as Bell,
    )
    from pycall.compat.kit import (
        TUICallKit as TUICallKit,
    )
    from pycall.compat.names import (
        TUICallEvent as TUICallEvent,
    )
    from pycall.compat.trtc import (
        TRTCCalling as TRTCCalling,
    )
    from pycall.compat.tui import (
        TUICallEngine as TUICallEngine,
    )
    from pycall.config import (
        EngineConfig as EngineConfig,
    )
    from pycall.core.call import (
        CallState as CallState,
    )
    from pycall.core.errors import (
        CallError as CallError,
        ConfigError as ConfigError,
        ErrorCode as ErrorCode,
        LocalProtocolError as LocalProtocolError,
        LoginError as LoginError,
        MediaError as MediaError,
        ProtocolError as ProtocolError,
        PyCallError as PyCallError,
        RemoteProtocolError as RemoteProtocolError,
        SignalingError as SignalingError,
    )
    from pycall.core.events import (
        ActiveSpeakerChanged as ActiveSpeakerChanged,
        CallBegan as CallBegan,
        CallEnded as CallEnded,
        CallQuality as CallQuality,
        CallMediaChanged as CallMediaChanged,
        CallNotConnected as CallNotConnected,
        CallReceived as CallReceived,
        CallReconnected as CallReconnected,
        CallReconnecting as CallReconnecting,
        DevicesChanged as DevicesChanged,
        ErrorOccurred as ErrorOccurred,
        Event as Event,
        KickedOffline as KickedOffline,
        MediaStatistics as MediaStatistics,
        NetworkQualityChanged as NetworkQualityChanged,
        RecordingEnded as RecordingEnded,
        SignalingLost as SignalingLost,
        SignalingRestored as SignalingRestored,
        UserAudioAvailable as UserAudioAvailable,
        UserInfoChanged as UserInfoChanged,
        UserInviting as UserInviting,
        UserJoined as UserJoined,
        UserLeft as UserLeft,
        UserLineBusy as UserLineBusy,
        UserNoResponse as UserNoResponse,
        UserRejected as UserRejected,
        UserRinging as UserRinging,
        UserSigExpired as UserSigExpired,
        UserVideoAvailable as UserVideoAvailable,
        VoiceVolume as VoiceVolume,
    )
    from pycall.core.records import (
        CallRecord as CallRecord,
        RecentCallsFilter as RecentCallsFilter,
        RecordResult as RecordResult,
    )
    from pycall.core.types import (
        AudioPlaybackDevice as AudioPlaybackDevice,
        CallId as CallId,
        DeviceInfo as DeviceInfo,
        DeviceKind as DeviceKind,
        DeviceState as DeviceState,
        EndReason as EndReason,
        MediaType as MediaType,
        NetworkQuality as NetworkQuality,
        PeerQuality as PeerQuality,
        Role as Role,
        RoomId as RoomId,
        Scene as Scene,
        UserId as UserId,
        VideoProfile as VideoProfile,
    )
    from pycall.core.usersig import (
        make_user_sig as make_user_sig,
    )
    from pycall.core.webhook import (
        check_webhook as check_webhook,
        webhook_secret as webhook_secret,
    )
    from pycall.core.wire import (
        IceServer as IceServer,
        MemberView as MemberView,
    )
    from pycall.engine import (
        CallEngine as CallEngine,
    )
    from pycall.media.process.background import (
        BackgroundMode as BackgroundMode,
    )
    from pycall.media.process.segmentation import (
        SegmentationModel as SegmentationModel,
    )
    from pycall.media.frames import (
        AudioFrame as AudioFrame,
        VideoFrame as VideoFrame,
    )
    from pycall.media.sink import (
        AudioSink as AudioSink,
        VideoSink as VideoSink,
    )
    from pycall.media.source import (
        AudioSource as AudioSource,
        Intake as Intake,
        VideoSource as VideoSource,
    )

__version__ = "0.1.0"

_HOMES = {
    "CallEngine": "pycall.engine",
    "EngineConfig": "pycall.config",
    **dict.fromkeys(["CallRecord", "RecentCallsFilter", "RecordResult"], "pycall.core.records"),
    **dict.fromkeys(["check_webhook", "webhook_secret"], "pycall.core.webhook"),
    "BackgroundMode": "pycall.media.process.background",
    "SegmentationModel": "pycall.media.process.segmentation",
    **dict.fromkeys(["AudioFrame", "VideoFrame"], "pycall.media.frames"),
    **dict.fromkeys(["AudioSource", "VideoSource", "Intake"], "pycall.media.source"),
    **dict.fromkeys(["AudioSink", "VideoSink"], "pycall.media.sink"),
    **dict.fromkeys(
        [
            "MediaType",
            "Role",
            "RoomId",
            "Scene",
            "EndReason",
            "NetworkQuality",
            "PeerQuality",
            "CallId",
            "UserId",
            "VideoProfile",
            "DeviceKind",
            "DeviceState",
            "DeviceInfo",
            "AudioPlaybackDevice",
        ],
        "pycall.core.types",
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
            "ActiveSpeakerChanged",
            "CallReceived",
            "UserInviting",
            "UserInfoChanged",
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
            "CallQuality",
            "RecordingEnded",
            "SignalingLost",
            "SignalingRestored",
            "KickedOffline",
            "UserSigExpired",
            "DevicesChanged",
            "ErrorOccurred",
        ],
        "pycall.core.events",
    ),
    "Bell": "pycall.bell",
    "TUICallEngine": "pycall.compat.tui",
    "TUICallKit": "pycall.compat.kit",
    "TUICallEvent": "pycall.compat.names",
    "TRTCCalling": "pycall.compat.trtc",
    "CallState": "pycall.core.call",
    "IceServer": "pycall.core.wire",
    "MemberView": "pycall.core.wire",
    "make_user_sig": "pycall.core.usersig",
}

__all__ = sorted(_HOMES)


if not TYPE_CHECKING:  # else a checker would take every unknown name for Any

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'pycall' has no attribute {name!r}")
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
