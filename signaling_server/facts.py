"""What happened in calls, one by one, in the order it was decided: callbacks to other systems are made from these."""

from __future__ import annotations

from enum import Enum

import msgspec

from pycall.core.types import EndReason

from .ledger import StoredCall


class FactKind(Enum):
    """One thing that happened to one user in one call. A call begins with STARTED and ends with the one ENDED."""

    STARTED = "started"
    """The caller dialed; `users` are the callees."""
    RECEIVED = "received"
    """A client of the user was told of the ring; once for each ring."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IGNORED = "ignored"
    """The user let the caller see a busy line."""
    BUSY = "busy"
    """The user's line was taken; it never rang."""
    NO_ANSWER = "no_answer"
    """The user's ring ended by itself."""
    CANCELED = "canceled"
    """The user's ring was taken back: whoever called hung up, or is gone."""
    INVITED = "invited"
    """Somebody in the call invited `users` later on; `user_id` is the one who invited."""
    JOINED = "joined"
    """The user came into the running call without having been invited."""
    LEFT = "left"
    """The user was in the call and is not any more; `reason` says why."""
    ENDED = "ended"
    """The call is over; `call` is its record, `reason` is the record's, `users` were in it to the end."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Never told to clients."""

    kind: FactKind
    call: StoredCall
    """As it is after this."""
    user_id: str
    """Whom it is about."""
    by: str
    """Who did it."""
    reason: EndReason | None = None
    at: float
    """Unix seconds, by the server's clock."""
    users: tuple[str, ...] = ()


DECLINES = {
    EndReason.REJECTED: FactKind.REJECTED,
    EndReason.BUSY: FactKind.BUSY,
    EndReason.NO_ANSWER: FactKind.NO_ANSWER,
}
"""How a ring ends without an answer. An ignored ring is told to others as BUSY, and is IGNORED here."""
