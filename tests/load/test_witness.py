"""What the crash run would notice: each kind of loss, made by hand."""

from __future__ import annotations

from collections import Counter

from pycall.core import wire
from pycall.core.types import EndReason, MediaType
from scripts.load.callbacks import START_AND_END
from scripts.load.hooks import Receiver
from scripts.load.witness import Book, Witness, compare, compare_callbacks

NOTHING = dict.fromkeys(
    ("calls lost", "answers lost", "records miscounted", "ends lost", "ends told twice", "ends with two reasons"), 0
)


def ended(call_id: str, reason: EndReason = EndReason.HANGUP) -> wire.Ended:
    return wire.Ended(call_id=call_id, seq=1, reason=reason, user_id="alice", media=MediaType.AUDIO)


def witness() -> Witness:
    it = Witness(dialed={"talked", "rings"}, answered={"talked"})
    it.ended("alice", ended("talked"))
    it.ended("bob", ended("talked"))
    return it


def book() -> Book:
    return Book(live={"rings": {"accepted_at": None}}, records={"talked": {"accepted_at": 1.0}}, waiting=0, counted=1)


def test_all_is_well() -> None:
    assert compare(witness(), book()) == NOTHING


def test_each_loss_is_seen() -> None:
    no_call = Book(live={}, records=book().records, waiting=0, counted=1)
    assert compare(witness(), no_call) == NOTHING | {"calls lost": 1}
    no_answer = Book(live=book().live, records={"talked": {"accepted_at": None}}, waiting=0, counted=1)
    assert compare(witness(), no_answer) == NOTHING | {"answers lost": 1}
    goes_on = Book(live={**book().live, "talked": {"accepted_at": 1.0}}, records={}, waiting=0, counted=0)
    assert compare(witness(), goes_on) == NOTHING | {"ends lost": 1}
    miscounted = Book(live=book().live, records=book().records, waiting=0, counted=2)
    assert compare(witness(), miscounted) == NOTHING | {"records miscounted": 1}


def test_each_doubling_is_seen() -> None:
    twice = witness()
    twice.ended("alice", ended("talked"))
    assert compare(twice, book()) == NOTHING | {"ends told twice": 1}
    other = witness()
    other.ended("carol", ended("talked", EndReason.OFFLINE))
    assert compare(other, book()) == NOTHING | {"ends with two reasons": 1}


def test_callbacks_are_counted_by_their_ids() -> None:
    receiver = Receiver()
    for command in START_AND_END:
        receiver.ids["talked", command, ""] = Counter({"one-id": 3})
    assert set(compare_callbacks(book(), receiver).values()) == {0}, "the same event again is no other event"
    receiver.ids["talked", START_AND_END[0], ""]["another-id"] += 1
    del receiver.ids["talked", START_AND_END[1], ""]
    receiver.ids["unheard-of", START_AND_END[0], ""] = Counter({"id": 1})
    found = compare_callbacks(book(), receiver)
    assert found == {"callbacks lost": 1, "callbacks doubled": 1, "callbacks of no call": 1}
