"""What each command does to a call, and who is told. Whoever comes second finds what the first has made."""

from __future__ import annotations

from msgspec.structs import replace

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import EndReason, MemberState, UserId, is_call_id
from pycall.core.wire import (
    Accept,
    CallView,
    Command,
    Declined,
    Ended,
    Hangup,
    Invite,
    Invited,
    Joined,
    Reject,
    Ringing,
    SetMedia,
    SwitchMedia,
)

from .book import Book, Client
from .facts import DECLINES, FactKind
from .in_call import InCall
from .ledger import StoredCall, StoredMember, advance, view_of, with_member
from .rules import Due, check_invite
from .teller import Teller, part_of, takes_part


class Judge:
    """Decides commands over the book; refusals are raised as `CallError` before anything has changed."""

    def __init__(self, book: Book, teller: Teller) -> None:
        self.book = book
        self.teller = teller
        self.in_call = InCall(book, teller)

    def decide(self, client: Client, command: Command, now: float) -> CallView | None:
        """Carry out one command; returns the call as it is right after, for the reply."""
        match command:
            case Invite():
                return self._invite(client, command, now)
            case Accept():
                return self._accept(client, command, now)
            case Reject():
                self._reject(client, command, now)
            case Hangup():
                self._hangup(client, command, now)
            case SwitchMedia():
                return self.in_call.switch_media(client, command, now)
            case SetMedia():
                return self.in_call.set_media(client, command, now)
            case _:
                raise CallError(ErrorCode.BAD_MESSAGE, "this server does not know that command")
        return None

    # --- inviting -----------------------------------------------------------------------------------------------

    def _invite(self, client: Client, invite: Invite, now: float) -> CallView:
        check_invite(invite, client.user_id, self.book.known)
        self._check_unused(client, invite.call_id)
        mine = self.book.call_of(client.user_id)
        if mine is not None and _is_glare(mine, client.user_id, invite):
            return self._merge(client, mine, invite, now)
        if mine is not None:
            self._leave_behind(client, mine, invite, now)
        return self._begin_ring(client, invite, now)

    def _check_unused(self, client: Client, call_id: str) -> None:
        if (client.user_id, call_id) in self.book.tombstones:
            raise CallError(ErrorCode.WRONG_STATE, "this call was hung up before it reached the server")
        if self.book.find(call_id) is not None or self.book.find_ended(call_id) is not None:
            raise CallError(ErrorCode.REPEATED, "this call id was used before; make a new one")

    def _leave_behind(self, client: Client, mine: StoredCall, invite: Invite, now: float) -> None:
        """The line is taken, unless by a call of a client that is gone: the user has started anew."""
        member = mine.member(client.user_id)
        if member is None or member.state is not MemberState.JOINED or member.device_id == client.device_id:
            raise CallError(ErrorCode.WRONG_STATE, "your line is taken; answer or end that call first")
        again = any(mine.member(callee) is not None for callee in invite.callees)
        self.end(mine, EndReason.RECALLED if again else EndReason.OFFLINE, client.user_id, now)

    def _begin_ring(self, client: Client, invite: Invite, now: float) -> CallView:
        busy = {callee for callee in invite.callees if callee in self.book.lines}
        caller = StoredMember(
            user_id=client.user_id,
            state=MemberState.JOINED,
            device_id=client.device_id,
            video=invite.media.has_video,
            joined_at=now,
        )
        callees = (
            StoredMember(user_id=callee, state=MemberState.GONE if callee in busy else MemberState.RINGING)
            for callee in invite.callees
        )
        call = StoredCall(
            call_id=invite.call_id,
            seq=1,
            caller=client.user_id,
            callees=invite.callees,
            media=invite.media,
            members=(caller, *callees),
            user_data=invite.user_data,
            created_at=now,
            ring_until=now + invite.timeout if invite.timeout else None,
        )
        self.book.put(call)
        self.book.note(FactKind.STARTED, call, client.user_id, now, users=invite.callees)
        for callee in invite.callees:
            self._ring_or_decline(call, callee, callee in busy, now)
        return view_of(call, now)

    def _ring_or_decline(self, call: StoredCall, callee: UserId, busy: bool, now: float) -> None:
        if busy:
            self._decline(call, callee, EndReason.BUSY, now)
        elif callee in self.book.online:
            call = self.note_told(call, callee, now)
            self.teller.tell(callee, Invited(call=view_of(call, now)))

    def note_told(self, call: StoredCall, callee: UserId, now: float) -> StoredCall:
        """A client of the callee rings now, and the caller hears that it does."""
        call = advance(call, members=with_member(call, callee, told=True))
        self.book.put(call)
        self.book.note(FactKind.RECEIVED, call, callee, now, by=call.caller)
        self.teller.tell_joined(call, Ringing(call_id=call.call_id, seq=call.seq, user_id=callee))
        return call

    # --- answering ----------------------------------------------------------------------------------------------

    def _accept(self, client: Client, command: Accept, now: float) -> CallView:
        call, member = part_of(self.book, client, command.call_id)
        if member.state is MemberState.JOINED:
            raise CallError(ErrorCode.REPEATED, "you are in this call already")
        return view_of(self._join(client, call, now), now)

    def _merge(self, client: Client, call: StoredCall, invite: Invite, now: float) -> CallView:
        """Both dialed each other: the first call lives, the second is its answer, with the lesser media."""
        media = call.media.lesser(invite.media)
        if media is not call.media:
            call = self.in_call.change_media(call, media, client.user_id)
        self.book.journal.put(self.book.aliases, invite.call_id, call.call_id)
        call = replace(call, merged_id=invite.call_id)
        return view_of(self._join(client, call, now), now)

    def _join(self, client: Client, call: StoredCall, now: float) -> StoredCall:
        members = with_member(
            call,
            client.user_id,
            state=MemberState.JOINED,
            device_id=client.device_id,
            joined_at=now,
            video=call.media.has_video,
        )
        call = advance(call, members=members, accepted_at=now, ring_until=None)
        self.book.put(call)
        self.book.note(FactKind.ACCEPTED, call, client.user_id, now)
        joined = Joined(call_id=call.call_id, seq=call.seq, user_id=client.user_id, video=call.media.has_video)
        self.teller.tell_joined(call, joined, but=client.user_id)
        return call

    def _reject(self, client: Client, command: Reject, now: float) -> None:
        call, member = part_of(self.book, client, command.call_id)
        if member.state is MemberState.JOINED:
            raise CallError(ErrorCode.WRONG_STATE, "you are in this call; hang up to leave it")
        reason = EndReason.BUSY if command.busy else EndReason.REJECTED
        self._decline(call, client.user_id, reason, now, FactKind.IGNORED if command.busy else None)

    def _decline(
        self, call: StoredCall, callee: UserId, reason: EndReason, now: float, kind: FactKind | None = None
    ) -> None:
        call = advance(call)
        self.book.note(kind or DECLINES[reason], call, callee, now, reason=reason)
        self.teller.tell_joined(call, Declined(call_id=call.call_id, seq=call.seq, user_id=callee, reason=reason))
        self.end(call, reason, callee, now)

    # --- leaving ------------------------------------------------------------------------------------------------

    def _hangup(self, client: Client, command: Hangup, now: float) -> None:
        """Always succeeds: whoever hangs up is out of the call afterwards, or never gets in."""
        call = self.book.find(command.call_id)
        if call is not None and takes_part(call, client):
            self.leave(client, call, EndReason(command.reason), now)
        elif call is None and self.book.find_ended(command.call_id) is None and is_call_id(command.call_id):
            self.book.journal.put(self.book.tombstones, (client.user_id, command.call_id), now)

    def leave(self, client: Client, call: StoredCall, reason: EndReason, now: float) -> None:
        """One member goes; a call of two is over then."""
        member = call.member(client.user_id)
        if member is not None and member.state is MemberState.RINGING:
            self._decline(call, client.user_id, EndReason.REJECTED, now)
        elif call.accepted_at is None and reason is not EndReason.KICKED:
            self.end(call, EndReason.CANCELED, client.user_id, now)
        else:
            self.end(call, reason, client.user_id, now)

    def overdue(self, call: StoredCall, ends: Due, now: float) -> None:
        """Nobody did anything in time."""
        if ends.reason is EndReason.NO_ANSWER:
            self._decline(call, ends.user_id, ends.reason, now)
        else:
            self.end(call, ends.reason, ends.user_id, now)

    def end(self, call: StoredCall, reason: EndReason, by: UserId, now: float) -> None:
        """The one end of a call: recorded, lines free, everybody who knew of it told."""
        members = call.members
        knew = [member for member in members if _knows(member)]
        call = advance(
            call,
            members=tuple(replace(member, state=MemberState.GONE) for member in members),
            ring_until=None,
            ended_at=max(now, call.begun_at or call.created_at),
            reason=reason,
            ended_by=by,
        )
        self._note_end(call, {member.user_id: member.state for member in members}, now)
        self.book.close(call)
        for member in knew:
            self.teller.tell(member.user_id, ended_of(call, call.call_id), device_id=member.device_id)

    def _note_end(self, call: StoredCall, before: dict[UserId, MemberState], now: float) -> None:
        """Who still rang is not rung any more, unless they refused; whoever ended a conversation has left it."""
        by = call.ended_by or call.caller
        for user_id, state in before.items():
            if state is MemberState.RINGING and user_id != by:
                self.book.note(FactKind.CANCELED, call, user_id, now, by=by, reason=call.reason)
        stayed = tuple(user_id for user_id, state in before.items() if state is MemberState.JOINED)
        if call.accepted_at is not None and by in stayed:
            self.book.note(FactKind.LEFT, call, by, now, reason=call.reason)
            stayed = tuple(user_id for user_id in stayed if user_id != by)
        self.book.note(FactKind.ENDED, call, by, now, reason=call.reason, users=stayed)


def ended_of(call: StoredCall, call_id: str) -> Ended:
    """How this call ended, under the id by which the asker knows it."""
    return Ended(
        call_id=call_id,
        seq=call.seq,
        reason=call.reason or EndReason.UNKNOWN,
        user_id=call.ended_by or call.caller,
        media=call.media,
        duration=call.duration,
    )


def _is_glare(mine: StoredCall, user_id: UserId, invite: Invite) -> bool:
    """The one we call is calling us at this moment."""
    member = mine.member(user_id)
    return (
        member is not None
        and member.state is MemberState.RINGING
        and mine.callees == (user_id,)
        and invite.callees == (mine.caller,)
    )


def _knows(member: StoredMember) -> bool:
    return member.state is MemberState.JOINED or (member.state is MemberState.RINGING and member.told)
