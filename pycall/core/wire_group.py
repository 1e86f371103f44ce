"""Messages of calls of many and of people with several devices: invitations, joining, and how somebody is shown."""

from __future__ import annotations

from .bounds import Callees, CallIdText, GroupId, Id, Info, RingSeconds, Room, UserData
from .wire_call import CallMessage, Command
from .wire_login import Message


class InviteMore(Command, frozen=True, tag="invite_more"):
    """Call more people into the call we are in; a call of two becomes a call of many by it."""

    call_id: CallIdText
    callees: Callees
    timeout: RingSeconds
    """Seconds to ring; 0 for ever."""
    user_data: UserData = ""
    """For those invited now; empty: what the caller gave."""


class Join(Command, frozen=True, tag="join"):
    """Come into a running call: by its id, or by its group and room (`call_id` is then one that the client made up).

    The reply's `call` tells the call's own id, which counts from then on.
    """

    call_id: CallIdText
    room_id: Room | None = None
    chat_group_id: GroupId = ""
    video: bool = False
    """Our camera is to be open, if it is a video call."""


class SetMultiDevice(Command, frozen=True, tag="set_multi_device"):
    """Whether this user may be signed in on several devices; without it a login elsewhere kicks this one."""

    enabled: bool


class SetSelfInfo(Command, frozen=True, tag="set_self_info"):
    """How this user is shown to others."""

    nickname: Info = ""
    avatar: Info = ""


class Inviting(CallMessage, frozen=True, tag="inviting"):
    """Somebody in the call invites another person (to everybody in the call)."""

    inviter: Id
    user_id: Id


class UserInfo(Message, frozen=True, tag="user_info"):
    """A member of the call is shown differently from now on; carries no `seq`, the last one counts."""

    call_id: CallIdText
    user_id: Id
    nickname: Info
    avatar: Info
