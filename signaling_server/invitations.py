"""How calls begin to ring: the first invitation, and those in mid-call."""

from __future__ import annotations

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import MAX_CALLEES, MAX_PEOPLE, MAX_ROOM_NUMBER, EndReason, MemberState, Scene, UserId
from pycall.core.wire import CallView, Invite, Invited, InviteMore, Inviting, Ringing

from .book import Book, Client
from .endings import Endings
from .facts import FactKind
from .ledger import StoredCall, StoredMember, advance, with_member
from .rules import check_ring
from .teller import Teller, part_of

SEATS = MAX_CALLEES + 1


class Invitations:
    """Makes phones ring."""

    def __init__(self, book: Book, teller: Teller, endings: Endings) -> None:
        self.book = book
        self.teller = teller
        self.endings = endings

    def begin(self, client: Client, invite: Invite, now: float) -> CallView:
        """A new call; what is wrong with it was found before."""
        room = _made_up_room(invite.call_id) if invite.room_id is None else invite.room_id
        if (invite.chat_group_id, room) in self.book.rooms:
            raise CallError(ErrorCode.REPEATED, "this group has a call in that room already; join it")
        caller = StoredMember(
            user_id=client.user_id,
            state=MemberState.JOINED,
            device_id=client.device_id,
            video=invite.media.has_video,
            joined_at=now,
            since=1,
        )
        callees = (StoredMember(user_id=callee, state=self._state(callee)) for callee in invite.callees)
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
            scene=Scene.of(len(invite.callees), invite.chat_group_id),
            room_id=room,
            chat_group_id=invite.chat_group_id,
        )
        self.book.put(call)
        self.book.note(FactKind.STARTED, call, client.user_id, now, users=invite.callees)
        self._ring_all(call.call_id, invite.callees, now)
        self._end_if_all_busy(call.call_id, now)
        return self.book.view(call, now, client.user_id)

    def more(self, client: Client, command: InviteMore, now: float) -> tuple[UserId, ...]:
        """In mid-call: gives who rings now."""
        call, _ = part_of(self.book, client, command.call_id, joined=True)
        check_ring(command, self.book.known)
        new = self._absent(call, command.callees)
        call = self._with_new(call, client.user_id, command, new, now)
        self.book.put(call)
        self.book.note(FactKind.INVITED, call, client.user_id, now, users=new)
        for user in new:
            call = advance(self.book.calls[call.call_id])
            self.book.put(call)
            inviting = Inviting(call_id=call.call_id, seq=call.seq, inviter=client.user_id, user_id=user)
            self.teller.tell_joined(call, inviting)
        self._ring_all(call.call_id, new, now)
        ringing = {member.user_id for member in self.book.calls[call.call_id].ringing()}
        return tuple(user for user in new if user in ringing)

    def note_told(self, call: StoredCall, callee: UserId, now: float) -> StoredCall:
        """A client of the callee rings now, and whoever called them hears that it does."""
        call = advance(call, members=with_member(call, callee, told=True))
        self.book.put(call)
        member = call.member(callee)
        by = call.caller if member is None or member.inviter is None else member.inviter
        self.book.note(FactKind.RECEIVED, call, callee, now, by=by)
        inviter = call.member(by)
        if inviter is not None and inviter.state is MemberState.JOINED:
            ringing = Ringing(call_id=call.call_id, seq=call.seq, user_id=callee)
            self.teller.tell(by, ringing, device_id=inviter.device_id)
        return call

    # --- steps --------------------------------------------------------------------------------------------------

    def _state(self, callee: UserId) -> MemberState:
        return MemberState.GONE if callee in self.book.lines else MemberState.RINGING

    def _absent(self, call: StoredCall, callees: tuple[UserId, ...]) -> tuple[UserId, ...]:
        """Those who are not there yet; whoever is, or rings already, is left out. There must be seats for them."""
        present = {member.user_id for member in call.members if member.state is not MemberState.GONE}
        new = tuple(user for user in callees if user not in present)
        if not new:
            raise CallError(ErrorCode.REPEATED, "they are in the call already, or it rings for them")
        if len(present) + len(new) > SEATS:
            raise CallError(
                ErrorCode.BAD_ARGUMENT, f"a call has at most {SEATS} people; {SEATS - len(present)} seats left"
            )
        if len({member.user_id for member in call.members} | set(new)) > MAX_PEOPLE:
            raise CallError(ErrorCode.BAD_ARGUMENT, f"{MAX_PEOPLE} people had a part in this call; begin a new one")
        return new

    def _with_new(
        self, call: StoredCall, inviter: UserId, command: InviteMore, new: tuple[UserId, ...], now: float
    ) -> StoredCall:
        """New people get a part in the call; who had one before begins it anew."""
        added = {
            user: StoredMember(
                user_id=user,
                state=self._state(user),
                inviter=inviter,
                user_data=command.user_data or None,
                ring_until=now + command.timeout if command.timeout else 0.0,
            )
            for user in new
        }
        kept = [added.pop(member.user_id, member) for member in call.members]
        called = [user for user in new if user not in call.callees and user != call.caller]
        scene = Scene.MULTI if call.scene is Scene.SINGLE else call.scene
        return advance(call, members=(*kept, *added.values()), callees=(*call.callees, *called), scene=scene)

    def _ring_all(self, call_id: str, callees: tuple[UserId, ...], now: float) -> None:
        """First it rings; then all who know of the call are told whose line is taken."""
        rings = {member.user_id for member in self.book.calls[call_id].ringing()}
        for callee in callees:
            if callee in rings and callee in self.book.online:
                call = self.note_told(self.book.calls[call_id], callee, now)
                self.teller.tell(callee, Invited(call=self.book.view(call, now, callee)))
        for callee in callees:
            if callee not in rings:
                self.endings.note_declined(self.book.calls[call_id], callee, EndReason.BUSY, now)

    def _end_if_all_busy(self, call_id: str, now: float) -> None:
        call = self.book.calls[call_id]
        if call.is_lonely:
            self.endings.end(call, EndReason.BUSY, call.callees[-1], now)


def _made_up_room(call_id: str) -> int:
    """As random as the call's id, of which it is made."""
    return int(call_id[:16], 16) % MAX_ROOM_NUMBER + 1
