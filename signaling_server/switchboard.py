"""The switchboard: takes one input at a time, has it judged, and hands out what to store and whom to tell.

Pure: time is an argument (Unix seconds), outputs are data. The order in which inputs are given is the order in which
they are decided, and that decides every race.

    connect / disconnect / receive / handle_timer ──► drain() ──► stored? ── yes ──► told
                                                                     └────── no ───► undo()

Presence (who is connected, who hears whom) is not stored: after a restart nobody is here, and everybody has
`RESTART_GRACE` seconds to come back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import EndReason, MemberState, UserId
from pycall.core.wire import (
    PROTOCOL_VERSION,
    CallView,
    ClientMessage,
    Command,
    Ended,
    Goodbye,
    Invite,
    Join,
    Login,
    Logout,
    PeerReport,
    Ping,
    Pong,
    Reply,
    Signal,
    Welcome,
)

from .ban import Ban
from .bans import Bans
from .batch import Batch, Close, Tell
from .book import Book, Client, SessionId
from .judge import Judge
from .ledger import StoredCall, StoredMember
from .rules import RESTART_GRACE, SILENT_GRACE, USEFUL_RING
from .teller import Teller, end_for

__all__ = ["Batch", "Close", "SessionId", "StoredCall", "StoredMember", "Switchboard", "Tell"]

RETRY_SECONDS = 1.0
"""After an undo, timers wait this long, so that a full disk does not become a busy loop."""


class Switchboard:
    """`calls` at the start: the live ones, and those ended within the last 10 minutes (their members may still ask)."""

    def __init__(
        self,
        *,
        known_users: Iterable[UserId] = (),
        calls: Iterable[StoredCall] = (),
        bans: Iterable[Ban] = (),
        now: float,
    ) -> None:
        self._book = Book(patience=now)
        self._teller = Teller(self._book)
        self._judge = Judge(self._book, self._teller)
        self.bans = Bans(self._book, self._judge.people, self._judge.endings, bans)
        """Asked and changed from outside."""
        self._new_users: list[UserId] = []
        self._gone: list[tuple[SessionId, float]] = []
        self._gone_before: list[tuple[SessionId, float]] = []
        self._now = now
        self._retry_at: float | None = None
        self._book.known.update(dict.fromkeys(known_users, True))
        self._restore(calls, now)

    @property
    def dropped(self) -> Counter[str]:
        """How many messages were dropped without an answer, by kind."""
        return self._teller.dropped

    @property
    def online(self) -> int:
        """How many users are connected."""
        return len(self._book.online)

    @property
    def live_calls(self) -> int:
        """How many calls ring or run."""
        return len(self._book.calls)

    def calls_now(self) -> list[StoredCall]:
        """The calls that ring or run, as they are."""
        return list(self._book.calls.values())

    def has_line(self, user_id: UserId) -> bool:
        """Whether a call rings or runs for this user."""
        return user_id in self._book.lines

    def find_call(self, call_id: str) -> StoredCall | None:
        """The call with this id, if it rings or runs."""
        return self._book.find(call_id)

    def end_call(self, call_id: str, reason: EndReason, by: UserId, now: float) -> bool:
        """End a call from outside; False if there is none."""
        call = self._book.find(call_id)
        if call is not None:
            self._now = now
            self._judge.endings.end(call, reason, by, now)
        return call is not None

    # --- inputs -------------------------------------------------------------------------------------------------

    def connect(self, session: SessionId, login: Login, now: float) -> None:
        """A client has signed in (its ticket is good); tells it the welcome."""
        self._now = now
        client = Client(login.user_id, login.device_id)
        ban = self.bans.find(client.user_id, now)
        if ban is not None:
            self._teller.pile.append(Close(session, ban.goodbye))
            return
        if client.user_id not in self._book.known:
            self._book.journal.put(self._book.known, client.user_id, True)
            self._new_users.append(client.user_id)
        self._judge.people.make_room(client, login, now)
        self._book.bind(session, client)
        call = self._call_for(client, login.call_id, now)
        welcome = Welcome(
            version=PROTOCOL_VERSION,
            user_id=client.user_id,
            server_time=now,
            call=call,
            ended=self._ending_for(client, login.call_id),
        )
        self._teller.answer(session, welcome)

    def disconnect(self, session: SessionId, now: float, *, silent: bool = False) -> None:
        """A socket is gone; one that was replaced already is ignored. Not undone by `undo`: gone is gone.

        `silent`: nothing came any more, so their network is down rather than their program gone.
        """
        self._now = now
        if session in self._book.sessions:
            away_since = now + SILENT_GRACE if silent else now
            self._gone.append((session, away_since))
            self._book.unbind(session, away_since)

    def receive(self, session: SessionId, message: ClientMessage, now: float) -> None:
        """A message of a signed-in client."""
        self._now = now
        client = self._book.sessions.get(session)
        if client is None:
            self.dropped["stale session"] += 1
            return
        match message:
            case Ping():
                self._teller.answer(session, Pong(id=message.id))
            case PeerReport():
                self._judge.in_call.report(client, message, now)
            case Signal():
                self._judge.in_call.signal(client, message)
            case Command():
                self._answer(session, client, message, now)
            case _:
                self.dropped["second login"] += 1

    def handle_timer(self, now: float) -> None:
        """End what is overdue."""
        self._now = now
        self._retry_at = None
        following = self._book.next_due()
        while following is not None and following[1].at <= now:
            self._judge.endings.overdue(*following, now)
            following = self._book.next_due()
        self._judge.in_call.tell_held(now)

    def deadline(self) -> float | None:
        """When `handle_timer` is next needed, in Unix seconds."""
        following = self._book.next_due()
        times = (None if following is None else following[1].at, self._judge.in_call.bursts.due_at())
        at = min((time for time in times if time is not None), default=None)
        return None if at is None else max(at, self._retry_at or 0.0)

    # --- outputs ------------------------------------------------------------------------------------------------

    def drain(self) -> Batch:
        """What is to be stored and then told. To drain again says that the batch before has been stored."""
        saved, facts = self._book.hand_out()
        bans = self.bans.hand_out()
        batch = Batch(tell=self._teller.pile, saved=saved, users=self._new_users, facts=facts, bans=bans)
        self._teller.pile, self._new_users = [], []
        self._gone_before, self._gone = self._gone, []
        self._book.trim(self._now)
        return batch

    def undo(self) -> None:
        """The batch drained last could not be stored: neither it nor anything since has happened."""
        self._teller.pile.clear()
        self._new_users.clear()
        self.bans.hand_out()
        self._book.revert()
        self._retry_at = self._now + RETRY_SECONDS
        self._gone = self._gone_before + self._gone
        self._gone_before = []
        for session, at in self._gone:
            self._book.unbind(session, at)

    # --- signing in and out -------------------------------------------------------------------------------------

    def _restore(self, calls: Iterable[StoredCall], now: float) -> None:
        for call in sorted(calls, key=lambda call: call.ended_at or 0.0):
            if call.merged_id is not None:
                self._book.aliases[call.merged_id] = call.call_id
            if call.ended_at is not None:
                self._book.ended[call.call_id] = call
                continue
            self._book.patience = now + RESTART_GRACE
            self._book.put(call)
            for member in call.joined():
                self._book.away_since[member.user_id] = now
            self._book.watch(call.call_id)
        self._book.hand_out()

    def _call_for(self, client: Client, believed: str | None, now: float) -> CallView | None:
        """The call on this client's line. A ring that is as good as over is not begun any more."""
        call = self._book.call_of(client.user_id)
        member = None if call is None else call.member(client.user_id)
        if call is None or member is None:
            return None
        if member.state is MemberState.JOINED:
            return self._book.view(call, now, client.user_id) if member.device_id == client.device_id else None
        ring_end = call.ring_end(member)
        useful = ring_end is None or ring_end - now >= USEFUL_RING
        if not useful and believed != call.call_id:
            return None
        if not member.told:
            call = self._judge.invitations.note_told(call, client.user_id, now)
        return self._book.view(call, now, client.user_id)

    def _ending_for(self, client: Client, believed: str | None) -> Ended | None:
        if believed is None:
            return None
        call = self._book.find(believed) or self._book.find_ended(believed)
        return None if call is None else end_for(call, client.user_id, client.device_id, believed)

    # --- commands -----------------------------------------------------------------------------------------------

    def _answer(self, session: SessionId, client: Client, command: Command, now: float) -> None:
        """One reply to one command, told before everything that follows from it."""
        known = self._book.replies.get(client, {}).get(command.req_id)
        if known is not None:
            self._teller.answer(session, known.reply if known.mark == hash(command) else _reused(command))
        elif isinstance(command, Logout):
            self._logout(session, client, command, now)
        else:
            place = len(self._teller.pile)
            reply = self._judged(client, command, now)
            self._teller.pile.insert(place, Tell(session, reply))
            self._book.remember(client, command, reply)

    def _judged(self, client: Client, command: Command, now: float) -> Reply:
        try:
            done = self._judge.decide(client, command, now)
            return Reply(req_id=command.req_id, ok=True, call=done.call, users=done.users)
        except CallError as error:
            view = self._line_of(client, command, now)
            return Reply(req_id=command.req_id, ok=False, code=error.code, message=error.message, call=view)

    def _line_of(self, client: Client, command: Command, now: float) -> CallView | None:
        """For a refusal: the call it was about, or the one that takes the caller's line."""
        call = self._book.call_of(client.user_id)
        asked = getattr(command, "call_id", None)
        if call is None or not (isinstance(command, Invite | Join) or asked == call.call_id):
            return None
        return self._book.view(call, now, client.user_id)

    def _logout(self, session: SessionId, client: Client, command: Logout, now: float) -> None:
        """Hang up (or refuse, if it rings on no other device), then go."""
        call = self._book.call_of(client.user_id)
        member = None if call is None else call.member(client.user_id)
        if call is not None and member is not None and self._is_last_word(client, member):
            self._judge.endings.leave(client, call, EndReason.HANGUP, now)
        self._teller.answer(session, Reply(req_id=command.req_id, ok=True))
        self._teller.pile.append(Close(session, Goodbye(code=ErrorCode.NOT_LOGGED_IN, message="signed out")))
        self._book.unbind(session, now)
        self._book.journal.drop(self._book.replies, client)

    def _is_last_word(self, client: Client, member: StoredMember) -> bool:
        if member.state is MemberState.RINGING:
            return len(self._book.sessions_of(client.user_id)) == 1
        return member.device_id == client.device_id


def _reused(command: Command) -> Reply:
    words = "this req_id was used for another request; count on"
    return Reply(req_id=command.req_id, ok=False, code=ErrorCode.REPEATED, message=words)
