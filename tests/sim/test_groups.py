"""Calls of many: who is told what when people come, refuse, leave and vanish.

| what happens                              | test                            |
|-------------------------------------------|---------------------------------|
| the caller leaves before, after an answer | test_g1_*, test_g2_*            |
| nobody comes                              | test_g3_*                       |
| the last seat                             | test_coming_later.py, test_g4_* |
| many answers at once                      | test_g5_*                       |
| one pair does not hear each other         | test_g6_*                       |
| a crash while somebody joins              | test_g7_*                       |
| the last one leaves, and an answer        | test_c5_*                       |
| each of these in either order             | test_groups_in_either_order.py  |
"""

from __future__ import annotations

from itertools import permutations

import pytest

from pycall.core.errors import ErrorCode
from pycall.core.events import (
    CallBegan,
    CallEnded,
    CallNotConnected,
    CallReceived,
    ErrorOccurred,
    UserAudioAvailable,
    UserRinging,
    UserVideoAvailable,
)
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType, Role, Scene
from tests.sim.crowd import after, declined, joined, left, ringing, talking
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over
from tests.town import Town

# --- coming together --------------------------------------------------------------------------------------------


def test_a_call_of_three() -> None:
    town = ringing("bc")
    assert town["a"].got(UserRinging) == [UserRinging(town["a"].line.call_id, user) for user in "bc"]
    (received,) = town["c"].got(CallReceived)
    assert isinstance(received, CallReceived)
    assert (received.callees, received.scene, received.inviter) == (("b", "c"), Scene.MULTI, None)
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan) and town["b"].got(CallBegan) and not town["c"].got(CallBegan)
    assert town["c"].line.state is CallState.RINGING, "c decides for himself"
    town["c"].accept()
    town.settle()
    assert town["c"].line.role is Role.CALLEE
    assert [joined(town, user) for user in "abc"] == [["b", "c"], ["a", "c"], ["a", "b"]]
    assert all(len(town[user].got(CallBegan)) == 1 for user in "abc")
    over(town)


@pytest.mark.parametrize("order", list(permutations("bcd")), ids="".join)
def test_g5_many_accepts_in_one_tick(order: tuple[str, ...]) -> None:
    town = ringing("bcd")
    for user in order:
        town[user].accept()
    for user in order:
        town.up(town[user])
    town.settle()
    check_quiet(town)
    for user in "abcd":
        assert sorted(joined(town, user)) == sorted(set("abcd") - {user}), "each of the others, and once"
    offers = {(phone.user_id, other) for phone in town.phones.values() for other, p in phone.peers.items() if p.offers}
    ranks = ["a", *order]
    assert offers == {(late, early) for i, late in enumerate(ranks) for early in ranks[:i]}, "the later one offers"
    assert all(peer.generation == 0 for phone in town.phones.values() for peer in phone.peers.values())
    over(town)


def test_nine_people() -> None:
    town = talking("bcdefghi", "abcdefghi", media=MediaType.AUDIO)
    assert all(len(town[user].peers) == 8 for user in "abcdefghi")
    assert all(sorted(joined(town, user)) == sorted(set("abcdefghi") - {user}) for user in "abcdefghi")
    over(town)


def test_a_late_joiner_sees_who_is_there_and_what_is_open() -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    town["a"].set_media(audio=False)
    town["b"].set_media(video=False)
    town.settle()
    town["c"].accept()
    town.settle()
    views = {member.user_id: (member.audio, member.video) for member in town["c"].line.members}
    assert views == {"a": (False, True), "b": (True, False), "c": (True, True)}
    assert town["c"].got(UserAudioAvailable) == [UserAudioAvailable("b", True)]
    assert town["c"].got(UserVideoAvailable) == [UserVideoAvailable("a", True)]
    over(town)


def test_a_camera_in_a_call_of_many_reaches_all() -> None:
    town = talking("bc")
    town["b"].set_media(video=False)
    town.settle()
    for user in "ac":
        assert town[user].got(UserVideoAvailable)[-1] == UserVideoAvailable("b", False)
    over(town)


def test_a_call_of_many_is_not_switched_as_a_whole() -> None:
    town = talking("bc", media=MediaType.AUDIO)
    with pytest.raises(Exception, match="call of many") as caught:
        town["a"].switch(MediaType.VIDEO)
    assert getattr(caught.value, "code", None) is ErrorCode.NOT_SUPPORTED
    over(town)


