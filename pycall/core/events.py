"""What a call tells its user: one small frozen value per thing that can happen, in the order of a call's life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ErrorCode
from .types import (
    CallId,
    DeviceKind,
    DeviceState,
    EndReason,
    MediaType,
    NetworkQuality,
    PeerQuality,
    Role,
    RoomId,
    Scene,
    UserId,
)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


# --- the ring ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallReceived(Event):
    """Somebody calls; answer with `accept()`, `reject()` or `ignore()`. Only callees get it."""

    call_id: CallId
    caller: UserId
    callees: tuple[UserId, ...]
    media: MediaType
    user_data: str
    """What the caller put beside the call, at most 4 KiB."""
    remaining: float | None
    """Seconds it will go on ringing; None: for ever."""
    scene: Scene = Scene.SINGLE
    chat_group_id: str = ""
    room_id: RoomId | None = None
    inviter: UserId | None = None
    """Who invited us into a call that runs already; None: the caller called us."""


@dataclass(frozen=True, slots=True)
class UserRinging(Event):
    """A callee's phone rings now (they are online). Only whoever called them gets it."""

    call_id: CallId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class UserInviting(Event):
    """Somebody in the call invites another person. Everybody in the call gets it."""

    call_id: CallId
    inviter: UserId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class UserRejected(Event):
    """A callee refused. In a call of many everybody gets it, also those for whom it still rings."""

    call_id: CallId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class UserNoResponse(Event):
    """A callee did not answer in time."""

    call_id: CallId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class UserLineBusy(Event):
    """A callee is already in a call, or ignored this one."""

    call_id: CallId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class CallNotConnected(Event):
    """Terminal event of a call that never began for this user. Exactly one terminal event comes per call.

    Whoever is invited to the same call again, or joins it again, lives through it once more.
    """

    call_id: CallId
    media: MediaType
    reason: EndReason
    user_id: UserId
    """Who caused it."""
    role: Role


# --- the call ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UserJoined(Event):
    """Another person is in the call now (their media may still be connecting).

    Whoever comes into a call of many gets one for each who is there already.
    """

    call_id: CallId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class CallBegan(Event):
    """Media to somebody is up: the conversation begins. Durations count from here."""

    call_id: CallId
    media: MediaType
    role: Role


@dataclass(frozen=True, slots=True)
class UserInfoChanged(Event):
    """Another person in the call is shown differently from now on."""

    user_id: UserId
    nickname: str
    avatar: str


@dataclass(frozen=True, slots=True)
class UserAudioAvailable(Event):
    """Another person's microphone was opened or closed."""

    user_id: UserId
    available: bool


@dataclass(frozen=True, slots=True)
class UserVideoAvailable(Event):
    """Another person's camera was opened or closed."""

    user_id: UserId
    available: bool


@dataclass(frozen=True, slots=True)
class CallMediaChanged(Event):
    """The call switched between voice and video."""

    call_id: CallId
    old: MediaType
    new: MediaType
    user_id: UserId
    """Who switched."""


@dataclass(frozen=True, slots=True)
class VoiceVolume(Event):
    """How loud everybody is, own microphone included: user id -> 0 (silence) to 100. Once a second by default."""

    volumes: Mapping[UserId, int]


@dataclass(frozen=True, slots=True)
class ActiveSpeakerChanged(Event):
    """Who speaks now, ourselves included; None: nobody has for a while."""

    user_id: UserId | None


@dataclass(frozen=True, slots=True)
class NetworkQualityChanged(Event):
    """How good everybody's connection is, own first, and what came of it (`pycall.core.quality`); every 2 s."""

    qualities: Mapping[UserId, NetworkQuality]


@dataclass(frozen=True, slots=True)
class MediaStatistics(Event):
    """What flows right now, summed over all peers, every 2 s. Bitrates in bit/s, rtt in seconds."""

    bitrate_in: float
    bitrate_out: float
    rtt: float | None
    loss_in: float
    loss_out: float
    fps_in: float = 0.0
    """Pictures decoded per second."""
    fps_out: float = 0.0
    """Pictures encoded and sent per second."""
    video_codec: str = ""
    """Codec of the pictures that arrive, such as `H264`; empty before the first."""


@dataclass(frozen=True, slots=True)
class CallQuality(Event):
    """How the call was, by person; comes right before `CallEnded`."""

    call_id: CallId
    users: Mapping[UserId, PeerQuality]


@dataclass(frozen=True, slots=True)
class CallReconnecting(Event):
    """Media to the last peer is lost; pycall tries to bring it back."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CallReconnected(Event):
    """Media is back."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class UserLeft(Event):
    """Another person left the call."""

    call_id: CallId
    user_id: UserId
    reason: EndReason


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """Terminal event of a call that had begun for this user."""

    call_id: CallId
    media: MediaType
    reason: EndReason
    user_id: UserId
    """Who ended it."""
    role: Role
    duration: float
    """Seconds since the conversation began, by the server's clock where it is known."""


@dataclass(frozen=True, slots=True)
class RecordingEnded(Event):
    """The file of a recorded call is complete; comes a moment after `CallEnded`.

    One that broke off (disk full) is told by `ErrorOccurred` instead.
    """

    path: str
    pictures: int
    """In the file, of both sides together."""
    left_out: int
    """Pictures that are missing because they came faster than this machine could encode them."""


# --- the line itself --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignalingLost(Event):
    """The connection to the server is gone; a running call goes on and pycall reconnects by itself."""


@dataclass(frozen=True, slots=True)
class SignalingRestored(Event):
    """Signed in again; what was missed has been caught up."""


@dataclass(frozen=True, slots=True)
class KickedOffline(Event):
    """The server signed us off, and our call is over. pycall does not reconnect by itself after this."""

    code: ErrorCode = ErrorCode.KICKED
    """KICKED: the same user signed in elsewhere; SIGNED_OFF, BANNED: an administrator did it."""


@dataclass(frozen=True, slots=True)
class UserSigExpired(Event):
    """The ticket is no longer good; sign in again with a new one."""


@dataclass(frozen=True, slots=True)
class DevicesChanged(Event):
    """A device was plugged in, was pulled out, or is the one in use from now on."""

    kind: DeviceKind
    device_id: str
    state: DeviceState


@dataclass(frozen=True, slots=True)
class ErrorOccurred(Event):
    """Something went wrong that no verb was waiting for, such as a camera that died. The call goes on."""

    code: ErrorCode
    message: str
