"""The documented enumerations with their documented numbers, and how the words of pycall are told in them."""

from __future__ import annotations

from enum import IntEnum, StrEnum, nonmember

from pycall.core.types import EndReason, MediaType, Role


class TUICallType(IntEnum):
    """What a call carries. Natively `TUICallDefine.MediaType`; all platforms agree on the numbers."""

    UNKNOWN = 0
    AUDIO_CALL = 1
    VIDEO_CALL = 2
    Unknown = 0
    Audio = 1
    Video = 2
    none = 0
    audio = 1
    video = 2
    DEVCIED_CAMERA = nonmember("camera")
    DEVCIED_MICROPHONES = nonmember("microphones")
    """The Web spells them so, and keeps them here: what its `getDeviceList` takes."""

    @property
    def media(self) -> MediaType:
        """The word of pycall; what is unknown counts as voice."""
        return MediaType.VIDEO if self is TUICallType.VIDEO_CALL else MediaType.AUDIO


class TUICallRole(IntEnum):
    """Which end of the call one is."""

    Unknown = 0
    Caller = 1
    Called = 2


class TUICallStatus(IntEnum):
    """Where the line stands (`TUICallDefine.Status`)."""

    Idle = 0
    Waiting = 1
    Accept = 2


class STATUS_NAME(StrEnum):
    """The Web engine's words for the same."""

    IDLE = "idle"
    CALLING = "calling"
    CONNECTED = "connected"


class TUICallScene(IntEnum):
    """How many and by what list; the numbers of Flutter and of the newest iOS header."""

    NONE = 0
    GROUP_CALL = 1
    MULTI_CALL = 2
    SINGLE_CALL = 3


class CallEndReason(IntEnum):
    """Why a call ended, or never began."""

    Unknown = 0
    Hangup = 1
    Reject = 2
    NoResponse = 3
    Offline = 4
    LineBusy = 5
    Canceled = 6
    OtherDeviceAccepted = 7
    OtherDeviceReject = 8
    EndByServer = 9


class TUICallResultType(IntEnum):
    """What became of a call in the list of recent calls."""

    Unknown = 0
    Missed = 1
    Incoming = 2
    Outgoing = 3


class TUINetworkQuality(IntEnum):
    """How good a connection is."""

    Unknown = 0
    Excellent = 1
    Good = 2
    Poor = 3
    Bad = 4
    Vbad = 5
    Down = 6


class TUICamera(IntEnum):
    """Which camera of a phone."""

    Front = 0
    Back = 1


class TUIAudioPlaybackDevice(IntEnum):
    """Where a phone plays the others' voices."""

    Speakerphone = 0
    Earpiece = 1


class FillMode(IntEnum):
    """How a picture gets into a view of another shape: cropped, or with bars."""

    Fill = 0
    Fit = 1


class Rotation(IntEnum):
    """Clockwise, in quarters of a turn."""

    Rotation_0 = 0
    Rotation_90 = 1
    Rotation_180 = 2
    Rotation_270 = 3


class ResolutionMode(IntEnum):
    """Wide or upright; upright swaps width and height."""

    Landscape = 0
    Portrait = 1


class Resolution(IntEnum):
    """Sizes by name, with Android's numbers; iOS and Flutter number them otherwise (see `COMPATIBILITY.md`)."""

    Resolution_640_360 = 108
    Resolution_960_540 = 110
    Resolution_1280_720 = 112
    Resolution_1920_1080 = 114


class TUIDeviceType(StrEnum):
    """What `getDeviceList` lists."""

    DEVICE_CAMERA = "camera"
    DEVICE_MICROPHONES = "microphones"
    DEVICE_SPEAKER = "speaker"


class IOSOfflinePushType(IntEnum):
    """Which push service wakes an iPhone; nothing is pushed from here."""

    APNs = 0
    VoIP = 1


class LOG_LEVEL(IntEnum):
    """The Web engine's log levels: 0 writes everything, 4 nothing."""

    NORMAL = 0
    RELEASE = 1
    WARNING = 2
    ERROR = 3
    NONE = 4


class CloudRecordPolicy(IntEnum):
    """Whether the vendor's cloud records; there is no such cloud here."""

    FollowConsoleConfig = 0
    Enable = 1
    Disable = 2


_REASONS = {
    EndReason.HANGUP: CallEndReason.Hangup,
    EndReason.CANCELED: CallEndReason.Canceled,
    EndReason.REJECTED: CallEndReason.Reject,
    EndReason.BUSY: CallEndReason.LineBusy,
    EndReason.NO_ANSWER: CallEndReason.NoResponse,
    EndReason.OFFLINE: CallEndReason.Offline,
    EndReason.KICKED: CallEndReason.Offline,
    EndReason.MEDIA_FAILED: CallEndReason.Offline,
    EndReason.MEDIA_LOST: CallEndReason.Offline,
    EndReason.RECALLED: CallEndReason.Canceled,
    EndReason.OTHER_DEVICE_ACCEPTED: CallEndReason.OtherDeviceAccepted,
    EndReason.OTHER_DEVICE_REJECTED: CallEndReason.OtherDeviceReject,
    EndReason.ENDED_BY_SERVER: CallEndReason.EndByServer,
    EndReason.UNKNOWN: CallEndReason.Unknown,
}


def reason_number(reason: EndReason) -> CallEndReason:
    """The documented number; reasons that only pycall tells apart get the nearest one."""
    return _REASONS[reason]


def type_number(media: MediaType) -> TUICallType:
    """1 voice, 2 video."""
    return TUICallType.VIDEO_CALL if media.has_video else TUICallType.AUDIO_CALL


_ROLES: dict[Role | None, tuple[TUICallRole, str]] = {
    Role.CALLER: (TUICallRole.Caller, "inviter"),
    Role.CALLEE: (TUICallRole.Called, "invitee"),
    None: (TUICallRole.Unknown, ""),
}


def role_number(role: Role | None) -> TUICallRole:
    """0 unknown, 1 caller, 2 called."""
    return _ROLES[role][0]


def role_word(role: Role | None) -> str:
    """The Web engine's word for it."""
    return _ROLES[role][1]