@pytest.mark.parametrize("first", ["a", "b"])
def test_s2_dialing_each_other_is_one_call_only_if_both_are_calls_of_two(first: str) -> None:
    town = Town("a", "b", "c")
    asked = {"a": town["a"].dial("b", "c"), "b": town["b"].dial("a")}
    town.up(town[first])
    town.settle()
    late = "b" if first == "a" else "a"
    assert town[first].answers[asked[first]] is None and town[late].answers[asked[late]] is ErrorCode.WRONG_STATE
    assert town[late].line.state is CallState.RINGING and len(town[late].got(CallReceived)) == 1
    assert town[late].line.call_id == town[first].line.call_id
    town[late].accept()
    town.settle()
    assert town[first].line.state is town[late].line.state is CallState.CONNECTED
    over(town)


@pytest.mark.parametrize("verb", ["accept", "reject"])
@pytest.mark.parametrize("early", [True, False])
def test_s5_s6_timeout_against_an_answer_in_a_call_of_many(verb: str, early: bool) -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    getattr(town["c"], verb)()
    if early:
        town.up(town["c"])
    town.switchboard.handle_timer(town.unix + 30)
    town._commit()
    town.settle()
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    if early and verb == "accept":
        assert town["c"].line.state is CallState.CONNECTED and declined(town, "a") == []
    else:
        assert declined(town, "a") == declined(town, "b") == [("c", "rejected" if early else "no answer")]
        assert ends(town["c"]) == [("CallNotConnected", [EndReason.NO_ANSWER, EndReason.REJECTED][early], "c")]
    over(town)


def test_v1_v2_a_restart_of_the_server_with_some_in_the_call_and_some_ringing() -> None:
    town = ringing("bcd", timeout=30)
    town["b"].accept()
    town.settle()
    town.restart_server(down_for=5)
    for phone in town.phones.values():
        phone.connect()
    town.settle()
    assert [town[user].line.state for user in "abcd"] == [CallState.CONNECTED] * 2 + [CallState.RINGING] * 2
    town["c"].accept()
    town.settle()
    after(town, 26)
    assert declined(town, "a") == declined(town, "c") == [("d", "no answer")]
    assert [town[user].line.state for user in "abc"] == [CallState.CONNECTED] * 3
    over(town)


def test_v2_a_member_who_does_not_come_back_is_dropped() -> None:
    town = talking("bc")
    town.restart_server()
    for user in "ab":
        town[user].connect()
    town["c"].crash()
    after(town, 61)
    assert left(town, "a") == left(town, "b") == [("c", EndReason.OFFLINE)]
    over(town)


