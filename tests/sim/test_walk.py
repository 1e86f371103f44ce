"""Every order in which things can happen to two users: intents, deliveries, drops, the ring's end; breadth first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from pycall.core.line import CallState
from pycall.core.types import MediaType, PeerState
from tests.sim.invariants import check_always, check_over, check_quiet, history
from tests.town import Phone, Town

CALL_IDS = {"a": "a" * 32, "b": "b" * 32}
OTHER = {"a": "b", "b": "a"}

Action = tuple[str, str]


@dataclass(frozen=True)
class Budget:
    """How much may still happen in this walk."""

    dials: frozenset[str]
    hangups: int = 2
    drops: int = 0
    timeouts: int = 1


def actions(town: Town, left: Budget) -> Iterator[tuple[Action, Budget]]:
    """Everything that can happen next, and what is left of the budget after it."""
    for user in "ab":
        phone = town[user]
        yield from ((action, left) for action in deliveries(phone))
        yield from intents(phone, left)
        if left.drops and phone.session is not None:
            yield ("drop", user), replace(left, drops=left.drops - 1)
    if left.timeouts and any(any(call.ringing()) for call in town.switchboard._book.calls.values()):
        yield ("timeout", ""), replace(left, timeouts=0)


def deliveries(phone: Phone) -> Iterator[Action]:
    """What is on its way and must arrive sooner or later."""
    if phone.session is None:
        yield "connect", phone.user_id
    if phone.up and phone.session is not None:
        yield "up", phone.user_id
    if phone.down:
        yield "down", phone.user_id
    for peer in phone.peers:
        if phone.peers[peer].state is not PeerState.UP and phone.town.flows(peer, phone):
            yield "listen", phone.user_id


def intents(phone: Phone, left: Budget) -> Iterator[tuple[Action, Budget]]:
    user, state = phone.user_id, phone.line.state
    if state is None and user in left.dials and phone.session is not None and phone.line._own.linked:
        yield ("dial", user), replace(left, dials=left.dials - {user})
    if state is CallState.RINGING:
        yield ("accept", user), left
        yield ("reject", user), left
    if state not in (None, CallState.LEAVING, CallState.RINGING) and left.hangups:
        yield ("hangup", user), replace(left, hangups=left.hangups - 1)


def act(town: Town, action: Action) -> None:
    name, user = action
    phone = town.phones.get(user)
    if phone is None:
        due = town.switchboard.deadline()
        assert due is not None
        town.switchboard.handle_timer(town.unix + 30)
        town._commit()
    elif name == "dial":
        phone.dial(OTHER[user], call_id=CALL_IDS[user], media=MediaType.AUDIO)
    elif name in ("up", "down"):
        getattr(town, name)(phone)
    else:
        getattr(phone, name)()


def key(town: Town, left: Budget) -> str:
    """Two worlds with the same key behave the same from here on."""
    book = town.switchboard._book
    server = (book.calls, sorted(book.ended), sorted(book.tombstones), book.aliases, sorted(book.online), book.hears)
    phones = []
    for phone in town.phones.values():
        own = phone.line._own
        known, terminal = history(phone)
        line = (own.call, own.audio_open, own.video_open, own.linked, own.held, sorted(own.finished), own.early)
        peers = {user: [(end.generation, end.state) for end in phone.ends_of(user)] for user in phone.peers}
        pending = (own.pending.all(), phone.capturing, phone.session is None, sorted(known), sorted(terminal))
        phones.append((line, pending, peers, list(phone.up), list(phone.down)))
    return repr((server, phones, sorted(left.dials), left.hangups, left.drops, left.timeouts))


def quiet(town: Town) -> bool:
    return not any(list(deliveries(phone)) for phone in town.phones.values())


def walk(budget: Budget) -> tuple[int, int]:
    """Visits everything; returns how many worlds there are and how many of them are at rest."""
    start = Town("a", "b")
    start.instant_media = True
    seen = {key(start, budget): 0}
    todo: deque[tuple[Town, Budget, tuple[Action, ...]]] = deque([(start, budget, ())])
    rests = 0
    while todo:
        town, left, path = todo.popleft()
        try:
            check_always(town)
            if quiet(town):
                rests += 1
                check_quiet(town)
                if town.switchboard.live_calls == 0:
                    check_over(town)
        except AssertionError as error:
            raise AssertionError(f"after {path}: {error}") from error
        for action, after in actions(town, left):
            following = town.copy()
            try:
                act(following, action)
            except AssertionError as error:
                raise AssertionError(f"after {path} {action}: {error}") from error
            mark = key(following, after)
            if mark not in seen:
                seen[mark] = len(seen)
                todo.append((following, after, (*path, action)))
    return len(seen), rests


@pytest.mark.parametrize(
    "budget",
    [
        pytest.param(Budget(frozenset("a")), id="one call"),
        pytest.param(Budget(frozenset("ab"), hangups=1, timeouts=0), id="both dial"),
        pytest.param(Budget(frozenset("a"), hangups=1, drops=1, timeouts=0), id="one call and a drop"),
    ],
)
def test_every_order_of_events(budget: Budget) -> None:
    worlds, rests = walk(budget)
    assert worlds > 100 and rests > 5
