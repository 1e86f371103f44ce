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

from .errors import ErrorCode, RemoteProtocolError
from .types import MAX_JSON_DEPTH, MAX_MESSAGE_BYTES, EndReason, MediaType, MemberState

PROTOCOL_VERSION = 1
HEARTBEAT_SECONDS = 10.0
"""A client pings this often; the server takes a socket for dead after 1.5 times as long."""
MAX_SDP_BYTES = 49152


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all frames."""


# --- parts ------------------------------------------------------------------------------------------------------


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """One user in a call, as the server sees them."""

    user_id: str
    state: MemberState
    audio: bool = True
    """Their microphone is open."""
    video: bool = False
    """Their camera is open."""


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A whole call at one moment: what a client needs to know to take part in it."""

    call_id: str
    seq: int
    caller: str
    callees: tuple[str, ...]
    media: MediaType
    members: tuple[MemberView, ...]
    user_data: str = ""
    remaining: float | None = None
    """Seconds the ring will go on; None: for ever, or nobody rings any more."""
    elapsed: float | None = None
    """Seconds since the conversation began; None: it has not."""


# --- client to server -------------------------------------------------------------------------------------------


class Login(Message, frozen=True, tag="login"):
    """The first frame: who we are. A second login of a user from another `device_id` kicks the first."""

    version: int
    app_id: int
    user_id: str
    user_sig: str
    device_id: str
    """Random, kept for the life of one client: a login with the same id resumes instead of kicking."""
    call_id: str | None = None
    """The call this client believes it is in; the welcome says what has become of it."""


class Command(Message, frozen=True):
    """A message that changes something and is answered by one `reply`."""

    req_id: int


class Invite(Command, frozen=True, tag="invite"):
    """Call somebody. The caller makes the call id, so that a cancel can never miss its call."""

    call_id: str
    callees: tuple[str, ...]
    media: MediaType
    timeout: int
    """Seconds to ring; 0 for ever."""
    user_data: str = ""


class Accept(Command, frozen=True, tag="accept"):
    """Answer a ringing call."""

    call_id: str


class Reject(Command, frozen=True, tag="reject"):
    """Refuse a ringing call. With `busy` the caller sees a busy line (the verb `ignore`)."""

    call_id: str
    busy: bool = False


class Hangup(Command, frozen=True, tag="hangup"):
    """Leave the call, or cancel it while it rings. `reason` says why when no person decided it."""

    call_id: str
    reason: Literal["hangup", "media_failed", "media_lost"] = "hangup"


class SwitchMedia(Command, frozen=True, tag="switch_media"):
    """Switch the whole call between voice and video; for calls of two."""

    call_id: str
    media: MediaType


class SetMedia(Command, frozen=True, tag="set_media"):
    """Say whether our own microphone and camera are open."""

    call_id: str
    audio: bool
    video: bool


class PeerReport(Message, frozen=True, tag="peer_report"):
    """Say whether media from another member arrives; the first `up` begins the conversation."""

    call_id: str
    user_id: str
    up: bool


class Signal(Message, frozen=True, tag="signal"):
    """An SDP or an ICE candidate for another member of the call.

    `generation` counts the media connections to that member within the call; a higher one replaces a lower one.
    A candidate of None is the end of candidates.
    """

    call_id: str
    to: str
    kind: Literal["offer", "answer", "candidate"]
    generation: int = 0
    sdp: str | None = None
    candidate: str | None = None
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


class Ping(Message, frozen=True, tag="ping"):
    """The heartbeat, every `HEARTBEAT_SECONDS`."""

    id: int


class Logout(Command, frozen=True, tag="logout"):
    """Leave any call and sign out; the server closes the socket after its reply."""


ClientMessage = Login | Invite | Accept | Reject | Hangup | SwitchMedia | SetMedia | PeerReport | Signal | Ping | Logout

# --- server to client -------------------------------------------------------------------------------------------


