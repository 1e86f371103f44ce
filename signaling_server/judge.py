"""What each command does to a call, and who is told. Whoever comes second finds what the first has made."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import EndReason, MemberState, UserId, is_call_id
from pycall.core.wire import (
    Accept,
    CallView,
    Command,
    Hangup,
    Invite,
    InviteMore,
    Join,
    Joined,
    Reject,
    SetMedia,
    SetMultiDevice,
    SetSelfInfo,
    SwitchMedia,
)

from .book import Book, Client
from .endings import Endings
from .facts import FactKind
from .in_call import InCall
from .invitations import SEATS, Invitations
from .ledger import NOBODY, StoredCall, advance, with_member
from .people import People
from .rules import check_invite
from .teller import Teller, part_of, takes_part


class Done(NamedTuple):
    """What the reply to a command tells."""

    call: CallView | None = None
    """The call as it is right after."""
    users: tuple[UserId, ...] = ()


class Judge:
    """Decides commands over the book; refusals are raised as `CallError` before anything has changed."""

    def __init__(self, book: Book, teller: Teller) -> None:
        self.book = book
        self.teller = teller
        self.in_call = InCall(book, teller)
        self.endings = Endings(book, teller)
        self.invitations = Invitations(book, teller, self.endings)
        self.people = People(book, teller, self.endings)

    def decide(self, client: Client, command: Command, now: float) -> Done:
        """Carry out one command."""
        match command:
            case Invite():
                return Done(self._invite(client, command, now))
            case InviteMore():
                return Done(users=self.invitations.more(client, command, now))
            case Accept():
                return Done(self._accept(client, command, now))
            case Join():
                return Done(self._join(client, command, now))
            case SwitchMedia():
                return Done(self.in_call.switch_media(client, command, now))
            case SetMedia():
                return Done(self.in_call.set_media(client, command, now))
            case _:
                self._obey(client, command, now)
        return Done()

    def _obey(self, client: Client, command: Command, now: float) -> None:
        """Commands whose reply says no more than that it was done."""
        match command:
            case Reject():
                self._reject(client, command, now)
            case Hangup():
                self._hangup(client, command, now)
            case SetMultiDevice():
                self.people.set_several(client, command.enabled, now)
            case SetSelfInfo():
                self.people.set_info(client.user_id, command.nickname, command.avatar)
            case _:
                raise CallError(ErrorCode.BAD_MESSAGE, "this server does not know that command")

    # --- dialing ------------------------------------------------------------------------------------------------

    def _invite(self, client: Client, invite: Invite, now: float) -> CallView:
        check_invite(invite, client.user_id, self.book.known)
        self._check_not_hung_up(client, invite.call_id)
        if self.book.find(invite.call_id) is not None or self.book.find_ended(invite.call_id) is not None:
            raise CallError(ErrorCode.REPEATED, "this call id was used before; make a new one")
        mine = self.book.call_of(client.user_id)
        if mine is not None and _is_glare(mine, client.user_id, invite):
            return self._merge(client, mine, invite, now)
        if mine is not None:
            again = any(mine.member(callee) is not None for callee in invite.callees)
            self._leave_behind(client, mine, EndReason.RECALLED if again else EndReason.OFFLINE, now)
        return self.invitations.begin(client, invite, now)

    def _check_not_hung_up(self, client: Client, call_id: str) -> None:
        if (client.user_id, call_id) in self.book.tombstones:
            raise CallError(ErrorCode.WRONG_STATE, "this call was hung up before it reached the server")

    def _leave_behind(self, client: Client, mine: StoredCall, reason: EndReason, now: float) -> None:
        """The line is taken, unless by a call of a client that is gone: the user has started anew."""
        member = mine.member(client.user_id)
        if member is None or member.state is not MemberState.JOINED or member.device_id == client.device_id:
            raise CallError(ErrorCode.WRONG_STATE, "your line is taken; answer or end that call first")
        if self.book.is_here(member):
            raise CallError(ErrorCode.WRONG_STATE, "you are in a call on another device")
        self.endings.depart(mine, client.user_id, reason, now)

    # --- answering ----------------------------------------------------------------------------------------------

    def _accept(self, client: Client, command: Accept, now: float) -> CallView:
        call, member = part_of(self.book, client, command.call_id)
        if member.state is MemberState.JOINED:
            raise CallError(ErrorCode.REPEATED, "you are in this call already")
        return self._enter(client, call, now, video=call.media.has_video)

    def _merge(self, client: Client, call: StoredCall, invite: Invite, now: float) -> CallView:
        """Both dialed each other: the first call lives, the second is its answer, with the lesser media."""
        media = call.media.lesser(invite.media)
        if media is not call.media:
            call = self.in_call.change_media(call, media, client.user_id)
        self.book.journal.put(self.book.aliases, invite.call_id, call.call_id)
        call = replace(call, merged_id=invite.call_id)
        return self._enter(client, call, now, video=call.media.has_video)

    def _join(self, client: Client, command: Join, now: float) -> CallView:
        """Whoever was ever called may come (back); into a group's call, whoever can name it."""
        self._check_not_hung_up(client, command.call_id)
        call = self._joinable(client, command)
        mine = self.book.call_of(client.user_id)
        member = call.member(client.user_id)
        if mine is call and member is not None and takes_part(call, client):
            if member.state is MemberState.JOINED:
                raise CallError(ErrorCode.REPEATED, "you are in this call already")
        elif call.seats_taken >= SEATS and mine is not call:
            raise CallError(ErrorCode.WRONG_STATE, f"the call is full: {SEATS} people")
        elif mine is not None:
            self._leave_behind(client, mine, EndReason.OFFLINE, now)
            call = self._joinable(client, command)
        return self._enter(client, call, now, video=command.video and call.media.has_video)

    def _joinable(self, client: Client, command: Join) -> StoredCall:
        if command.room_id is None:
            call = self.book.find(command.call_id)
        else:
            call = self.book.find(self.book.rooms.get((command.chat_group_id, command.room_id), ""))
        if call is None or (call.member(client.user_id) is None and not call.chat_group_id):
            raise CallError(ErrorCode.NO_SUCH_CALL, "there is no such call; it may just have ended")
        return call

    def _enter(self, client: Client, call: StoredCall, now: float, *, video: bool) -> CallView:
        """This client is in the call from now on."""
        user_id, before = client.user_id, call.member(client.user_id)
        if before is None:
            newcomer = replace(call.members[0], user_id=user_id, inviter=None, user_data=None)
            call = replace(call, members=(*call.members, newcomer), callees=(*call.callees, user_id))
        rang = before is not None and before.state is MemberState.RINGING
        members = with_member(
            call,
            user_id,
            state=MemberState.JOINED,
            device_id=client.device_id,
            joined_at=now,
            since=call.seq + 1,
            audio=True,
            video=video,
            told=True,
            reason=None,
            left_at=None,
            ended_by=None,
        )
        call = advance(call, members=members, accepted_at=call.accepted_at or now)
        call = call if any(call.ringing()) else replace(call, ring_until=None)
        self.book.put(call)
        self.book.note(FactKind.ACCEPTED if rang else FactKind.JOINED, call, user_id, now)
        self._tell_joined(call, user_id, video=video)
        if rang:
            self.teller.tell_elsewhere(call, user_id)
        return self.book.view(call, now, user_id)

    def _tell_joined(self, call: StoredCall, user_id: UserId, *, video: bool) -> None:
        info = self.book.infos.get(user_id, NOBODY)
        joined = Joined(
            call_id=call.call_id,
            seq=call.seq,
            user_id=user_id,
            video=video,
            nickname=info.nickname,
            avatar=info.avatar,
        )
        self.teller.tell_joined(call, joined, but=user_id)

    def _reject(self, client: Client, command: Reject, now: float) -> None:
        call, member = part_of(self.book, client, command.call_id)
        if member.state is MemberState.JOINED:
            raise CallError(ErrorCode.WRONG_STATE, "you are in this call; hang up to leave it")
        reason = EndReason.BUSY if command.busy else EndReason.REJECTED
        kind = FactKind.IGNORED if command.busy else None
        self.endings.decline(call, client.user_id, reason, now, kind=kind, device_id=client.device_id)

    def _hangup(self, client: Client, command: Hangup, now: float) -> None:
        """Always succeeds: whoever hangs up is out of the call afterwards, or never gets in."""
        call = self.book.find(command.call_id)
        if call is not None and takes_part(call, client):
            self.endings.leave(client, call, EndReason(command.reason), now)
        elif call is None and self.book.find_ended(command.call_id) is None and is_call_id(command.call_id):
            self.book.journal.put(self.book.tombstones, (client.user_id, command.call_id), now)


def _is_glare(mine: StoredCall, user_id: UserId, invite: Invite) -> bool:
    """The one we call is calling us at this moment."""
    member = mine.member(user_id)
    return (
        member is not None
        and member.state is MemberState.RINGING
        and mine.callees == (user_id,)
        and invite.callees == (mine.caller,)
        and not mine.chat_group_id
        and not invite.chat_group_id
    )
