"""The messages between client and server: JSON text frames on one WebSocket, the same structs on both sides.

A frame is one JSON object with a `type`. Unknown fields are ignored (a newer peer may send them), unknown types are
refused. The first frame of a client is `login`; the server answers `welcome` or `goodbye`. Commands carry a `req_id`
and are answered by one `reply` with the same number; sending a command again with the same number has no second
effect. Everything that happens in a call carries the call's `seq`, which only grows; `signaled` is passed on between
two members and carries none.

    client                              server
      │ login ───────────────────────────► │
      │ ◄──────────── welcome (snapshot)   │
      │ invite / accept / hangup … ──────► │
      │ ◄──────────────────────── reply    │
      │ ◄── invited, joined, left, ended … │
      │ signal ──────────────────────────► │ ──► signaled (to the other member)
      │ ping ────────────────────────────► │
      │ ◄───────────────────────── pong    │
"""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from .bounds import (
    MAX_CANDIDATE_BYTES,
    Callees,
    CallIdText,
    Candidate,
    Count,
    Generation,
    GroupId,
    Id,
    Info,
    LineIndex,
    People,
    RingSeconds,
    Room,
    Sdp,
    SdpMid,
    Text,
    UserData,
    nested_too_deep,
)
from .bounds import MAX_SDP_BYTES as MAX_SDP_BYTES
from .errors import ErrorCode, RemoteProtocolError
from .types import (
    MAX_INFO_BYTES,
    MAX_JSON_DEPTH,
    MAX_MESSAGE_BYTES,
    MAX_USER_DATA_BYTES,
    EndReason,
    MediaType,
    is_info,
)
from .wire_call import CallMessage as CallMessage
from .wire_call import CallView as CallView
from .wire_call import Command as Command
from .wire_call import MemberView as MemberView
from .wire_group import InviteMore as InviteMore
from .wire_group import Inviting as Inviting
from .wire_group import Join as Join
from .wire_group import SetMultiDevice as SetMultiDevice
from .wire_group import SetSelfInfo as SetSelfInfo
from .wire_group import UserInfo as UserInfo
from .wire_login import Goodbye as Goodbye
from .wire_login import IceServer as IceServer
from .wire_login import IceServerList
from .wire_login import IceServers as IceServers
from .wire_login import Login as Login
from .wire_login import Message as Message
from .wire_login import Ping as Ping
from .wire_login import Pong as Pong
from .wire_login import Renewed as Renewed
from .wire_login import TicketExpired as TicketExpired
from .wire_records import DeleteRecords as DeleteRecords
from .wire_records import QueryRecords as QueryRecords
from .wire_records import Records as Records
from .wire_records import RecordView as RecordView

PROTOCOL_VERSION = 1
HEARTBEAT_SECONDS = 10.0
"""A client pings this often; the server takes a socket for dead after 1.5 times as long."""


# --- client to server -------------------------------------------------------------------------------------------


class Invite(Command, frozen=True, tag="invite"):
    """Call somebody. The caller makes the call id, so that a cancel can never miss its call."""

    call_id: CallIdText
    callees: Callees
    media: MediaType
    timeout: RingSeconds
    """Seconds to ring; 0 for ever."""
    user_data: UserData = ""
    room_id: Room | None = None
    """None: the server makes one up."""
    chat_group_id: GroupId = ""


class Accept(Command, frozen=True, tag="accept"):
    """Answer a ringing call."""

    call_id: CallIdText


class Reject(Command, frozen=True, tag="reject"):
    """Refuse a ringing call. With `busy` the caller sees a busy line (the verb `ignore`)."""

    call_id: CallIdText
    busy: bool = False


class Hangup(Command, frozen=True, tag="hangup"):
    """Leave the call, or cancel it while it rings. `reason` says why when no person decided it."""

    call_id: CallIdText
    reason: Literal["hangup", "media_failed", "media_lost"] = "hangup"


class SwitchMedia(Command, frozen=True, tag="switch_media"):
    """Switch the whole call between voice and video; only in a call that was made for two."""

    call_id: CallIdText
    media: MediaType


class SetMedia(Command, frozen=True, tag="set_media"):
    """Say whether our own microphone and camera are open."""

    call_id: CallIdText
    audio: bool
    video: bool


class PeerReport(Message, frozen=True, tag="peer_report"):
    """Say whether media from another member arrives; the first `up` begins the conversation."""

    call_id: CallIdText
    user_id: Id
    up: bool


class Signal(Message, frozen=True, tag="signal"):
    """An SDP or an ICE candidate for another member of the call.

    `generation` counts the media connections to that member within the call; a higher one replaces a lower one.
    A candidate of None is the end of candidates.
    """

    call_id: CallIdText
    to: Id
    kind: Literal["offer", "answer", "candidate"]
    generation: Generation = 0
    sdp: Sdp | None = None
    candidate: Candidate | None = None
    sdp_mid: SdpMid | None = None
    sdp_m_line_index: LineIndex | None = None


class Logout(Command, frozen=True, tag="logout"):
    """Leave any call and sign out; the server closes the socket after its reply."""


ClientMessage = (
    Login
    | Invite
    | Accept
    | Reject
    | Hangup
    | SwitchMedia
    | SetMedia
    | PeerReport
    | Signal
    | Ping
    | Logout
    | InviteMore
    | Join
    | SetMultiDevice
    | SetSelfInfo
    | QueryRecords
    | DeleteRecords
)

# --- server to client -------------------------------------------------------------------------------------------


class Ended(Message, frozen=True, tag="ended"):
    """The call is over for this user; nothing with this call id follows, unless they are invited or join anew."""

    call_id: CallIdText
    seq: Count
    reason: EndReason
    user_id: Id
    """Who caused it."""
    media: MediaType
    duration: float = 0.0
    """Seconds of conversation of this user, by the server's clock; 0 if it never began."""


