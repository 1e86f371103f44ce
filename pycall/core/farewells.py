"""Hang-ups, refusals and sign-outs that the server has not taken in yet: each is said until it is heard."""

from __future__ import annotations

from msgspec.structs import replace

from .pending import Pending
from .wire import Hangup, Logout, Reject

Farewell = Hangup | Reject | Logout

AGAIN_SECONDS = 1.0
"""After the server could not write something down."""


class Farewells:
    """They outlive their call: a call that is over here is still to be left there."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._said: dict[int, Farewell] = {}
        self._refused: list[Farewell] = []
        self.again_at: float | None = None
        """When what the server could not take is said again."""

    def said(self, farewell: Farewell) -> None:
        """It was sent."""
        self._said[farewell.req_id] = farewell

    def answered(self, req_id: int, now: float, *, again: bool) -> bool:
        """The reply came; with `again` the server could not take it now. True if there is something to say again."""
        farewell = self._said.pop(req_id, None)
        if farewell is None or not again:
            return False
        self._refused.append(farewell)
        self.wait(now)
        return True

    def wait(self, now: float) -> None:
        """Something is to be said again in a moment."""
        self.again_at = self.again_at or now + AGAIN_SECONDS

    def take(self) -> list[Farewell]:
        """What is to be said again, as new requests: an old number would get the old reply."""
        refused, self._refused, self.again_at = self._refused, [], None
        return [replace(farewell, req_id=self._pending.next_id()) for farewell in refused]

    def clear(self) -> None:
        """The link is gone; the next snapshot says what is still to be left."""
        self._said.clear()
        self._refused.clear()
        self.again_at = None
