"""Messages about being signed in: the login, its end, the heartbeat, and the servers that media may pass through."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .bounds import CallIdText, Count, DeviceId, Id, Info, Text, Ticket
from .errors import ErrorCode

MAX_ICE_SERVERS = 8
Url = Annotated[str, Meta(max_length=256)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all frames."""


class IceServer(msgspec.Struct, frozen=True, kw_only=True):
    """A STUN or TURN server, under the names of a browser's `RTCIceServer`."""

    urls: Annotated[tuple[Url, ...], Meta(max_length=8)]
    """Such as `turn:192.0.2.1:3478?transport=udp`."""
    username: Annotated[str, Meta(max_length=512)] = ""
    credential: Annotated[str, Meta(max_length=512)] = ""


IceServerList = Annotated[tuple[IceServer, ...], Meta(max_length=MAX_ICE_SERVERS)]


class Login(Message, frozen=True, tag="login"):
    """The first frame: who we are. A second login of a user from another `device_id` kicks the first,
    unless the user has switched on several devices.

    Said again on the same socket by the same client it brings a new ticket, and `renewed` answers.
    """

    version: Count
    app_id: Count
    user_id: Id
    user_sig: Ticket
    device_id: DeviceId
    """Random, kept for the life of one client: a login with the same id resumes instead of kicking."""
    call_id: CallIdText | None = None
    """The call this client believes it is in; the welcome says what has become of it."""
    multi_device: bool = False
    """This program has switched the ability on, so that no login kicks another (see `set_multi_device`)."""
    nickname: Info = ""
    avatar: Info = ""
    """As this program has set them, in case the server has forgotten; empty: nothing to say."""


class Ping(Message, frozen=True, tag="ping"):
    """The heartbeat, every `HEARTBEAT_SECONDS`."""

    id: Count


class Pong(Message, frozen=True, tag="pong"):
    """The answer to a ping."""

    id: Count


class Goodbye(Message, frozen=True, tag="goodbye"):
    """The server closes this connection, and why. With `retry` the client may come back by itself."""

    code: ErrorCode
    message: Text
    retry: bool = False
    number: Count = 0
    """The documented number of the error (70001: the ticket has expired, ...); 0 if it has none."""


class TicketExpired(Message, frozen=True, tag="ticket_expired"):
    """The ticket has run out while its user is signed in: no new calls until a login with a new one.

    A call that runs goes on. Outside calls the server closes the connection after `grace` seconds.
    """

    grace: float


class Renewed(Message, frozen=True, tag="renewed"):
    """The answer to a login on a socket that is signed in: whether the new ticket is good."""

    ok: bool
    code: ErrorCode | None = None
    message: Text = ""


class IceServers(Message, frozen=True, tag="ice_servers"):
    """New credentials for the servers that media may pass through; they replace those of the welcome."""

    ice_servers: IceServerList
