"""What the messages about calls are made of: the picture of a call, and the bases of commands and of news."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .bounds import CallIdText, Count, GroupId, Id, Info, Members, People, Room, UserData
from .types import EndReason, MediaType, MemberState, Scene
from .wire_login import Message


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """One user in a call, as the server sees them."""

    user_id: Id
    state: MemberState
    audio: bool = True
    """Their microphone is open."""
    video: bool = False
    """Their camera is open."""
    nickname: Info = ""
    avatar: Info = ""
    since: Count = 0
    """The call's `seq` when they joined: another number is another stay, with a connection of its own."""
    reason: EndReason | None = None
    """Why they are gone."""
    inviter: Id | None = None
    """Who called them, if not the caller."""


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A whole call at one moment: what a client needs to know to take part in it."""

    call_id: CallIdText
    seq: Count
    caller: Id
    callees: People
    """Everybody who was ever called, as far as it fits: whoever is in the call or rings always."""
    media: MediaType
    members: Annotated[tuple[MemberView, ...], Members]
    user_data: UserData = ""
    remaining: float | None = None
    """Seconds the ring will go on; None: for ever, or nobody rings any more."""
    elapsed: float | None = None
    """Seconds since the conversation began; None: it has not."""
    scene: Scene = Scene.SINGLE
    room_id: Room = 1
    chat_group_id: GroupId = ""
    inviter: Id | None = None
    """Who called the one who reads this; None: the caller."""


class Command(Message, frozen=True):
    """A message that changes something and is answered by one `reply`."""

    req_id: Count


class CallMessage(Message, frozen=True):
    """Something that happened in a call; `seq` grows by call."""

    call_id: CallIdText
    seq: Count
