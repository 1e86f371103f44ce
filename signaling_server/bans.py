"""Who is kept out: an administrator signs users off, for now or until a moment, and takes a ban back.

A user who is kicked or banned is signed off on every device and is out of their call, as if signed in elsewhere. After
a kick it rings on for them, since they may sign in again; with a ban a ring ends at once, as if nobody had answered.
"""

from __future__ import annotations

from collections.abc import Iterable

from pycall.core.errors import ErrorCode
from pycall.core.types import EndReason, MemberState, UserId
from pycall.core.wire import Goodbye

from .ban import Ban
from .book import Book
from .endings import Endings
from .people import People

KICKED = Goodbye(code=ErrorCode.SIGNED_OFF, message="signed off by an administrator; sign in again if you may")


class Bans:
    """Decided like commands: in order, and in force once stored."""

    def __init__(self, book: Book, people: People, endings: Endings, stored: Iterable[Ban]) -> None:
        self._book = book
        self._people = people
        self._endings = endings
        self._bans = {ban.user_id: ban for ban in stored}
        self._changed: dict[UserId, Ban | None] = {}

    def find(self, user_id: UserId, now: float) -> Ban | None:
        """The ban that keeps this user out, if there is one."""
        ban = self._bans.get(user_id)
        return None if ban is None or not ban.holds(now) else ban

    def all(self, now: float) -> list[Ban]:
        """Those in force, the newest first."""
        return sorted((ban for ban in self._bans.values() if ban.holds(now)), key=lambda ban: ban.since, reverse=True)

    def kick(self, user_id: UserId, now: float) -> int:
        """Sign this user off everywhere; on how many devices they were."""
        return self._people.sign_off(user_id, KICKED, now)

    def add(self, ban: Ban, now: float) -> int:
        """From now on this user stays out; on how many devices they were. A ban of before is replaced."""
        self._put(ban.user_id, ban)
        devices = self._people.sign_off(ban.user_id, ban.goodbye, now)
        call = self._book.call_of(ban.user_id)
        member = None if call is None else call.member(ban.user_id)
        if call is not None and member is not None and member.state is MemberState.RINGING:
            self._endings.decline(call, ban.user_id, EndReason.NO_ANSWER, now)
        return devices

    def lift(self, user_id: UserId, now: float) -> bool:
        """They may sign in again; False if nothing kept them out."""
        held = self.find(user_id, now) is not None
        if user_id in self._bans:
            self._put(user_id, None)
        return held

    def hand_out(self) -> dict[UserId, Ban | None]:
        """What has changed since the last time; None: no ban any more."""
        changed, self._changed = self._changed, {}
        return changed

    def _put(self, user_id: UserId, ban: Ban | None) -> None:
        if ban is None:
            self._book.journal.drop(self._bans, user_id)
        else:
            self._book.journal.put(self._bans, user_id, ban)
        self._changed[user_id] = ban
