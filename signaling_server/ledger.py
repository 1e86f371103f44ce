"""What the switchboard writes down of a call: enough to go on with it after a restart, and its record once it is over."""

from __future__ import annotations

import msgspec

from pycall.core.types import EndReason, MediaType, MemberState


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
    """When an unanswered ring ends; None: it rings for ever."""
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
