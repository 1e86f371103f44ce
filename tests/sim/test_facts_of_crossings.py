"""What the back office is told when two things cross, in each commit order: one end of each ring, one end of each call.

| what crosses                                   | story                     |
|------------------------------------------------|---------------------------|
| cancel, refusal, answer while it rings         | ringing                   |
| the same, and the end of the time              | test_time_runs_out_*      |
| hang-up, switch, invitation in the call        | talking                   |
| two devices of one person                      | devices                   |
| two callers of one person                      | free                      |
| three people                                   | three                     |
"""

from __future__ import annotations

from collections import Counter

import pytest

from pycall.core.types import EndReason
from signaling_server.facts import Fact, FactKind
from tests.sim.stories import over
from tests.town import Town

RING_ENDS = {
    FactKind.ACCEPTED,
    FactKind.REJECTED,
    FactKind.IGNORED,
    FactKind.BUSY,
    FactKind.NO_ANSWER,
    FactKind.CANCELED,
}
VERBS = {
    "accept": lambda phone: phone.accept(),
    "cancel": lambda phone: phone.hangup(),
    "hangup": lambda phone: phone.hangup(),
    "reject": lambda phone: phone.reject(),
    "ignore": lambda phone: phone.reject(busy=True),
    "invite c": lambda phone: phone.invite("c"),
    "dial c": lambda phone: phone.dial("c"),
    "gone": lambda phone: phone.logout(),
}


def begin(story: str) -> Town:
    """The world in which it crosses; the facts are counted from its calls on."""
    town = Town("a", "b", "c", "d")
    if story == "devices":
        town["b"].several_devices(True)
        town.settle()
        town.another("b").connect()
        town.settle()
    town.facts = []
    if story != "free":
        town["a"].dial(*("bc" if story == "three" else "b"))
        town.settle()
    if story == "talking":
        town["b"].accept()
        town.settle()
    return town


def lines(town: Town) -> list[str]:
    return [" ".join((fact.kind.value, fact.user_id, *fact.users)) for fact in town.facts]


def check_facts(facts: list[Fact]) -> None:
    """Each call begins and ends once; each ring ends once; who came in went out or was there to the end."""
    for call_id in {fact.call.call_id for fact in facts}:
        own = [fact for fact in facts if fact.call.call_id == call_id]
        kinds = [fact.kind for fact in own]
        assert kinds[0] is FactKind.STARTED and kinds[-1] is FactKind.ENDED, "nothing before, nothing after"
        assert kinds.count(FactKind.STARTED) == kinds.count(FactKind.ENDED) == 1
        rung = Counter(user for fact in own if fact.kind in (FactKind.STARTED, FactKind.INVITED) for user in fact.users)
        assert rung == Counter(fact.user_id for fact in own if fact.kind in RING_ENDS), "each ring has one end"
        came = Counter(fact.user_id for fact in own if fact.kind in (FactKind.ACCEPTED, FactKind.JOINED))
        came[own[0].user_id] += 1
        went = Counter(fact.user_id for fact in own if fact.kind is FactKind.LEFT) + Counter(own[-1].users)
        assert came == went, "whoever came went, or was there to the end"
        assert own[-1].call.reason is own[-1].reason and own[-1].call.ended_by == own[-1].by
        assert [fact.at for fact in own] == sorted(fact.at for fact in own)


CROSSINGS = [
    ("ringing", ("a", "cancel"), ("b", "accept"), ["canceled b", "ended a a"]),
    ("ringing", ("b", "accept"), ("a", "cancel"), ["accepted b", "left a", "ended a b"]),
    ("ringing", ("a", "cancel"), ("b", "reject"), ["canceled b", "ended a a"]),
    ("ringing", ("b", "reject"), ("a", "cancel"), ["rejected b", "ended b a"]),
    ("ringing", ("b", "ignore"), ("a", "gone"), ["ignored b", "ended b a"]),
    ("ringing", ("a", "gone"), ("b", "ignore"), ["canceled b", "ended a a"]),
    ("talking", ("a", "hangup"), ("b", "hangup"), ["left a", "ended a b"]),
    ("talking", ("b", "hangup"), ("a", "hangup"), ["left b", "ended b a"]),
    ("talking", ("b", "hangup"), ("a", "invite c"), ["left b", "ended b a"]),
    ("talking", ("a", "invite c"), ("b", "hangup"), ["invited a c", "received c", "left b", "canceled c", "left a"]),
    ("talking", ("a", "invite c"), ("b", "invite c"), ["invited a c", "received c", "left a"]),
    ("talking", ("b", "invite c"), ("a", "invite c"), ["invited b c", "received c", "left a"]),
    ("devices", ("b", "accept"), ("b4", "reject"), ["accepted b"]),
    ("devices", ("b4", "reject"), ("b", "accept"), ["rejected b", "ended b a"]),
    ("devices", ("b", "accept"), ("b4", "accept"), ["accepted b"]),
    ("devices", ("b4", "accept"), ("b", "accept"), ["accepted b"]),
    ("free", ("a", "dial c"), ("b", "dial c"), ["started a c", "received c", "started b c", "busy c", "ended c b"]),
    ("free", ("b", "dial c"), ("a", "dial c"), ["started b c", "received c", "started a c", "busy c", "ended c a"]),
    ("three", ("a", "cancel"), ("b", "accept"), ["canceled b", "canceled c", "ended a a"]),
    ("three", ("b", "accept"), ("a", "cancel"), ["accepted b", "left a"]),
    ("three", ("b", "reject"), ("c", "accept"), ["rejected b", "accepted c"]),
    ("three", ("c", "accept"), ("b", "reject"), ["accepted c", "rejected b"]),
]


@pytest.mark.parametrize(
    ("story", "first", "second", "expected"),
    CROSSINGS,
    ids=[f"{story}: {' '.join(first)} before {' '.join(second)}" for story, first, second, _ in CROSSINGS],
)
def test_what_crosses(story: str, first: tuple[str, str], second: tuple[str, str], expected: list[str]) -> None:
    town = begin(story)
    before = len(lines(town))
    for who, verb in (first, second):
        VERBS[verb](town[who])
    town.up(town[first[0]])
    town.settle()
    town.advance(5)
    in_crossing = lines(town)[before:]
    over(town)
    after = lines(town)[before:]
    assert after[: len(expected)] == expected and after[: len(in_crossing)] == in_crossing
    check_facts(town.facts)
    assert len(town.records) == sum(1 for fact in town.facts if fact.kind is FactKind.ENDED)


@pytest.mark.parametrize("verb", ["accept", "reject", "cancel"])
@pytest.mark.parametrize("timer_first", [True, False])
def test_time_runs_out_against_a_word(verb: str, timer_first: bool) -> None:
    town = begin("ringing")
    town.advance(29.5)
    who = "a" if verb == "cancel" else "b"
    VERBS[verb](town[who])
    if not timer_first:
        town.up(town[who])
    town.switchboard.handle_timer(town.unix + 0.5)
    town._commit()
    town.settle()
    expected = {"accept": "accepted b", "reject": "rejected b", "cancel": "canceled b"}[verb]
    assert lines(town)[2] == ("no_answer b" if timer_first else expected)
    over(town)
    check_facts(town.facts)
    reason = {"accept": EndReason.HANGUP, "reject": EndReason.REJECTED, "cancel": EndReason.CANCELED}[verb]
    assert [record.reason for record in town.records] == [EndReason.NO_ANSWER if timer_first else reason]
