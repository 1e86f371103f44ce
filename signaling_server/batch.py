"""What the switchboard hands out: what to write down, and whom to tell once it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from pycall.core.types import UserId
from pycall.core.wire import Goodbye, ServerMessage

from .ban import Ban
from .book import SessionId
from .facts import Fact
from .ledger import StoredCall


@dataclass(frozen=True, slots=True)
class Tell:
    """Send this message on that session."""

    session: SessionId
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Close:
    """Send this goodbye on that session and close it."""

    session: SessionId
    goodbye: Goodbye


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything since the last drain: to be written down first, told afterwards, in order."""

    tell: list[Tell | Close] = field(default_factory=list)
    saved: list[StoredCall] = field(default_factory=list)
    """The newest state of each call that changed."""
    users: list[UserId] = field(default_factory=list)
    """Users seen for the first time."""
    facts: list[Fact] = field(default_factory=list)
    """What happened in these calls, in order."""
    bans: dict[UserId, Ban | None] = field(default_factory=dict)
    """Who was banned, and who is not any more."""

    @property
    def writes(self) -> bool:
        """Something of it is to be stored."""
        return bool(self.saved or self.users or self.bans)
