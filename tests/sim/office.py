"""The back office of the simulated world: what is stored to be told to it, and what it has heard at last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pycall.core.types import MemberState
from signaling_server.announcer import Announcer, Origin
from signaling_server.callbacks import END_CALL, START_CALL, Callbacks, Generation, Target
from signaling_server.facts import Fact, FactKind
from signaling_server.ledger import StoredCall
from signaling_server.store import Store

RING_ENDS = {
    FactKind.REJECTED,
    FactKind.IGNORED,
    FactKind.BUSY,
    FactKind.NO_ANSWER,
    FactKind.CANCELED,
}
States = dict[str, MemberState]


class Office:
    """The outbox, in the same transaction as what it tells, and a target that sometimes forgets to answer."""

    def __init__(self) -> None:
        callbacks = Callbacks(cast(Store, None))  # nothing is set or deleted here, so nothing is written
        for generation in Generation:
            everything = tuple(sorted(generation.commands))
            callbacks._targets[generation] = Target(url="https://example.com/", commands=everything)
        self.announcer = Announcer(1, callbacks)
        self.waiting: dict[str, dict[str, Any]] = {}
        self.made: dict[str, dict[str, Any]] = {}
        self.heard: Counter[str] = Counter()

    def store(self, facts: Sequence[Fact], now: float) -> None:
        """With every commit: at least one row for each thing that happened, each with an id of its own."""
        for fact in facts:
            rows = self.announcer.rows([fact], lambda _: Origin(), now)
            # No document has a command for the ring of a caller who left and was called back.
            called_back = fact.kind is FactKind.RECEIVED and fact.user_id == fact.call.caller
            assert rows or called_back, f"nobody is told: {fact.kind}"
            for row in rows:
                assert row["event_id"] not in self.made, "an id is never used again"
                self.made[row["event_id"]] = self.waiting[row["event_id"]] = row

    def post(self, *, answered: bool, at_most: int = 1000) -> None:
        """Send what waits, the oldest first; what is not answered stays, and is sent again."""
        for event_id in list(self.waiting)[:at_most]:
            self.heard[event_id] += 1
            if answered:
                del self.waiting[event_id]

    def check_told(self, stored: Mapping[str, StoredCall]) -> None:
        """Once everything was sent: all of it was heard, and each call has one beginning and one end."""
        assert not self.waiting and set(self.heard) == set(self.made)
        for command in (START_CALL, END_CALL):
            told = [row["call_id"] for row in self.made.values() if row["command"] == command]
            assert sorted(told) == sorted(stored), f"{command}: once for each call"


def check_facts(before: Mapping[str, StoredCall], saved: Iterable[StoredCall], facts: Sequence[Fact]) -> None:
    """Every change of somebody's state is a fact, and every fact a change: one by one they lead to what is saved."""
    changed = {call.call_id: call for call in saved}
    assert {fact.call.call_id for fact in facts} <= set(changed), "what is told is stored with it"
    for call_id, call in changed.items():
        states = _states(before.get(call_id))
        own = [fact for fact in facts if fact.call.call_id == call_id]
        for fact in own:
            _happen(states, fact)
        assert states == _states(call), f"{[fact.kind.value for fact in own]} do not lead to {call}"
        ended = [fact for fact in own if fact.kind is FactKind.ENDED]
        assert len(ended) == (call.ended_at is not None)
        if ended:
            assert own[-1] is ended[0] and (ended[0].reason, ended[0].by) == (call.reason, call.ended_by)


def _states(call: StoredCall | None) -> States:
    return {} if call is None else {member.user_id: member.state for member in call.members}


def _happen(states: States, fact: Fact) -> None:
    user = fact.user_id
    if fact.kind is FactKind.STARTED:
        assert not states
        states[user] = MemberState.JOINED
    if fact.kind in (FactKind.STARTED, FactKind.INVITED):
        _move(states, fact.users, {None, MemberState.GONE}, MemberState.RINGING)
    elif fact.kind is FactKind.RECEIVED:
        assert states.get(user) is MemberState.RINGING
    elif fact.kind is FactKind.ACCEPTED:
        _move(states, [user], {MemberState.RINGING}, MemberState.JOINED)
    elif fact.kind is FactKind.JOINED:
        _move(states, [user], {None, MemberState.GONE}, MemberState.JOINED)
    elif fact.kind in RING_ENDS:
        _move(states, [user], {MemberState.RINGING}, MemberState.GONE)
    elif fact.kind is FactKind.LEFT:
        _move(states, [user], {MemberState.JOINED}, MemberState.GONE)
    elif fact.kind is FactKind.ENDED:
        _move(states, fact.users, {MemberState.JOINED}, MemberState.GONE)


def _move(states: States, users: Iterable[str], old: set[MemberState | None], new: MemberState) -> None:
    for user in users:
        assert states.get(user) in old, f"{user} is {states.get(user)}, not {old}"
        states[user] = new
