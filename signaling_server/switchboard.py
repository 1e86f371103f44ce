"""The only judge: decides, one input at a time, what every call and every line is, and who is to be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pycall.core.types import UserId
from pycall.core.wire import ClientMessage, Goodbye, Login, ServerMessage

from .ledger import StoredCall, StoredMember

__all__ = ["Batch", "Close", "SessionId", "StoredCall", "StoredMember", "Switchboard", "Tell"]

SessionId = int


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


class Switchboard:
    """`calls` at the start: the live ones, and those ended within the last 10 minutes (their members may still ask)."""

    def __init__(self, *, known_users: Iterable[UserId] = (), calls: Iterable[StoredCall] = (), now: float) -> None:
        self.dropped: Counter[str] = Counter()

    def connect(self, session: SessionId, login: Login, now: float) -> None:
        """A client has signed in (its ticket is good); tells it the welcome."""
        raise NotImplementedError

    def disconnect(self, session: SessionId, now: float) -> None:
        """A socket is gone; one that was replaced already is ignored."""
        raise NotImplementedError

    def receive(self, session: SessionId, message: ClientMessage, now: float) -> None:
        """A message of a signed-in client."""
        raise NotImplementedError

    def handle_timer(self, now: float) -> None:
        """End what is overdue."""
        raise NotImplementedError

    def deadline(self) -> float | None:
        """When `handle_timer` is next needed, in Unix seconds."""
        raise NotImplementedError

    def drain(self) -> Batch:
        """What is to be stored and told; takes it."""
        raise NotImplementedError

    def undo(self) -> None:
        """Nothing since the last `drain()` or `undo()` has happened: it could not be stored."""
        raise NotImplementedError
