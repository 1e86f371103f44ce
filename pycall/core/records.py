"""A user's own list of calls, as `query_recent_calls` gives it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .types import CallId, MediaType, Role, RoomId, Scene, UserId


class RecordResult(IntEnum):
    """What a call was for one user (TUICallResultType)."""

    UNKNOWN = 0
    """In a filter: all."""
    MISSED = 1
    """It rang, or could not, and was neither answered nor refused."""
    INCOMING = 2
    OUTGOING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentCallsFilter:
    """Which of one's own calls; times are Unix seconds of their beginnings, None for no bound."""

    result: RecordResult = RecordResult.UNKNOWN
    begin: float | None = None
    end: float | None = None
    limit: int = 100
    """The newest so many, 1 to 1000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call that is over, as one of its members sees it."""

    call_id: CallId
    inviter: UserId
    invitees: tuple[UserId, ...]
    """Everybody who was called."""
    scene: Scene
    media: MediaType
    room_id: RoomId
    chat_group_id: str
    role: Role
    result: RecordResult
    begin_time: float
    """When it was dialed, in Unix seconds by the server's clock."""
    total_time: float
    """Seconds of conversation."""
