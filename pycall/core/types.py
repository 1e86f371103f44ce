"""The words every room shares: media, roles, reasons, peer states, frames' shapes and the limits of the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NewType

CallId = NewType("CallId", str)
"""Made by the caller: 32 lower-case hex digits (128 random bits)."""

RoomId = int | str
"""A number from 1 to 2147483647, or a name of 1 to 64 characters; 123 and "123" are two rooms."""

UserId = str
"""1 to 32 characters of A-Z, a-z, 0-9, '_' and '-'; case matters."""

USER_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")
CALL_ID_PATTERN = re.compile(r"[0-9a-f]{32}\Z")

MAX_CALLEES = 8
"""A call has at most nine people, the caller included (TUICallKit, MAX_USER)."""
MAX_PEOPLE = 64
"""Different people who ever had a part in one call, those who left it or never came included."""
MAX_ROOM_NUMBER = 2**31 - 1
MAX_ROOM_BYTES = 64
ROOM_PATTERN = re.compile(r"[A-Za-z0-9 !#$%&()+\-:;<=.>?@\[\]^_{}|~,]{1,64}\Z")
"""The 89 characters that a room's name may have (TUICallKit, RoomId)."""
GROUP_ID_PATTERN = re.compile(r"[!-~]{1,64}\Z")
MAX_INFO_BYTES = 500
"""Of a nickname and of an avatar's address, each (TUICallEngine, setSelfInfo)."""
MAX_USER_DATA_BYTES = 4096
MAX_MESSAGE_BYTES = 65536
"""Of one WebSocket text frame, both ways."""
MAX_JSON_DEPTH = 16
DEFAULT_RING_SECONDS = 30
"""How long a call rings unless the caller says otherwise; 0 means for ever (TUICallEngine, `timeout`)."""
MAX_RING_SECONDS = 86400


class MediaType(str, Enum):
    """What a call carries; voice is the lesser of the two."""

    AUDIO = "audio"
    VIDEO = "video"

    @property
    def has_video(self) -> bool:
        return self is MediaType.VIDEO

    def lesser(self, other: MediaType) -> MediaType:
        """The media both sides have agreed to: voice beats video, so no camera opens unasked."""
        return MediaType.VIDEO if self.has_video and other.has_video else MediaType.AUDIO


class Role(str, Enum):
    """Which end of the call a user is."""

    CALLER = "caller"
    CALLEE = "callee"


class Scene(IntEnum):
    """What kind of call it is (TUICallDefine.Scene): given a group it is GROUP, else with two callees or more MULTI."""

    NONE = 0
    GROUP = 1
    MULTI = 2
    SINGLE = 3

    @classmethod
    def of(cls, callees: int, chat_group_id: str) -> Scene:
        """The rule by which a new call is of one kind or another."""
        if chat_group_id:
            return cls.GROUP
        return cls.MULTI if callees > 1 else cls.SINGLE


class EndReason(str, Enum):
    """Why a call ended, or never began, for one user. A closed list: a call that ends has a reason, not an error."""

    HANGUP = "hangup"
    """Somebody in the call hung up."""
    CANCELED = "canceled"
    """The caller hung up before anybody answered."""
    REJECTED = "rejected"
    """The callee refused."""
    BUSY = "busy"
    """The callee's line was taken, or they ignored the ring."""
    NO_ANSWER = "no_answer"
    """Nobody answered in time."""
    OFFLINE = "offline"
    """A member's connection to the server was lost and did not come back in time."""
    KICKED = "kicked"
    """The user signed in elsewhere, which ended their part here."""
    MEDIA_FAILED = "media_failed"
    """It was answered, but sound and picture never got through."""
    MEDIA_LOST = "media_lost"
    """Sound and picture stopped and did not come back in time."""
    RECALLED = "recalled"
    """The same caller dialed the same callee again; the new call replaces this one."""
    OTHER_DEVICE_ACCEPTED = "other_device_accepted"
    OTHER_DEVICE_REJECTED = "other_device_rejected"
    ENDED_BY_SERVER = "ended_by_server"
    """An operator, or the server's own repair, ended it."""
    UNKNOWN = "unknown"
    """The server no longer knows the call (its data was lost)."""


class MemberState(str, Enum):
    """Where one user stands in one call, as the server sees it."""

    RINGING = "ringing"
    JOINED = "joined"
    GONE = "gone"


class PeerState(Enum):
    """Where the media connection to one other person stands; reported by `rtc`, read by the line."""

    CONNECTING = "connecting"
    UP = "up"
    """Packets of theirs arrive."""
    STALLED = "stalled"
    """Nothing has arrived for 3 s; it may come back by itself."""
    FAILED = "failed"
    """This connection is dead; only a new one can help."""
    CLOSED = "closed"


