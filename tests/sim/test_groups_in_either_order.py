"""Calls of many in which two things cross, in each commit order: everybody in the call ends with the same picture.

| what crosses                                   | test                                                          |
|------------------------------------------------|---------------------------------------------------------------|
| the caller's leaving and an answer             | test_g2_the_caller_leaves_against_a_second_answer             |
| the last two answers, both no                  | test_g3_the_last_two_refuse_at_once                           |
| a refusal and the end of the time              | test_g3_the_last_refusal_against_the_end_of_the_time          |
| an invitation and a join for the last seat     | test_g4_an_invitation_against_a_join_for_the_last_seat        |
| answers on two devices and of others           | test_g5_answers_of_several_people_and_devices_in_one_tick     |
| a newcomer while a pair tries again            | test_g6_a_newcomer_while_a_pair_tries_again                   |
| a crash and a join                             | test_g7_a_crash_against_a_join                                |
| a crash noticed late and a join                | test_g7_a_crash_that_is_noticed_late                          |
| two leave at once                              | test_c1_two_of_three_leave_at_once                            |
| an invitation and the end for the invited      | test_c5_the_invited_accepts_as_the_last_one_leaves            |
| an invitation and the inviter's leaving        | test_c2_the_inviter_leaves_as_the_invited_accepts             |
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest

from pycall.core.errors import ErrorCode
from pycall.core.events import CallBegan, CallEnded, CallNotConnected, CallReceived, CallReconnecting
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType, MemberState
from tests.sim.crowd import after, declined, joined, left, ringing, talking
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over
from tests.town import Town


def in_order(town: Town, first: str) -> None:
    """What this one has said is judged first; then the rest."""
    town.up(town[first])
    town.settle()
    check_quiet(town)


@pytest.mark.parametrize("first", "ac")
def test_g2_the_caller_leaves_against_a_second_answer(first: str) -> None:
    town = ringing("bcd")
    town["b"].accept()
    town.settle()
    town["a"].hangup()
    town["c"].accept()
    in_order(town, first)
    assert ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "a")]
    assert left(town, "b") == [("a", EndReason.HANGUP)] and left(town, "c") == left(town, "b")[: first == "c"]
    assert joined(town, "c") == (["b"] if first == "a" else ["a", "b"])
    assert town["b"].line.state is town["c"].line.state is CallState.CONNECTED
    assert town["d"].line.state is CallState.RINGING, "the ring goes on without the caller"
    after(town, 31)
    assert ends(town["d"]) == [("CallNotConnected", EndReason.NO_ANSWER, "d")] and declined(town, "b") == [
        ("d", "no answer")
    ]
    assert town["b"].line.state is CallState.CONNECTED
    over(town)
    (record,) = town.records
    assert {member.user_id: member.reason for member in record.members}["d"] is EndReason.NO_ANSWER


@pytest.mark.parametrize("first", "bc")
def test_g3_the_last_two_refuse_at_once(first: str) -> None:
    town = ringing("bc")
    town["b"].reject()
    town["c"].reject(busy=True)
    in_order(town, first)
    word = {"b": ("b", "rejected"), "c": ("c", "busy")}
    last = "c" if first == "b" else "b"
    assert declined(town, "a") == [word[first], word[last]]
    reason = EndReason.REJECTED if last == "b" else EndReason.BUSY
    assert ends(town["a"]) == [("CallNotConnected", reason, last)]
    assert isinstance(town["a"].events[-1], CallNotConnected)
    assert [len(ends(town[user])) for user in "bc"] == [1, 1]
    over(town)


@pytest.mark.parametrize("timer_first", [True, False])
def test_g3_the_last_refusal_against_the_end_of_the_time(timer_first: bool) -> None:
    town = ringing("bc")
    town["b"].reject()
    town.settle()
    req_id = town["c"].reject()
    if not timer_first:
        town.up(town["c"])
    town.switchboard.handle_timer(town.unix + 30)
    town._commit()
    town.settle()
    how, reason = ("no answer", EndReason.NO_ANSWER) if timer_first else ("rejected", EndReason.REJECTED)
    assert declined(town, "a") == [("b", "rejected"), ("c", how)]
    assert ends(town["a"]) == [("CallNotConnected", reason, "c")] and len(ends(town["c"])) == 1
    assert req_id in town["c"].answers
    assert [record.reason for record in town.records] == [reason]
    over(town)


@pytest.mark.parametrize("first", "aj")
def test_g4_an_invitation_against_a_join_for_the_last_seat(first: str) -> None:
    town = talking("bcdefgh", users="abcdefghij", media=MediaType.AUDIO, group="team")
    invited, came = town["a"].invite("i"), town["j"].join(town["a"].line.call_id or "")
    in_order(town, first)
    if first == "a":
        assert town["a"].answers[invited] is None and town["i"].line.state is CallState.RINGING
        assert town["j"].answers[came] is ErrorCode.WRONG_STATE and town["j"].events == []
    else:
        assert town["a"].answers[invited] is ErrorCode.BAD_ARGUMENT and town["i"].events == []
        assert town["j"].line.state is CallState.CONNECTED and joined(town, "a")[-1] == "j"
    over(town)


@pytest.mark.parametrize("order", list(permutations(("b", "b2", "c"))), ids="-".join)
def test_g5_answers_of_several_people_and_devices_in_one_tick(order: tuple[str, ...]) -> None:
    town = Town("a", "b", "c")
    town["b"].several_devices(True)
    town.settle()
    second = town.another("b")
    second.connect()
    town.settle()
    phones = {"b": town["b"], "b2": second, "c": town["c"]}
    town["a"].dial("b", "c")
    town.settle()
    for name in order:
        phones[name].accept()
    for name in order:
        town.up(phones[name])
    town.settle()
    check_quiet(town)
    assert sorted(joined(town, "a")) == ["b", "c"] and "b" in joined(town, "c"), "each once, whatever their devices"
    winner, loser = ("b", "b2") if order.index("b") < order.index("b2") else ("b2", "b")
    assert ends(phones[loser]) == [("CallNotConnected", EndReason.OTHER_DEVICE_ACCEPTED, "b")]
    assert phones[loser].capturing is None and not phones[loser].got(CallBegan)
    assert phones[winner].line.state is CallState.CONNECTED and len(phones[winner].got(CallBegan)) == 1
    assert {name: sorted(phones[name].peers) for name in (winner, "c")} == {winner: ["a", "c"], "c": ["a", "b"]}
    over(town)


@pytest.mark.parametrize("first", ["silence", "newcomer"])
def test_g6_a_newcomer_while_a_pair_tries_again(first: str) -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    steps: list[Callable[[], object]] = [lambda: town.cut.update({("b", "a"), ("a", "b")}), town["c"].accept]
    for step in steps if first == "silence" else reversed(steps):
        step()
        after(town, 5)
    after(town, 5)
    for user in "abc":
        assert town[user].line.state is CallState.CONNECTED and ends(town[user]) == []
    assert not town["c"].got(CallReconnecting), "who hears both is told nothing"
    assert all(town["c"].peers[user].generation == 0 for user in "ab"), "other pairs are left alone"
    town.cut.clear()
    after(town, 15)
    check_quiet(town)
    assert town["a"].peers["b"].generation == town["b"].peers["a"].generation > 0
    over(town)


@pytest.mark.parametrize("first", ["crash", "join"])
def test_g7_a_crash_against_a_join(first: str) -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    steps: list[Callable[[], object]] = [town["b"].crash, town["c"].accept]
    for step in steps if first == "crash" else reversed(steps):
        step()
        town.settle()
    after(town, 70)
    names = [name for name in town["c"].names() if name in ("UserJoined", "UserLeft")]
    assert names == ["UserJoined", "UserJoined", "UserLeft"], "in, then out; never out alone"
    assert left(town, "c") == left(town, "a") == [("b", EndReason.OFFLINE)]
    views = {member.user_id: member.state for member in town["c"].line.members}
    assert views["b"] is MemberState.GONE and set(town["c"].peers) == {"a"}
    assert town["a"].line.state is town["c"].line.state is CallState.CONNECTED
    over(town)


@pytest.mark.parametrize("noticed", ["before", "after"])
def test_g7_a_crash_that_is_noticed_late(noticed: str) -> None:
    """The socket of the crashed one stays open for 20 s; the newcomer joins in that time, or after."""
    town = ringing("bc", timeout=60)
    town["b"].accept()
    town.settle()
    old = town["b"].session
    assert old is not None
    town["b"].start_anew()
    town["b"].connect_wanted = False
    after(town, 20)
    steps: list[Callable[[], object]] = [lambda: town.socket_gone(old), town["c"].accept]
    for step in steps if noticed == "before" else reversed(steps):
        step()
        town.settle()
    after(town, 65)
    assert joined(town, "c") in (["a", "b"], ["b", "a"], ["a"]) and left(town, "a") == [("b", EndReason.OFFLINE)]
    assert left(town, "c") == ([("b", EndReason.OFFLINE)] if "b" in joined(town, "c") else [])
    assert town["a"].line.state is town["c"].line.state is CallState.CONNECTED
    over(town)


@pytest.mark.parametrize("order", list(permutations("abc", 2)), ids="".join)
def test_c1_two_of_three_leave_at_once(order: tuple[str, str]) -> None:
    town = talking("bc")
    after(town, 9)
    for user in order:
        town[user].hangup()
    in_order(town, order[0])
    (stays,) = set("abc") - set(order)
    assert left(town, stays) == [(user, EndReason.HANGUP) for user in order]
    assert ends(town[stays]) == [("CallEnded", EndReason.HANGUP, order[1])]
    assert ends(town[order[0]]) == [("CallEnded", EndReason.HANGUP, order[0])]
    assert len(ends(town[order[1]])) == 1
    assert all(event.duration == 9 for user in "abc" for event in town[user].got(CallEnded))  # type: ignore[attr-defined]
    (record,) = town.records
    assert (record.ended_by, record.duration) == (order[1], 9)
    over(town)


@pytest.mark.parametrize("first", "ac")
def test_c5_the_invited_accepts_as_the_last_one_leaves(first: str) -> None:
    town = talking("b")
    town["a"].invite("c")
    town.settle()
    town["b"].hangup()
    town.settle()
    assert town["a"].line.state is CallState.CONNECTED, "c may still come"
    town["a"].hangup()
    req_id = town["c"].accept()
    in_order(town, first)
    assert town["c"].answers[req_id] is (None if first == "c" else ErrorCode.NO_SUCH_CALL)
    assert len(ends(town["c"])) == 1 and town["c"].capturing is None, "nobody is stuck alone"
    assert ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "a")]
    over(town)


@pytest.mark.parametrize("first", "ac")
def test_c2_the_inviter_leaves_as_the_invited_accepts(first: str) -> None:
    town = talking("b")
    town["a"].invite("c")
    town.settle()
    town["a"].hangup()
    town["c"].accept()
    in_order(town, first)
    assert ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "a")] and left(town, "b") == [("a", EndReason.HANGUP)]
    assert joined(town, "b")[-1] == "c" and len(town["c"].got(CallReceived)) == 1
    assert town["b"].line.state is town["c"].line.state is CallState.CONNECTED
    over(town)
