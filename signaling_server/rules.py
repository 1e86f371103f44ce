"""The rules a call has to keep: what an invitation must look like, and what ends a call when its time is up."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import NamedTuple

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import (
    MAX_CALLEES,
    MAX_RING_SECONDS,
    MAX_ROOM_BYTES,
    MAX_ROOM_NUMBER,
    MAX_USER_DATA_BYTES,
    EndReason,
    UserId,
    is_call_id,
    is_group_id,
    is_room_id,
    is_user_id,
)
from pycall.core.wire import Invite, InviteMore

from .ledger import StoredCall, StoredMember

LOST_GRACE = 15.0
"""Seconds a member's connection to the server may be lost before their part ends."""
SILENT_GRACE = 15.0
"""As much more if their connection fell silent instead of being closed: a network that is down may come back, and those
who hear nothing any more end the conversation by themselves, 30 s after they were told so."""
TALKING_GRACE = 60.0
"""The same, while another member still reports media from them."""
RESTART_GRACE = 30.0
"""Seconds clients have to come back after the server was restarted (their back-off ends at 30 s)."""
CONNECT_SECONDS = 30.0
"""From the answer to the first report that media is up; clients give up earlier by themselves."""
USEFUL_RING = 3.0
"""A ring with less time left than this is not worth beginning."""
MAX_DEVICES = 5
"""Of one user at the same time; one more signs the oldest off."""
ROOM_ADVICE = f"a room is a number from 1 to {MAX_ROOM_NUMBER} or a name of 1 to {MAX_ROOM_BYTES} characters"


class Due(NamedTuple):
    """When a call ends if nothing happens, and why."""

    at: float
    reason: EndReason
    user_id: UserId


def due(
    call: StoredCall,
    lost_since: Callable[[StoredMember], float | None],
    heard: Callable[[UserId], bool],
    patience: float,
) -> Due | None:
    """The first thing that will end this call by itself, if there is one.

    Nobody is given up as lost, and no connecting call as failed, before `patience`.
    """
    candidates = [*_ring_ends(call), *_connecting_ends(call, patience)]
    answered = call.accepted_at is not None
    for member in call.joined():
        since = lost_since(member)
        if since is not None:
            grace = TALKING_GRACE if answered and heard(member.user_id) else LOST_GRACE
            candidates.append(Due(max(since + grace, patience), EndReason.OFFLINE, member.user_id))
    return min(candidates, key=lambda item: item.at, default=None)


def _ring_ends(call: StoredCall) -> list[Due]:
    rings = ((call.ring_end(member), member.user_id) for member in call.ringing())
    return [Due(at, EndReason.NO_ANSWER, user_id) for at, user_id in rings if at is not None]


def _connecting_ends(call: StoredCall, patience: float) -> list[Due]:
    """Two or more have joined, and nobody hears anybody."""
    joins = [member.joined_at or call.accepted_at or call.created_at for member in call.joined()]
    if call.begun_at is not None or len(joins) < 2:
        return []
    return [Due(max(max(joins) + CONNECT_SECONDS, patience), EndReason.MEDIA_FAILED, call.caller)]


def check_invite(invite: Invite, caller: UserId, known: Container[UserId]) -> None:
    """Raises `CallError` unless this is a call the server can make."""
    _require(is_call_id(invite.call_id), "a call id is 32 lower-case hex digits")
    _require(invite.room_id is None or is_room_id(invite.room_id), ROOM_ADVICE)
    _require(not invite.chat_group_id or is_group_id(invite.chat_group_id), "a group id is 1 to 64 visible characters")
    _require(caller not in invite.callees, "nobody can call themselves")
    check_ring(invite, known)


def check_ring(invite: Invite | InviteMore, known: Container[UserId]) -> None:
    """Raises `CallError` unless these people can be called like this."""
    callees = invite.callees
    _require(0 < len(callees) <= MAX_CALLEES, f"call 1 to {MAX_CALLEES} people")
    _require(all(map(is_user_id, callees)), "a user id is 1 to 32 characters of A-Z, a-z, 0-9, '_' and '-'")
    _require(len(set(callees)) == len(callees), "each person can be called only once")
    _require(0 <= invite.timeout <= MAX_RING_SECONDS, f"timeout is 0 (for ever) to {MAX_RING_SECONDS} seconds")
    _require(
        len(invite.user_data.encode("utf-8", "surrogatepass")) <= MAX_USER_DATA_BYTES,
        f"user_data is at most {MAX_USER_DATA_BYTES} bytes",
    )
    for callee in callees:
        if callee not in known:
            raise CallError(ErrorCode.UNKNOWN_USER, f"nobody called {callee!r} has ever signed in on this server")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise CallError(ErrorCode.BAD_ARGUMENT, message)