class Welcome(Message, frozen=True, tag="welcome"):
    """Signed in. `call` is the call this user is in now; `ended` tells how the call named in the login ended."""

    version: Count
    user_id: Id
    server_time: float
    """Unix time in seconds."""
    heartbeat: float = HEARTBEAT_SECONDS
    call: CallView | None = None
    ended: Ended | None = None
    ice_servers: IceServerList = ()
    """For the media of this user's calls, with credentials of their own."""


class Reply(Message, frozen=True, tag="reply"):
    """The answer to one command; on refusal `call` is the state of the call it was about, if the user is in it."""

    req_id: Count
    ok: bool
    code: ErrorCode | None = None
    message: Text = ""
    call: CallView | None = None
    users: People = ()
    """Answer to `invite_more`: whose phones it makes ring, of those that were asked for."""
    retry_after: float | None = None
    """Seconds to wait before trying again, if it was refused for being too much."""


class Invited(Message, frozen=True, tag="invited"):
    """A call rings for this user."""

    call: CallView


class Ringing(CallMessage, frozen=True, tag="ringing"):
    """A callee's client was told of the call (to whoever invited them)."""

    user_id: Id


class Joined(CallMessage, frozen=True, tag="joined"):
    """A user accepted; whoever was in the call already waits for the newcomer's offer."""

    user_id: Id
    audio: bool = True
    video: bool = False
    nickname: Info = ""
    avatar: Info = ""


class Declined(CallMessage, frozen=True, tag="declined"):
    """Somebody who was called will not come: rejected, busy or no answer."""

    user_id: Id
    reason: EndReason


class Left(CallMessage, frozen=True, tag="left"):
    """A member left a call that goes on for the others."""

    user_id: Id
    reason: EndReason


class MediaSwitched(CallMessage, frozen=True, tag="media_switched"):
    """The call switched between voice and video."""

    old: MediaType
    new: MediaType
    user_id: Id


class MediaSet(CallMessage, frozen=True, tag="media_set"):
    """Another member opened or closed microphone or camera."""

    user_id: Id
    audio: bool
    video: bool


class Signaled(Message, frozen=True, tag="signaled"):
    """A `Signal` from another member; `sender` is filled in by the server from the member's session."""

    call_id: CallIdText
    sender: Id
    kind: Literal["offer", "answer", "candidate"]
    generation: Generation = 0
    sdp: Sdp | None = None
    candidate: Candidate | None = None
    sdp_mid: SdpMid | None = None
    sdp_m_line_index: LineIndex | None = None


ServerMessage = (
    Welcome
    | Goodbye
    | Reply
    | Pong
    | Invited
    | Ringing
    | Joined
    | Declined
    | Left
    | MediaSwitched
    | MediaSet
    | Ended
    | Signaled
    | TicketExpired
    | Renewed
    | IceServers
    | Inviting
    | UserInfo
    | Records
)

T = TypeVar("T")


class _Numbered(msgspec.Struct):
    req_id: Count


_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_numbered_decoder: msgspec.json.Decoder[_Numbered] = msgspec.json.Decoder(_Numbered)


def encode(message: Message) -> str:
    """One text frame. Whatever decoding let in can be encoded and, passed on, fits into a frame again."""
    return _encoder.encode(message).decode("utf-8")


def decode_from_client(frame: str | bytes) -> ClientMessage:
    """What a client sent; raises `RemoteProtocolError` and nothing else, whatever the bytes are."""
    return _checked(_decode(_client_decoder, frame))


def decode_from_server(frame: str | bytes) -> ServerMessage:
    """What the server sent; raises `RemoteProtocolError` and nothing else, whatever the bytes are."""
    return _checked(_decode(_server_decoder, frame))


def req_id_of(frame: str | bytes) -> int | None:
    """The request number in a frame that could not be decoded, so that its refusal can name it; None without one."""
    try:
        return _decode(_numbered_decoder, frame).req_id
    except RemoteProtocolError:
        return None


def _decode(decoder: msgspec.json.Decoder[T], frame: str | bytes) -> T:
    # A lone surrogate in a str frame becomes bytes that are not UTF-8, and the decoder refuses them.
    data = frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else frame
    if len(data) > MAX_MESSAGE_BYTES:
        raise _refused(f"frame of {len(data)} bytes; {MAX_MESSAGE_BYTES} at most")
    if nested_too_deep(data):
        raise _refused(f"JSON nested deeper than {MAX_JSON_DEPTH}, or brackets left open")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refused(f"not a message of this protocol: {error}") from error


def _checked(message: T) -> T:
    """Holds the bounds that count bytes, where the types can count characters only."""
    if isinstance(message, Signal | Signaled):
        if len((message.candidate or "").encode()) > MAX_CANDIDATE_BYTES:
            raise _refused(f"candidate longer than {MAX_CANDIDATE_BYTES} bytes")
        if len(_encoder.encode(message.sdp or "")) - 2 > MAX_SDP_BYTES:
            raise _refused(f"SDP longer than {MAX_SDP_BYTES} bytes")
    elif isinstance(message, Invite | InviteMore) and len(message.user_data.encode()) > MAX_USER_DATA_BYTES:
        raise _refused(f"user data longer than {MAX_USER_DATA_BYTES} bytes")
    elif isinstance(message, Login | SetSelfInfo) and not (is_info(message.nickname) and is_info(message.avatar)):
        raise _refused(f"nickname or avatar longer than {MAX_INFO_BYTES} bytes")
    return message


def _refused(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(ErrorCode.BAD_MESSAGE, message)
