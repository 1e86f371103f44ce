"""Microphones and cameras switched in bursts: others hear of five changes a second at most, and of the last one always.

What a member has open counts at once, in snapshots too. Only the telling waits, and what it then tells is how things
are at that moment. A change of both microphone and camera is two notifications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pycall.core.types import UserId

if TYPE_CHECKING:
    from .book import Book
    from .ledger import StoredMember

Opened = tuple[bool, bool]
"""Whether microphone and camera are open."""
PER_SECOND = 5
WINDOW = 1.0
"""Seconds."""


class Burst(NamedTuple):
    """What the others in the call heard of one member lately."""

    told: Opened
    times: tuple[float, ...] = ()
    """Of the last notifications, Unix seconds, the oldest first."""

    def may_tell_at(self, opened: Opened) -> float:
        """When there is room for what has changed since."""
        cost = self._cost(opened)
        return self.times[cost - 1 - PER_SECOND] + WINDOW if len(self.times) + cost > PER_SECOND else 0.0

    def telling(self, opened: Opened, now: float) -> Burst:
        """After this was told."""
        return Burst(opened, (*self.times, *[now] * self._cost(opened))[-PER_SECOND:])

    def _cost(self, opened: Opened) -> int:
        """In notifications; telling what was told before is one as well."""
        return max(1, sum(old != new for old, new in zip(self.told, opened, strict=True)))


class Bursts:
    """Of everybody who is in a call; forgotten with their part in it."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def take(self, before: StoredMember, opened: Opened, now: float) -> bool:
        """This member has these open from now on; True: tell it now, else it will be due."""
        burst = self._book.bursts.get(before.user_id) or Burst((before.audio, before.video))
        at = burst.may_tell_at(opened)
        if at > now:
            self._book.journal.put(self._book.bursts, before.user_id, burst)
            self._book.journal.put(self._book.held, before.user_id, at)
            return False
        self._tell(before.user_id, burst.telling(opened, now))
        return True

    def switched(self, user_id: UserId, video: bool) -> None:
        """A switch between voice and video has told this of their camera."""
        burst = self._book.bursts.get(user_id)
        if burst is not None:
            self._book.journal.put(self._book.bursts, user_id, burst._replace(told=(burst.told[0], video)))

    def due_at(self) -> float | None:
        """When the next one that waits is to be told, Unix seconds."""
        return min(self._book.held.values()) if self._book.held else None

    def due(self, now: float) -> list[UserId]:
        """Of whom something is to be told now."""
        return [user_id for user_id, at in self._book.held.items() if at <= now]

    def told(self, user_id: UserId, opened: Opened, now: float) -> None:
        """What waited was told."""
        self._tell(user_id, self._book.bursts[user_id].telling(opened, now))

    def _tell(self, user_id: UserId, burst: Burst) -> None:
        self._book.journal.put(self._book.bursts, user_id, burst)
        self._book.journal.drop(self._book.held, user_id)
