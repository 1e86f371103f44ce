"""Who is told what, and who may ask: nobody outside a call ever learns that it exists."""

from __future__ import annotations

from collections import Counter

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import MemberState, UserId
from pycall.core.wire import ServerMessage

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
        """To the session of this user, if there is one, and if it is the client that takes part."""
        session = self._book.online.get(user_id)
        if session is not None and device_id in (None, self._book.device(user_id)):
            self.pile.append(Tell(session, message))

    def tell_joined(self, call: StoredCall, message: ServerMessage, *, but: UserId | None = None) -> None:
        """To everybody who is in the call."""
        for member in call.joined():
            if member.user_id != but:
                self.tell(member.user_id, message, device_id=member.device_id)


def part_of(book: Book, client: Client, call_id: str, *, joined: bool = False) -> tuple[StoredCall, StoredMember]:
    """The call and this client's part in it. To strangers it does not exist."""
    call = book.find(call_id)
    member = None if call is None else call.member(client.user_id)
    if call is None or member is None or not takes_part(call, client):
        raise CallError(ErrorCode.NO_SUCH_CALL, "there is no such call; it may just have ended")
    if joined and member.state is not MemberState.JOINED:
        raise CallError(ErrorCode.WRONG_STATE, "accept the call first")
    return call, member


def takes_part(call: StoredCall, client: Client) -> bool:
    """The call rings for this user, or has this very client in it."""
    member = call.member(client.user_id)
    return member is not None and (member.state is MemberState.RINGING or has_joined(call, client))


def has_joined(call: StoredCall, client: Client) -> bool:
    """This very client is in the call."""
    member = call.member(client.user_id)
    return member is not None and member.state is MemberState.JOINED and member.device_id == client.device_id
