"""The documented parameter and result objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pycall.compat.enums import (
    CallEndReason,
    CloudRecordPolicy,
    FillMode,
    IOSOfflinePushType,
    Resolution,
    ResolutionMode,
    Rotation,
    TUICallResultType,
    TUICallRole,
    TUICallScene,
    TUICallType,
    TUINetworkQuality,
)

__all__ = [
    "CallEndReason",
    "CallObserverExtraInfo",
    "CallParams",
    "CallRecords",
    "NetworkQualityInfo",
    "OfflinePushInfo",
    "RecentCallsFilter",
    "RoomId",
    "TUIResult",
    "UserInfo",
    "VideoEncoderParams",
    "VideoRenderParams",
]


@dataclass(frozen=True, slots=True)
class RoomId:
    """A room by number (1 to 2147483647) or by name (up to 64 bytes); with both, the number counts."""

    intRoomId: int = 0
    strRoomId: str = ""

    @property
    def chosen(self) -> int | str | None:
        """Number or name; None: let the engine choose."""
        return self.intRoomId or self.strRoomId or None


def room_id(room: int | str | None) -> RoomId:
    """The object for a number, a name, or no room."""
    return RoomId(strRoomId=room) if isinstance(room, str) else RoomId(intRoomId=room or 0)


@dataclass(frozen=True, slots=True)
class OfflinePushInfo:
    """How a sleeping phone would be woken. Taken and left unused: nothing is pushed from here.

    The fields of all platforms and versions; `description` is the Web's name of `desc`.
    """

    title: str = ""
    desc: str = ""
    extension: str = ""
    description: str = ""
    isDisablePush: bool = False
    iOSPushType: IOSOfflinePushType = IOSOfflinePushType.APNs
    ignoreIOSBadge: bool = False
    iOSSound: str = ""
    iOSImage: str = ""
    iOSInterruptionLevel: int | str = ""
    enableIOSBackgroundNotification: bool = False
    androidSound: str = ""
    androidOPPOChannelID: str = ""
    androidVIVOClassification: int = 1
    androidXiaoMiChannelID: str = ""
    androidFCMChannelID: str = ""
    androidHuaWeiCategory: str = ""
    OPPOCategory: str = ""
    OPPONotifyLevel: int | str = ""
    VIVOCategory: str = ""
    fcmImage: str = ""
    huaweiImage: str = ""
    honorImage: str = ""
    honorImportance: int | str = ""
    extraInfo: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallParams:
    """Beside the callees: `timeout` in seconds (0: never), `userData` up to 4 KiB; the last two mean nothing here."""

    roomId: RoomId = RoomId()
    offlinePushInfo: OfflinePushInfo | None = None
    timeout: int = 30
    userData: str = ""
    chatGroupId: str = ""
    isEphemeralCall: bool = False
    cloudRecordPolicy: CloudRecordPolicy = CloudRecordPolicy.FollowConsoleConfig


@dataclass(frozen=True, slots=True)
class VideoEncoderParams:
    """The picture's size, wide or upright."""

    resolution: Resolution = Resolution.Resolution_1280_720
    resolutionMode: ResolutionMode = ResolutionMode.Portrait


@dataclass(frozen=True, slots=True)
class VideoRenderParams:
    """How somebody's picture gets into its view."""

    fillMode: FillMode = FillMode.Fill
    rotation: Rotation = Rotation.Rotation_0


@dataclass(frozen=True, slots=True)
class NetworkQualityInfo:
    """How good one user's connection is."""

    userId: str
    quality: TUINetworkQuality


@dataclass(frozen=True, slots=True)
class CallObserverExtraInfo:
    """What observers get beside the plain facts of a call."""

    roomId: RoomId = RoomId()
    role: TUICallRole = TUICallRole.Unknown
    userData: str = ""
    chatGroupId: str = ""


@dataclass(frozen=True, slots=True)
class RecentCallsFilter:
    """Which recent calls: of one result (Unknown: all), between two Unix times in seconds (None: no bound)."""

    result: TUICallResultType = TUICallResultType.Unknown
    begin: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class CallRecords:
    """One recent call; `beginTime` in Unix seconds, `totalTime` in seconds."""

    callId: str
    inviter: str
    inviteList: list[str]
    scene: TUICallScene
    mediaType: TUICallType
    groupId: str
    role: TUICallRole
    result: TUICallResultType
    beginTime: int
    totalTime: int


@dataclass(frozen=True, slots=True)
class UserInfo:
    """One person as the component shows them; `displayUserInfo` is remark, else nick, else the id."""

    userId: str
    nick: str = ""
    avatar: str = ""
    remark: str = ""
    isAudioAvailable: bool = False
    isVideoAvailable: bool = False
    volume: int = 0
    isEnter: bool = False

    @property
    def displayUserInfo(self) -> str:
        return self.remark or self.nick or self.userId


@dataclass(frozen=True, slots=True)
class TUIResult:
    """Flutter's result: an empty code is success."""

    code: str = ""
    message: str | None = None


def options_of(value: object) -> dict[str, Any] | None:
    """The fields of a parameter object or a mapping; None for anything else. Of CallParams those that say something."""
    if isinstance(value, Mapping):
        return {str(name): entry for name, entry in value.items()}
    if isinstance(value, CallParams):
        return {one.name: getattr(value, one.name) for one in fields(value) if getattr(value, one.name) != one.default}
    if isinstance(value, VideoEncoderParams | VideoRenderParams | RecentCallsFilter):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return None