class Ended(Message, frozen=True, tag="ended"):
    """The call is over for this user; nothing with this call id follows."""

    call_id: str
    seq: int
    reason: EndReason
    user_id: str
    """Who caused it."""
    media: MediaType
    duration: float = 0.0
    """Seconds since the conversation began, by the server's clock; 0 if it never did."""


class Welcome(Message, frozen=True, tag="welcome"):
    """Signed in. `call` is the call this user is in now; `ended` tells how the call named in the login ended."""

    version: int
    user_id: str
    server_time: float
    """Unix time in seconds."""
    heartbeat: float = HEARTBEAT_SECONDS
    call: CallView | None = None
    ended: Ended | None = None


class Goodbye(Message, frozen=True, tag="goodbye"):
    """The server closes this connection, and why. With `retry` the client may come back by itself."""

    code: ErrorCode
    message: str
    retry: bool = False


class Reply(Message, frozen=True, tag="reply"):
    """The answer to one command; on refusal `call` is the state of the call it was about, if the user is in it."""

    req_id: int
    ok: bool
    code: ErrorCode | None = None
    message: str = ""
    call: CallView | None = None


class Pong(Message, frozen=True, tag="pong"):
    """The answer to a ping."""

    id: int


class CallMessage(Message, frozen=True):
    """Something that happened in a call; `seq` grows by call."""

    call_id: str
    seq: int


class Invited(Message, frozen=True, tag="invited"):
    """A call rings for this user."""

    call: CallView


class Ringing(CallMessage, frozen=True, tag="ringing"):
    """A callee's client was told of the call (to the caller)."""

    user_id: str


class Joined(CallMessage, frozen=True, tag="joined"):
    """A user accepted; whoever was in the call already waits for the newcomer's offer."""

    user_id: str
    audio: bool = True
    video: bool = False


class Declined(CallMessage, frozen=True, tag="declined"):
    """A callee will not come: rejected, busy or no answer."""

    user_id: str
    reason: EndReason


class Left(CallMessage, frozen=True, tag="left"):
    """A member left a call that goes on for the others."""

    user_id: str
    reason: EndReason


class MediaSwitched(CallMessage, frozen=True, tag="media_switched"):
    """The call switched between voice and video."""

    old: MediaType
    new: MediaType
    user_id: str


class MediaSet(CallMessage, frozen=True, tag="media_set"):
    """Another member opened or closed microphone or camera."""

    user_id: str
    audio: bool
    video: bool


class Signaled(Message, frozen=True, tag="signaled"):
    """A `Signal` from another member; `sender` is filled in by the server from the member's session."""

    call_id: str
    sender: str
    kind: Literal["offer", "answer", "candidate"]
    generation: int = 0
    sdp: str | None = None
    candidate: str | None = None
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


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
)

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def encode(message: Message) -> str:
    """One text frame."""
    return _encoder.encode(message).decode("utf-8")


def decode_from_client(frame: str | bytes) -> ClientMessage:
    """What a client sent; raises `RemoteProtocolError` and nothing else, whatever the bytes are."""
    return _decode(_client_decoder, frame)


def decode_from_server(frame: str | bytes) -> ServerMessage:
    """What the server sent; raises `RemoteProtocolError` and nothing else, whatever the bytes are."""
    return _decode(_server_decoder, frame)


def _decode(decoder: msgspec.json.Decoder[T], frame: str | bytes) -> T:
    data = frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else frame
    if len(data) > MAX_MESSAGE_BYTES:
        raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, f"frame of {len(data)} bytes; {MAX_MESSAGE_BYTES} at most")
    if _depth_exceeds(data, MAX_JSON_DEPTH):
        raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, f"JSON nested deeper than {MAX_JSON_DEPTH}")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, f"not a message of this protocol: {error}") from error


def _depth_exceeds(data: bytes, limit: int) -> bool:
    """Counts brackets without parsing; brackets inside strings only make it stricter."""
    depth = 0
    for byte in data:
        if byte in b"[{":
            depth += 1
            if depth > limit:
                return True
        elif byte in b"]}":
            depth -= 1
    return False
