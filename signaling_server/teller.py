"""Who is told what, and who may ask: nobody outside a call ever learns that it exists."""

from __future__ import annotations

from collections import Counter

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import EndReason, MemberState, UserId
from pycall.core.wire import Ended, ServerMessage

from .batch import Close, Tell
from .book import Book, Client, SessionId
from .ledger import StoredCall, StoredMember


class Teller:
    """Collects, in order, what is to be told once it is stored."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.pile: list[Tell | Close] = []
        self.dropped: Counter[str] = Counter()

    def answer(self, session: SessionId, message: ServerMessage) -> None:
        """To exactly this session."""
        self.pile.append(Tell(session, message))

    def tell(self, user_id: UserId, message: ServerMessage, *, device_id: str | None = None) -> None:
        """To this user, if they are here: on all devices, or only on the one that takes part."""
        self.pile += [Tell(session, message) for session in self._book.sessions_of(user_id, device_id)]

    def tell_joined(self, call: StoredCall, message: ServerMessage, *, but: UserId | None = None) -> None:
        """To everybody who is in the call."""
        for member in call.joined():
            if member.user_id != but:
                self.tell(member.user_id, message, device_id=member.device_id)

    def tell_all(self, call: StoredCall, message: ServerMessage, *, but: UserId) -> None:
        """To everybody who is in the call, and everybody for whom it rings."""
        for member in call.members:
            if member.user_id != but and knows(member):
                self.tell(member.user_id, message, device_id=member.device_id)

    def tell_end(self, call: StoredCall, before: StoredMember) -> None:
        """To one who knew of the call: it is over for them. If it rang, then on all devices."""
        joined = before.state is MemberState.JOINED
        for session in self._book.sessions_of(before.user_id, before.device_id if joined else None):
            ended = end_for(call, before.user_id, self._book.sessions[session].device_id, call.call_id)
            if ended is not None:
                self.pile.append(Tell(session, ended))

    def tell_elsewhere(self, call: StoredCall, user_id: UserId) -> None:
        """The user has joined on one device: it rings no more on the others."""
        for session in self._book.sessions_of(user_id):
            ended = end_for(call, user_id, self._book.sessions[session].device_id, call.call_id)
            if ended is not None:
                self.pile.append(Tell(session, ended))


def part_of(book: Book, client: Client, call_id: str, *, joined: bool = False) -> tuple[StoredCall, StoredMember]:
    """The call and this client's part in it. To strangers it does not exist."""
    call = book.find(call_id)
    member = None if call is None else call.member(client.user_id)
    if call is None or member is None or not takes_part(call, client):
        raise CallError(ErrorCode.NO_SUCH_CALL, "there is no such call; it may just have ended")
    if joined and member.state is not MemberState.JOINED:
        raise CallError(ErrorCode.WRONG_STATE, "accept the call first")
    return call, member


def end_for(call: StoredCall, user_id: UserId, device_id: str, call_id: str) -> Ended | None:
    """How the call ended for this client, under the id by which it knows the call; None: it has not."""
    member = call.member(user_id)
    if member is None or member.state is MemberState.RINGING:
        return None
    elsewhere = member.device_id not in (None, device_id)
    reason, by = member.reason or call.reason or EndReason.UNKNOWN, member.ended_by or call.ended_by or call.caller
    if elsewhere:
        accepted = member.joined_at is not None
        reason, by = EndReason.OTHER_DEVICE_ACCEPTED if accepted else EndReason.OTHER_DEVICE_REJECTED, user_id
    elif member.state is MemberState.JOINED:
        return None
    until = member.left_at or call.ended_at
    duration = 0.0 if elsewhere or until is None else call.talked(member, until)
    return Ended(call_id=call_id, seq=call.seq, reason=reason, user_id=by, media=call.media, duration=duration)


def knows(member: StoredMember) -> bool:
    """They are in the call, or a client of theirs rings."""
    return member.state is MemberState.JOINED or (member.state is MemberState.RINGING and member.told)


def takes_part(call: StoredCall, client: Client) -> bool:
    """The call rings for this user, or has this very client in it."""
    member = call.member(client.user_id)
    return member is not None and (member.state is MemberState.RINGING or has_joined(call, client))


def has_joined(call: StoredCall, client: Client) -> bool:
    """This very client is in the call."""
    member = call.member(client.user_id)
    return member is not None and member.state is MemberState.JOINED and member.device_id == client.device_id