class NetworkQuality(IntEnum):
    """The documented scale (TUICommonDefine.NetworkQuality)."""

    UNKNOWN = 0
    EXCELLENT = 1
    GOOD = 2
    POOR = 3
    BAD = 4
    VERY_BAD = 5
    DOWN = 6


class DeviceKind(str, Enum):
    """What a device is for; the strings themselves will do wherever one of these is asked for."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SPEAKER = "speaker"


class DeviceState(str, Enum):
    """What has become of a device."""

    ADD = "add"
    REMOVE = "remove"
    ACTIVE = "active"
    """It is the one in use now."""


class AudioPlaybackDevice(str, Enum):
    """Where voices are played (TUICommonDefine.AudioPlaybackDevice)."""

    SPEAKERPHONE = "speakerphone"
    EARPIECE = "earpiece"
    """At the ear: headphones or a headset on a computer."""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A camera, microphone or loudspeaker of this machine."""

    device_id: str
    """What `switch_device` takes; stable while the device stays plugged in."""
    label: str
    """For people."""
    kind: DeviceKind
    default: bool = False
    """The one that is used if none is chosen."""


@dataclass(frozen=True, slots=True)
class VideoProfile:
    """A picture size with its rate: width and height in pixels (even), fps 15 or 30, bitrate in bit/s."""

    name: str
    width: int
    height: int
    fps: int
    bitrate: int


@dataclass(frozen=True, slots=True)
class LinkStats:
    """What was measured on one peer connection over the last interval (2 s), in seconds, ratios and bit/s."""

    loss_in: float = 0.0
    """Fraction of their packets that did not arrive, 0 to 1."""
    loss_out: float = 0.0
    """Fraction of our packets that they report lost, 0 to 1."""
    rtt: float | None = None
    jitter: float = 0.0
    bitrate_in: float = 0.0
    bitrate_out: float = 0.0
    silent: bool = False
    """Nothing at all arrived in the interval."""
    fps_in: float = 0.0
    """Pictures decoded per second."""
    fps_out: float = 0.0
    """Pictures encoded and sent per second."""
    video_codec: str = ""
    """Name of the codec of the pictures that arrive, such as `H264`; empty before the first."""
    concealed: float = 0.0
    """Share of the time for which their sound had to be made up, 0 to 1."""
    frozen: float = 0.0
    """Share of the time in which their picture stood still, half a second or longer each time, 0 to 1."""
    shown_fps: float | None = None
    """Pictures shown per second while there were pictures; None for less than a second of them."""


@dataclass(frozen=True, slots=True)
class PeerQuality:
    """What one person's sound and picture were like over a whole call (or the last connection in it)."""

    mos: float | None = None
    """Opinion score of their voice by the E-model (ITU-T G.107), 1 to 4.4; None if nothing was heard."""
    concealed: float = 0.0
    """Share of the time for which their sound had to be made up, 0 to 1."""
    delay: float | None = None
    """Seconds from their microphone to our speaker as far as we know them: half the round trip and our buffer."""
    rtt: float | None = None
    """Seconds, smoothed."""
    loss: float = 0.0
    """Share of their packets that did not arrive at first, 0 to 1; most of them were repaired."""
    freezes: int = 0
    """Times their picture stood still, by W3C's rule (webrtc-stats, freezeCount)."""
    frozen: float = 0.0
    """Seconds in all of these."""
    long_freezes: int = 0
    """Times it stood still for half a second or longer."""
    long_frozen: float = 0.0
    fps: float = 0.0
    """Pictures shown per second while their camera was open."""
    size: tuple[int, int] = (0, 0)
    """Of their last picture, width and height in pixels."""
    setup: Mapping[str, float] = field(default_factory=dict)
    """Seconds from the beginning of the connection until `gathered` (our addresses), `described` (both sides know the
    other's), `connected` (ICE), `secured` (DTLS), `first_sound`, `first_picture`, as far as it came."""


def is_user_id(text: object) -> bool:
    """True for a string that can be a user id."""
    return isinstance(text, str) and USER_ID_PATTERN.match(text) is not None


def is_room_id(room: object) -> bool:
    """True for a number or a name that can be a room's."""
    if isinstance(room, str):
        return ROOM_PATTERN.match(room) is not None
    return type(room) is int and 1 <= room <= MAX_ROOM_NUMBER


def is_group_id(text: object) -> bool:
    """True for a string that can name a chat group: 1 to 64 visible ASCII characters."""
    return isinstance(text, str) and GROUP_ID_PATTERN.match(text) is not None


def is_info(text: object) -> bool:
    """True for what can be a nickname or an avatar's address: no control characters, at most 500 bytes in UTF-8."""
    if not isinstance(text, str) or any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text):
        return False
    try:
        return len(text.encode("utf-8")) <= MAX_INFO_BYTES
    except UnicodeEncodeError:
        return False


def is_call_id(text: object) -> bool:
    """True for a string that can be a call id."""
    return isinstance(text, str) and CALL_ID_PATTERN.match(text) is not None