# --- not coming -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["refuses", "answers"])
def test_one_who_refuses_does_not_end_it_for_the_others(first: str) -> None:
    town = ringing("bc")
    steps = [town["b"].reject, town["c"].accept]
    for step in steps if first == "refuses" else reversed(steps):
        step()
        town.settle()
    assert ends(town["b"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
    assert declined(town, "a") == declined(town, "c") == [("b", "rejected")], "in the call or ringing, all are told"
    assert town["a"].line.state is town["c"].line.state is CallState.CONNECTED
    assert declined(town, "b") == []
    over(town)


def test_time_runs_out_for_those_who_do_not_answer() -> None:
    town = ringing("bc", timeout=20)
    town["b"].accept()
    after(town, 21)
    assert ends(town["c"]) == [("CallNotConnected", EndReason.NO_ANSWER, "c")]
    assert declined(town, "a") == declined(town, "b") == [("c", "no answer")]
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    over(town)


@pytest.mark.parametrize("last", ["b", "c"])
def test_g3_nobody_comes(last: str) -> None:
    town = Town("a", "b", "c", "d", "e")
    town["e"].dial("d")
    town.settle()
    town["a"].dial("d", "b", "c")
    town.settle()
    assert declined(town, "a") == [("d", "busy")] and town["a"].line.state is CallState.DIALING
    first = "c" if last == "b" else "b"
    town[first].reject()
    after(town, 31)
    expected = [("d", "busy"), (first, "rejected"), (last, "no answer")]
    assert declined(town, "a") == expected and declined(town, last) == expected[:-1]
    assert declined(town, first) == expected[:1], "nothing comes after one's own refusal"
    assert ends(town["a"]) == [("CallNotConnected", EndReason.NO_ANSWER, last)]
    assert isinstance(town["a"].events[-1], CallNotConnected), "the specific reason comes first"
    assert [len(ends(town[user])) for user in "bc"] == [1, 1]
    over(town)


def test_all_are_busy() -> None:
    town = Town("a", "b", "c", "d")
    town["c"].dial("d")
    town.settle()
    town["a"].dial("c", "d")
    town.settle()
    assert declined(town, "a") == [("c", "busy"), ("d", "busy")]
    assert ends(town["a"]) == [("CallNotConnected", EndReason.BUSY, "d")]
    assert town["c"].line.state is CallState.DIALING and town["d"].line.state is CallState.RINGING
    over(town)


def test_g1_the_caller_leaves_before_anybody_accepted() -> None:
    town = ringing("bc")
    town["a"].hangup()
    town.settle()
    for user in "abc":
        assert ends(town[user]) == [("CallNotConnected", EndReason.CANCELED, "a")]
    over(town)


@pytest.mark.parametrize("first", ["a", "b"])
def test_g1_g2_cancel_against_accept(first: str) -> None:
    town = ringing("bc")
    town["a"].hangup()
    town["b"].accept()
    town.up(town[first])
    town.settle()
    if first == "a":
        assert all(ends(town[user]) == [("CallNotConnected", EndReason.CANCELED, "a")] for user in "abc")
    else:
        assert ends(town["a"]) == [("CallNotConnected", EndReason.HANGUP, "a")]
        assert left(town, "b") == [("a", EndReason.HANGUP)]
        assert town["c"].line.state is CallState.RINGING, "b still waits for c"
    over(town)


# --- leaving ----------------------------------------------------------------------------------------------------


def test_g2_the_caller_leaves_after_somebody_accepted() -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    town["a"].hangup()
    town.settle()
    assert ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "a")]
    assert left(town, "b") == [("a", EndReason.HANGUP)]
    assert town["b"].line.state is CallState.CONNECTED, "b is alone, and c may still come"
    after(town, 25)
    town["c"].accept()
    town.settle()
    assert town["b"].line.state is town["c"].line.state is CallState.CONNECTED
    assert joined(town, "b") == ["a", "c"] and "CallReconnecting" not in town["b"].names()
    over(town)


@pytest.mark.parametrize("who", ["a", "b", "c"])
def test_one_leaves_and_two_talk_on(who: str) -> None:
    town = talking("bc")
    after(town, 5)
    town[who].hangup()
    town.settle()
    assert ends(town[who]) == [("CallEnded", EndReason.HANGUP, who)]
    others = sorted(set("abc") - {who})
    for user in others:
        assert left(town, user) == [(who, EndReason.HANGUP)] and town[user].line.state is CallState.CONNECTED
        assert set(town[user].peers) == set(others) - {user}
    over(town)


def test_the_last_one_is_told_that_the_call_is_over() -> None:
    town = talking("bc")
    after(town, 10)
    town["a"].hangup()
    after(town, 10)
    town["b"].hangup()
    town.settle()
    assert ends(town["c"]) == [("CallEnded", EndReason.HANGUP, "b")]
    assert left(town, "c") == [("a", EndReason.HANGUP), ("b", EndReason.HANGUP)]
    durations = {user: event.duration for user in "abc" for event in town[user].got(CallEnded)}  # type: ignore[attr-defined]
    assert durations == {"a": pytest.approx(10), "b": pytest.approx(20), "c": pytest.approx(20)}
    (record,) = town.records
    assert (record.reason, record.ended_by, record.duration) == (EndReason.HANGUP, "b", pytest.approx(20))
    over(town)


def test_a_late_joiner_s_duration_counts_from_the_joining() -> None:
    town = ringing("bc")
    town["b"].accept()
    after(town, 10)
    town["c"].accept()
    after(town, 7)
    town["c"].hangup()
    town.settle()
    (ended,) = town["c"].got(CallEnded)
    assert isinstance(ended, CallEnded) and ended.duration == pytest.approx(7)
    over(town)


