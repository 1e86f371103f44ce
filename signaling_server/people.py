"""What belongs to users rather than calls: on which devices they are signed in, and how they are shown to others."""

from __future__ import annotations

from pycall.core.errors import ErrorCode
from pycall.core.types import EndReason, MemberState, UserId
from pycall.core.wire import Goodbye, Login, UserInfo

from .batch import Close
from .book import Book, Client, SessionId
from .endings import Endings
from .ledger import Info
from .rules import MAX_DEVICES
from .teller import Teller

NEWER = Goodbye(code=ErrorCode.REPEATED, message="signed in again on a newer connection")
ELSEWHERE = Goodbye(code=ErrorCode.KICKED, message="signed in on another device")


class People:
    """Devices and names. Kept in memory only: a client says both again whenever it signs in."""

    def __init__(self, book: Book, teller: Teller, endings: Endings) -> None:
        self.book = book
        self.teller = teller
        self.endings = endings

    def make_room(self, client: Client, login: Login, now: float) -> None:
        """Before a login: whoever was signed in as this user is not any more, unless several devices are allowed."""
        if login.multi_device:
            self._allow_several(client.user_id)
        if login.nickname or login.avatar:
            self.book.journal.put(self.book.infos, client.user_id, Info(login.nickname, login.avatar))
        several = self.book.several.get(client.user_id, False)
        for session in self.book.sessions_of(client.user_id):
            if self.book.sessions[session].device_id == client.device_id:
                self._close(session, NEWER, now)
            elif not several or len(self.book.sessions_of(client.user_id)) >= MAX_DEVICES:
                self._kick(session, ELSEWHERE, now)

    def set_several(self, client: Client, enabled: bool, now: float) -> None:
        """Switched off, only the device that says so stays signed in."""
        if enabled:
            self._allow_several(client.user_id)
            return
        self.book.journal.drop(self.book.several, client.user_id)
        for session in self.book.sessions_of(client.user_id):
            if self.book.sessions[session] != client:
                self._kick(session, ELSEWHERE, now)

    def set_info(self, user_id: UserId, nickname: str, avatar: str) -> None:
        """Told to everybody with whom they are in a call."""
        self.book.journal.put(self.book.infos, user_id, Info(nickname, avatar))
        call = self.book.call_of(user_id)
        if call is not None:
            message = UserInfo(call_id=call.call_id, user_id=user_id, nickname=nickname, avatar=avatar)
            self.teller.tell_joined(call, message, but=user_id)

    def sign_off(self, user_id: UserId, goodbye: Goodbye, now: float) -> int:
        """On all devices, and out of the call, also if the client in it is away; on how many they were."""
        sessions = self.book.sessions_of(user_id)
        for session in sessions:
            self._kick(session, goodbye, now)
        call = self.book.call_of(user_id)
        member = None if call is None else call.member(user_id)
        if call is not None and member is not None and member.state is MemberState.JOINED:
            self.endings.depart(call, user_id, EndReason.KICKED, now)
        self.book.journal.drop(self.book.several, user_id)
        return len(sessions)

    def _allow_several(self, user_id: UserId) -> None:
        if user_id not in self.book.several:
            self.book.journal.put(self.book.several, user_id, True)

    def _kick(self, session: SessionId, goodbye: Goodbye, now: float) -> None:
        """This client's part in a call ends with it; a ring stays, it belongs to the user."""
        client = self.book.sessions[session]
        self._close(session, goodbye, now)
        call = self.book.call_of(client.user_id)
        member = None if call is None else call.member(client.user_id)
        if call is not None and member is not None and member.device_id == client.device_id:
            self.endings.leave(client, call, EndReason.KICKED, now)
        self.book.journal.drop(self.book.replies, client)

    def _close(self, session: SessionId, goodbye: Goodbye, now: float) -> None:
        self.book.unbind(session, now)
        self.teller.pile.append(Close(session, goodbye))
