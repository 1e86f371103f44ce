"""What is written down of a call: enough to go on with it after a restart, and its record once it is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pycall.core.types import EndReason, MediaType, MemberState
from pycall.core.wire import CallView, MemberView


class StoredMember(msgspec.Struct, frozen=True, kw_only=True):
    """One user's part in one call."""

    user_id: str
    state: MemberState
    device_id: str | None = None
    """The client that dialed or accepted; None while it rings (a ring belongs to the user, not to a device)."""
    audio: bool = True
    video: bool = False
    told: bool = False
    """A client of theirs was told of the ring."""
    joined_at: float | None = None


class StoredCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call: live while `ended_at` is None, its record afterwards. All times are Unix seconds."""

    call_id: str
    seq: int
    caller: str
    callees: tuple[str, ...]
    media: MediaType
    members: tuple[StoredMember, ...]
    user_data: str = ""
    created_at: float
    ring_until: float | None = None
    """When an unanswered ring ends; None: it rings for ever, or nobody rings any more."""
    accepted_at: float | None = None
    begun_at: float | None = None
    """When media first got through; durations count from here."""
    ended_at: float | None = None
    reason: EndReason | None = None
    ended_by: str | None = None
    merged_id: str | None = None
    """The id under which the callee dialed the caller at the same time; it means this call."""

    @property
    def duration(self) -> float:
        """Seconds of conversation; 0 if it never began or still runs."""
        if self.begun_at is None or self.ended_at is None:
            return 0.0
        return self.ended_at - self.begun_at

    def member(self, user_id: str) -> StoredMember | None:
        """That user's part in the call, if they have one."""
        return next((member for member in self.members if member.user_id == user_id), None)

    def joined(self) -> Iterator[StoredMember]:
        """Who dialed or accepted and is still there."""
        return (member for member in self.members if member.state is MemberState.JOINED)

    def ringing(self) -> Iterator[StoredMember]:
        """Who has not answered yet."""
        return (member for member in self.members if member.state is MemberState.RINGING)


def advance(call: StoredCall, **changes: Any) -> StoredCall:
    """The next state of the call, one `seq` later."""
    return msgspec.structs.replace(call, seq=call.seq + 1, **changes)


def with_member(call: StoredCall, user_id: str, **changes: Any) -> tuple[StoredMember, ...]:
    """The call's members with one of them changed."""
    return tuple(
        msgspec.structs.replace(member, **changes) if member.user_id == user_id else member for member in call.members
    )


def view_of(call: StoredCall, now: float) -> CallView:
    """The call as its members see it at this moment."""
    rings = call.ring_until is not None and any(call.ringing())
    return CallView(
        call_id=call.call_id,
        seq=call.seq,
        caller=call.caller,
        callees=call.callees,
        media=call.media,
        members=tuple(
            MemberView(user_id=member.user_id, state=member.state, audio=member.audio, video=member.video)
            for member in call.members
        ),
        user_data=call.user_data,
        remaining=max(0.0, (call.ring_until or 0.0) - now) if rings else None,
        elapsed=None if call.begun_at is None else max(0.0, now - call.begun_at),
    )
