"""How rings and calls end: for one who declines or leaves, and for everybody once nobody is left to talk with."""

from __future__ import annotations

from msgspec.structs import replace

from pycall.core.types import EndReason, MemberState, UserId
from pycall.core.wire import Declined, Left

from .book import Book, Client
from .facts import DECLINES, FactKind
from .ledger import StoredCall, StoredMember, advance, with_member
from .rules import Due
from .teller import Teller, knows

_BY_CALLER = (EndReason.HANGUP, EndReason.MEDIA_FAILED, EndReason.MEDIA_LOST)


class Endings:
    """Every way out of a call."""

    def __init__(self, book: Book, teller: Teller) -> None:
        self.book = book
        self.teller = teller

    def leave(self, client: Client, call: StoredCall, reason: EndReason, now: float) -> None:
        """One member goes, or refuses; for the others the call goes on as long as there is somebody to talk with."""
        member = call.member(client.user_id)
        if member is not None and member.state is MemberState.RINGING:
            self.decline(call, client.user_id, EndReason.REJECTED, now, device_id=client.device_id)
        else:
            self.depart(call, client.user_id, reason, now)

    def overdue(self, call: StoredCall, ends: Due, now: float) -> None:
        """Nobody did anything in time."""
        if ends.reason is EndReason.NO_ANSWER:
            self.decline(call, ends.user_id, ends.reason, now)
        elif ends.reason is EndReason.OFFLINE:
            self.depart(call, ends.user_id, ends.reason, now)
        else:
            self.end(call, ends.reason, ends.user_id, now)

    # --- one of several -----------------------------------------------------------------------------------------

    def decline(
        self,
        call: StoredCall,
        callee: UserId,
        reason: EndReason,
        now: float,
        *,
        kind: FactKind | None = None,
        device_id: str | None = None,
    ) -> None:
        """Somebody who was called will not come; `device_id` is the client that said so."""
        call = self.note_declined(call, callee, reason, now, kind=kind, device_id=device_id)
        if call.is_lonely:
            self.end(call, *_why(call, reason, callee), now)

    def note_declined(
        self,
        call: StoredCall,
        callee: UserId,
        reason: EndReason,
        now: float,
        *,
        kind: FactKind | None = None,
        device_id: str | None = None,
    ) -> StoredCall:
        """The same, without looking whether that was the end of the call."""
        before = call.member(callee)
        members = with_member(
            call, callee, state=MemberState.GONE, reason=reason, ended_by=callee, left_at=now, device_id=device_id
        )
        call = advance(call, members=members)
        self.book.put(call)
        self.book.note(kind or DECLINES[reason], call, callee, now, reason=reason)
        declined = Declined(call_id=call.call_id, seq=call.seq, user_id=callee, reason=reason)
        self.teller.tell_all(call, declined, but=callee)
        if before is not None and knows(before):
            self.teller.tell_end(call, before)
        return call

    def depart(self, call: StoredCall, user_id: UserId, reason: EndReason, now: float) -> None:
        """Somebody who is in the call goes. A caller whom nobody has answered yet takes the call with them."""
        if call.accepted_at is None:
            self.end(call, EndReason.CANCELED if reason in _BY_CALLER else reason, user_id, now)
            return
        before, at = call.member(user_id), _not_before(call, now)
        members = with_member(call, user_id, state=MemberState.GONE, reason=reason, ended_by=user_id, left_at=at)
        without = advance(call, members=members)
        if without.is_lonely:
            self.end(call, reason, user_id, now)
            return
        self.book.put(without)
        self.book.forget_reports(without, user_id)
        self.book.watch(call.call_id)
        self.book.note(FactKind.LEFT, without, user_id, now, reason=reason)
        left = Left(call_id=call.call_id, seq=without.seq, user_id=user_id, reason=reason)
        self.teller.tell_joined(without, left)
        if before is not None:
            self.teller.tell_end(without, before)

    # --- everybody ----------------------------------------------------------------------------------------------

    def end(self, call: StoredCall, reason: EndReason, by: UserId, now: float) -> None:
        """The one end of a call: recorded, lines free, everybody who knew of it told."""
        before, at = call.members, _not_before(call, now)
        call = advance(
            call,
            members=tuple(_gone(member, reason, by, at) for member in before),
            ring_until=None,
            ended_at=at,
            reason=reason,
            ended_by=by,
        )
        self._note_end(call, {member.user_id: member.state for member in before}, now)
        self.book.close(call)
        for member in before:
            if knows(member):
                self.teller.tell_end(call, member)

    def _note_end(self, call: StoredCall, before: dict[UserId, MemberState], now: float) -> None:
        """Who still rang is not rung any more; whoever ended a conversation has left it."""
        by = call.ended_by or call.caller
        for user_id, state in before.items():
            if state is MemberState.RINGING and user_id != by:
                self.book.note(FactKind.CANCELED, call, user_id, now, by=by, reason=call.reason)
        stayed = tuple(user_id for user_id, state in before.items() if state is MemberState.JOINED)
        if call.accepted_at is not None and by in stayed:
            self.book.note(FactKind.LEFT, call, by, now, reason=call.reason)
            stayed = tuple(user_id for user_id in stayed if user_id != by)
        self.book.note(FactKind.ENDED, call, by, now, reason=call.reason, users=stayed)


def _gone(member: StoredMember, reason: EndReason, by: UserId, at: float) -> StoredMember:
    """As the end of the whole call leaves them: a ring that nobody answered is taken back, not hung up."""
    if member.state is MemberState.GONE:
        return member
    if member.state is MemberState.RINGING and reason in _BY_CALLER:
        reason = EndReason.CANCELED
    return replace(member, state=MemberState.GONE, reason=reason, ended_by=by, left_at=at)


def _why(call: StoredCall, reason: EndReason, by: UserId) -> tuple[EndReason, UserId]:
    """A conversation ends with the last one who left it, not with a ring that was not answered afterwards."""
    left = [member for member in call.members if member.state is MemberState.GONE and member.joined_at is not None]
    last = max(left, key=lambda member: member.left_at or 0.0, default=None)
    return (reason, by) if last is None else (last.reason or EndReason.HANGUP, last.user_id)


def _not_before(call: StoredCall, now: float) -> float:
    """The wall clock may have been set back."""
    return max(now, call.begun_at or call.created_at)