def test_alone_with_a_ring_that_is_not_answered() -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    town["b"].hangup()
    town.settle()
    assert town["a"].line.state is CallState.CONNECTED
    town["c"].reject()
    town.settle()
    assert declined(town, "a") == [("c", "rejected")]
    assert ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "b")], "the conversation ended with the last one left"
    assert town.records[0].reason is EndReason.HANGUP
    over(town)


def test_everybody_leaves_while_it_still_rings() -> None:
    town = ringing("bcd")
    town["b"].accept()
    town.settle()
    town["a"].hangup()
    town.settle()
    town["b"].hangup()
    town.settle()
    for user in "cd":
        assert ends(town[user]) == [("CallNotConnected", EndReason.CANCELED, "b")]
    over(town)


@pytest.mark.parametrize("accept_first", [True, False])
def test_c5_last_leaver_against_a_pending_accept(accept_first: bool) -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    town["b"].hangup()
    town.settle()
    town["a"].hangup()
    town["c"].accept()
    town.up(town["c" if accept_first else "a"])
    town.settle()
    assert town["c"].line.state is None and town["a"].line.state is None, "nobody is stuck alone"
    kind = ("CallNotConnected", EndReason.HANGUP if accept_first else EndReason.CANCELED, "a")
    assert ends(town["c"]) == [kind] and ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "a")]
    over(town)


# --- media ------------------------------------------------------------------------------------------------------


def test_g6_one_pair_fails_and_the_others_talk_on() -> None:
    town = talking("bc")
    town.cut = {("b", "c"), ("c", "b")}
    after(town, 25)
    for user, other in [("b", "c"), ("c", "b")]:
        assert town[user].line.state is CallState.CONNECTED
        errors = [event.message for event in town[user].got(ErrorOccurred) if isinstance(event, ErrorOccurred)]
        assert len(errors) == 1 and other in errors[0], "said once"
        assert town[user].peers[other].generation > 0, "it was tried again"
    assert town["a"].got(ErrorOccurred) == [] and town["a"].line.state is CallState.CONNECTED
    after(town, 120)
    assert [town[user].line.state for user in "abc"] == [CallState.CONNECTED] * 3
    town.cut = set()
    after(town, 15)
    assert town.flows("b", town["c"]) and town.flows("c", town["b"])
    over(town)


def test_g6_a_newcomer_whom_one_cannot_hear() -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    town.cut = {("b", "c"), ("c", "b")}
    town["c"].accept()
    after(town, 60)
    assert [town[user].line.state for user in "abc"] == [CallState.CONNECTED] * 3
    assert len(town["b"].got(ErrorOccurred)) == len(town["c"].got(ErrorOccurred)) == 1
    over(town)


def test_a_newcomer_whom_nobody_hears_goes_alone() -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    town.cut = {(user, "c") for user in "ab"} | {("c", user) for user in "ab"}
    town["c"].accept()
    after(town, 25)
    assert ends(town["c"]) == [("CallNotConnected", EndReason.MEDIA_FAILED, "c")]
    assert left(town, "a") == left(town, "b") == [("c", EndReason.MEDIA_FAILED)]
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    over(town)


def test_one_who_hears_nobody_any_more_goes_alone() -> None:
    town = talking("bc")
    town.cut = {(user, "c") for user in "ab"} | {("c", user) for user in "ab"}
    after(town, 40)
    assert ends(town["c"]) == [("CallEnded", EndReason.MEDIA_LOST, "c")]
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    over(town)


def test_a_member_who_crashed_is_left_behind() -> None:
    town = talking("bc")
    town["b"].crash()
    after(town, 61)
    assert left(town, "a") == left(town, "c") == [("b", EndReason.OFFLINE)]
    assert town["a"].line.state is town["c"].line.state is CallState.CONNECTED
    over(town)


def test_g7_one_crashes_while_another_joins() -> None:
    town = ringing("bc")
    town["b"].accept()
    town.settle()
    town["b"].crash()
    town["c"].accept()
    after(town, 70)
    names = [name for name in town["c"].names() if name in ("UserJoined", "UserLeft")]
    assert names == ["UserJoined", "UserJoined", "UserLeft"] and left(town, "c") == [("b", EndReason.OFFLINE)]
    assert town["a"].line.state is town["c"].line.state is CallState.CONNECTED
    over(town)
