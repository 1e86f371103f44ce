"""The switchboard's memory: who is here, which call is on whose line, what was answered; all can be taken back."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import NamedTuple

from pycall.core.types import EndReason, RoomId, UserId
from pycall.core.wire import CallView, Command, Reply

from .bursts import Burst
from .facts import Fact, FactKind
from .journal import Journal
from .ledger import Info, StoredCall, StoredMember, view_of
from .rules import Due, due

SessionId = int

ENDED_SECONDS = 600.0
"""How long a client may still ask how its call ended."""
MAX_ENDED = 20_000
TOMBSTONE_SECONDS = 60.0
MAX_TOMBSTONES = 1000
MAX_REPLIES = 1000
"""Per client."""
MAX_REPLY_BOOKS = 20_000


@dataclass(frozen=True, slots=True)
class Client:
    """Who signed in on a session."""

    user_id: UserId
    device_id: str


class Answered(NamedTuple):
    """What a request was answered with."""

    mark: int
    """Of the request, to tell another one with the same number from it."""
    reply: Reply


class Book:
    """Plain dictionaries behind one journal. Values are frozen, so going back is putting the old ones back."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        """Nobody is given up as lost before this time (the server was restarted)."""
        self.journal = Journal()
        self.known: dict[UserId, bool] = {}
        self.sessions: dict[SessionId, Client] = {}
        self.online: dict[UserId, tuple[SessionId, ...]] = {}
        """Oldest first; more than one only for users with several devices."""
        self.several: dict[UserId, bool] = {}
        """Who may be signed in on several devices."""
        self.infos: dict[UserId, Info] = {}
        self.away_since: dict[UserId, float] = {}
        """When the client that is in a call was last connected."""
        self.calls: dict[str, StoredCall] = {}
        self.lines: dict[UserId, str] = {}
        """The one live call of each user who rings or talks."""
        self.ended: dict[str, StoredCall] = {}
        self.aliases: dict[str, str] = {}
        """Ids of calls that were merged into another."""
        self.rooms: dict[tuple[str, RoomId], str] = {}
        """The live calls of chat groups, by group and room."""
        self.tombstones: dict[tuple[UserId, str], float] = {}
        self.hears: dict[str, frozenset[tuple[UserId, UserId]]] = {}
        """For each call who reports media from whom."""
        self.bursts: dict[UserId, Burst] = {}
        """What others heard lately of the microphones and cameras of those who are in calls."""
        self.held: dict[UserId, float] = {}
        """Of whom more is to be told, and when."""
        self.replies: dict[Client, dict[int, Answered]] = {}
        self.saved: dict[str, StoredCall] = {}
        """Changed since the last batch."""
        self.facts: list[Fact] = []
        """What happened since the last batch."""
        self._alarms: list[tuple[float, str]] = []
        self._answered: set[Client] = set()

    # --- people -------------------------------------------------------------------------------------------------

    def bind(self, session: SessionId, client: Client) -> None:
        """From now on the user is reached on this session too."""
        self.journal.put(self.sessions, session, client)
        self.journal.put(self.online, client.user_id, (*self.online.get(client.user_id, ()), session))

    def unbind(self, session: SessionId, now: float) -> None:
        """This session is no longer the user's."""
        client = self.sessions.get(session)
        if client is None:
            return
        self.journal.drop(self.sessions, session)
        others = tuple(other for other in self.online.get(client.user_id, ()) if other != session)
        if others:
            self.journal.put(self.online, client.user_id, others)
        else:
            self.journal.drop(self.online, client.user_id)
        self._note_absence(client, now)

    def _note_absence(self, client: Client, now: float) -> None:
        call = self.call_of(client.user_id)
        member = None if call is None else call.member(client.user_id)
        if call is not None and member is not None and member.device_id == client.device_id:
            self.journal.put(self.away_since, client.user_id, now)
            self.watch(call.call_id)

    def sessions_of(self, user_id: UserId, device_id: str | None = None) -> list[SessionId]:
        """Where this user is signed in: on all devices, or on this one."""
        sessions = self.online.get(user_id, ())
        return [one for one in sessions if device_id is None or self.sessions[one].device_id == device_id]

    def is_here(self, member: StoredMember) -> bool:
        """The client that is in the call is connected."""
        return bool(self.sessions_of(member.user_id, member.device_id))

    def lost_since(self, member: StoredMember) -> float | None:
        """Since when the client that is in the call has been away; None: it is here."""
        if self.is_here(member):
            return None
        return self.away_since.get(member.user_id, member.joined_at)

    def remember(self, client: Client, command: Command, reply: Reply) -> None:
        """The same request of this client gets the same reply again."""
        if client not in self.replies:
            self.journal.put(self.replies, client, {})
        self.journal.put(self.replies[client], reply.req_id, Answered(hash(command), reply))
        self._answered.add(client)

    # --- calls --------------------------------------------------------------------------------------------------

    def call_of(self, user_id: UserId) -> StoredCall | None:
        """The live call on this user's line."""
        call_id = self.lines.get(user_id)
        return None if call_id is None else self.calls[call_id]

    def find(self, call_id: str) -> StoredCall | None:
        """The live call with this id, or with the id under which it was dialed from the other end."""
        return self.calls.get(self.aliases.get(call_id, call_id))

    def find_ended(self, call_id: str) -> StoredCall | None:
        """The call with this id, if it ended a short while ago."""
        return self.ended.get(self.aliases.get(call_id, call_id))

    def view(self, call: StoredCall, now: float, reader: UserId) -> CallView:
        """The call as this user sees it at this moment."""
        return view_of(call, now, reader, self.infos)

    def put(self, call: StoredCall) -> None:
        """This is the call now; it will be saved."""
        before = self.calls.get(call.call_id)
        if before is None and call.chat_group_id:
            self.journal.put(self.rooms, (call.chat_group_id, call.room_id), call.call_id)
        self.journal.put(self.calls, call.call_id, call)
        self.saved[call.call_id] = call
        present = {member.user_id for member in (*call.joined(), *call.ringing())}
        for user_id in present:
            if self.lines.get(user_id) != call.call_id:
                self.journal.put(self.lines, user_id, call.call_id)
        for member in () if before is None else before.members:
            if member.user_id not in present and self.lines.get(member.user_id) == call.call_id:
                self._free(member.user_id)
        self.watch(call.call_id)

    def close(self, call: StoredCall) -> None:
        """The call is over; lines are free, its record remains for those who ask."""
        for member in call.members:
            if self.lines.get(member.user_id) == call.call_id:
                self._free(member.user_id)
        self.journal.drop(self.calls, call.call_id)
        self.journal.drop(self.hears, call.call_id)
        self.journal.drop(self.rooms, (call.chat_group_id, call.room_id))
        self.journal.put(self.ended, call.call_id, call)
        self.saved[call.call_id] = call

    def note(
        self,
        kind: FactKind,
        call: StoredCall,
        user_id: UserId,
        at: float,
        *,
        by: UserId | None = None,
        reason: EndReason | None = None,
        users: tuple[UserId, ...] = (),
    ) -> None:
        """This has happened; `by` is the user themselves unless given."""
        self.facts.append(
            Fact(kind=kind, call=call, user_id=user_id, by=by or user_id, reason=reason, at=at, users=users)
        )

    def forget_reports(self, call: StoredCall, user_id: UserId) -> None:
        """This user is not in the call any more: nobody hears them, and they hear nobody."""
        hears = self.hears.get(call.call_id, frozenset())
        self.journal.put(self.hears, call.call_id, frozenset(pair for pair in hears if user_id not in pair))

    def _free(self, user_id: UserId) -> None:
        self.journal.drop(self.lines, user_id)
        self.journal.drop(self.away_since, user_id)
        self.journal.drop(self.bursts, user_id)
        self.journal.drop(self.held, user_id)

    # --- time ---------------------------------------------------------------------------------------------------

    def due(self, call: StoredCall) -> Due | None:
        """What ends this call if nothing happens."""
        heard = {whom for _, whom in self.hears.get(call.call_id, ())}
        return due(call, self.lost_since, heard.__contains__, self.patience)

    def watch(self, call_id: str | None) -> None:
        """Something about this call has changed that may bring its end nearer."""
        call = None if call_id is None else self.calls.get(call_id)
        ends = None if call is None else self.due(call)
        if call is not None and ends is not None:
            heapq.heappush(self._alarms, (ends.at, call.call_id))

    def next_due(self) -> tuple[StoredCall, Due] | None:
        """The call that will end first by itself. Alarms may be early, or of calls long gone."""
        while self._alarms:
            at, call_id = self._alarms[0]
            call = self.calls.get(call_id)
            ends = None if call is None else self.due(call)
            if call is not None and ends is not None and ends.at == at:
                return call, ends
            heapq.heappop(self._alarms)
            if call is not None and ends is not None and ends.at > at:
                heapq.heappush(self._alarms, (ends.at, call_id))
        return None

    # --- the end of a batch -------------------------------------------------------------------------------------

    def hand_out(self) -> tuple[list[StoredCall], list[Fact]]:
        """The newest state of every call that changed since the last time, and what happened in them."""
        saved, facts = list(self.saved.values()), self.facts
        self.saved.clear()
        self.facts = []
        self.journal.hand_out()
        return saved, facts

    def revert(self) -> None:
        """Back to before what was handed out last."""
        self.journal.revert()
        self.saved.clear()
        self.facts = []
        self._alarms.clear()
        for call_id in self.calls:
            self.watch(call_id)

    def trim(self, now: float) -> None:
        """Forget what nobody may ask for any more; never in the middle of a batch."""
        while self.ended and (len(self.ended) > MAX_ENDED or self._oldest_ended() < now - ENDED_SECONDS):
            call = self.ended.pop(next(iter(self.ended)))
            if call.merged_id is not None:
                self.aliases.pop(call.merged_id, None)
        while self.tombstones and (
            len(self.tombstones) > MAX_TOMBSTONES or next(iter(self.tombstones.values())) < now - TOMBSTONE_SECONDS
        ):
            del self.tombstones[next(iter(self.tombstones))]
        self._trim_replies()

    def _trim_replies(self) -> None:
        for client in self._answered:
            replies = self.replies.get(client, {})
            while len(replies) > MAX_REPLIES:
                del replies[next(iter(replies))]
        self._answered.clear()
        while len(self.replies) > MAX_REPLY_BOOKS:
            del self.replies[next(iter(self.replies))]

    def _oldest_ended(self) -> float:
        return next(iter(self.ended.values())).ended_at or 0.0
