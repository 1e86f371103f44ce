"""Descriptions and candidates that come before the ring, the answer or the member they belong to: kept for a while."""

from __future__ import annotations

from collections import deque

from .types import UserId
from .wire import Signaled

PER_CALL = 30
SECONDS = 60.0
"""How long one is kept."""
CALLS = 4
"""Of so many calls; only one of them can become ours."""


class Early:
    """Of too many the oldest go. Every method that drops something says how many."""

    def __init__(self) -> None:
        self._held: dict[str, deque[tuple[float, Signaled]]] = {}

    def put(self, message: Signaled, now: float) -> int:
        """Keep it for later."""
        dropped = self.expire(now)
        held = self._held.setdefault(message.call_id, deque(maxlen=PER_CALL))
        dropped += len(held) == PER_CALL
        held.append((now, message))
        if len(self._held) > CALLS:
            dropped += self.forget(next(iter(self._held)))
        return dropped

    def take(self, call_id: str, sender: UserId) -> list[Signaled]:
        """What this member sent, in order; it is not kept any more."""
        held = self._held.pop(call_id, None) or ()
        rest = [(at, message) for at, message in held if message.sender != sender]
        if rest:
            self._held[call_id] = deque(rest, maxlen=PER_CALL)
        return [message for _, message in held if message.sender == sender]

    def forget(self, call_id: str) -> int:
        """That call is over."""
        return len(self._held.pop(call_id, ()))

    def clear(self) -> None:
        """The user is somebody else, or nobody."""
        self._held.clear()

    def expire(self, now: float) -> int:
        """Drop what is too old."""
        before = len(self)
        for call_id, held in list(self._held.items()):
            while held and held[0][0] + SECONDS <= now:
                held.popleft()
            if not held:
                del self._held[call_id]
        return before - len(self)

    def deadline(self) -> float | None:
        """When `expire` is next needed."""
        return min((held[0][0] + SECONDS for held in self._held.values()), default=None)

    def __len__(self) -> int:
        return sum(map(len, self._held.values()))

    def __repr__(self) -> str:
        """Two that say the same are the same."""
        return f"Early({self._held})"
