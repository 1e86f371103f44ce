"""What is written down of a call: enough to go on with it after a restart, and its record once it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from pycall.core.types import MAX_CALLEES, EndReason, MediaType, MemberState, RoomId, Scene
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
    since: int = 0
    """The call's `seq` when they joined."""
    inviter: str | None = None
    """Who called them; None: the caller."""
    user_data: str | None = None
    """What their inviter put beside the call; None: as the caller did."""
    ring_until: float | None = None
    """When their ring ends; None: with the call's, 0: never."""
    left_at: float | None = None
    """When they left, or their ring ended."""
    reason: EndReason | None = None
    """Why they are gone."""
    ended_by: str | None = None


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
    """When the ring of those called first ends; None: it rings for ever, or none of them rings any more."""
    accepted_at: float | None = None
    begun_at: float | None = None
    """When media first got through; durations count from here."""
    ended_at: float | None = None
    reason: EndReason | None = None
    ended_by: str | None = None
    merged_id: str | None = None
    """The id under which the callee dialed the caller at the same time; it means this call."""
    scene: Scene = Scene.SINGLE
    room_id: RoomId = 1
    chat_group_id: str = ""

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

    def ring_end(self, member: StoredMember) -> float | None:
        """When this member's ring ends; None: never."""
        return self.ring_until if member.ring_until is None else member.ring_until or None

    @property
    def seats_taken(self) -> int:
        """How many are in the call or ring."""
        return sum(member.state is not MemberState.GONE for member in self.members)

    @property
    def is_lonely(self) -> bool:
        """There is nobody left to talk with: a call goes on only with two, or with one and a ring."""
        return not any(self.joined()) or self.seats_taken <= 1

    def talked(self, member: StoredMember, until: float) -> float:
        """Seconds this member was in the conversation."""
        if self.begun_at is None or member.joined_at is None:
            return 0.0
        return max(0.0, until - max(self.begun_at, member.joined_at))


def advance(call: StoredCall, **changes: Any) -> StoredCall:
    """The next state of the call, one `seq` later."""
    return msgspec.structs.replace(call, seq=call.seq + 1, **changes)


def with_member(call: StoredCall, user_id: str, **changes: Any) -> tuple[StoredMember, ...]:
    """The call's members with one of them changed."""
    return tuple(
        msgspec.structs.replace(member, **changes) if member.user_id == user_id else member for member in call.members
    )


class Info(NamedTuple):
    """How a user is shown to others."""

    nickname: str = ""
    avatar: str = ""


NOBODY = Info()


def view_of(call: StoredCall, now: float, reader: str, infos: Mapping[str, Info]) -> CallView:
    """The call as one of its people sees it at this moment."""
    own = call.member(reader)
    gone = len(call.callees) > MAX_CALLEES
    return CallView(
        call_id=call.call_id,
        seq=call.seq,
        caller=call.caller,
        callees=tuple(user for user in call.callees if not gone or _is_present(call, user)),
        media=call.media,
        members=tuple(_member_view(member, infos) for member in call.members),
        user_data=call.user_data if own is None or own.user_data is None else own.user_data,
        remaining=_remaining(call, own, now),
        elapsed=None if call.begun_at is None else max(0.0, now - call.begun_at),
        scene=call.scene,
        room_id=call.room_id,
        chat_group_id=call.chat_group_id,
        inviter=None if own is None else own.inviter,
    )


def _member_view(member: StoredMember, infos: Mapping[str, Info]) -> MemberView:
    here = member.state is not MemberState.GONE
    info = infos.get(member.user_id, NOBODY) if here else NOBODY
    return MemberView(
        user_id=member.user_id,
        state=member.state,
        audio=member.audio,
        video=member.video,
        nickname=info.nickname,
        avatar=info.avatar,
        since=member.since,
        reason=None if here else member.reason,
        inviter=member.inviter,
    )


def _is_present(call: StoredCall, user_id: str) -> bool:
    member = call.member(user_id)
    return member is not None and member.state is not MemberState.GONE


def _remaining(call: StoredCall, own: StoredMember | None, now: float) -> float | None:
    """Of the reader's own ring, else of the one that lasts longest."""
    rings = [own] if own is not None and own.state is MemberState.RINGING else list(call.ringing())
    ends = [call.ring_end(member) for member in rings]
    known = [end for end in ends if end is not None]
    return max(0.0, max(known) - now) if known and len(known) == len(ends) else None
