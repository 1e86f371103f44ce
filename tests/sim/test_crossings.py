"""Crossings while a call is set up: each story is told in both orders in which the server can commit it.

| what happens                                  | test                                            |
|-----------------------------------------------|-------------------------------------------------|
| both dial each other                          | test_s1_*                                       |
| a call of many and one of two dial each other | test_groups.py, test_s2_*                       |
| cancel and answer                             | test_s3_*, test_s4_*                            |
| time runs out and any answer                  | test_s5_*, test_s6_timeout_*                    |
| refuse and cancel                             | test_s6_reject_*                                |
| two answers of one device; of two devices     | test_s7_*; test_devices.py                      |
| cancel before the call is known               | test_s10_*                                      |
| media messages before the answer              | test_early.py, test_s11_*                       |
| a ring delivered late, or never               | test_s12_*, test_s13_*, test_s14_*              |
| a socket that dies while it rings             | test_s15_*, test_s16_*                          |
| a line that is taken, or just becoming free   | test_s17_*, test_s18_*                          |
| two call one; one dials and is dialed         | test_s19_*, test_s20_*                          |
| dialing again, wrong moments and arguments    | test_dialing_again.py, test_s21_* to test_s25_* |
"""

from __future__ import annotations

import pytest

from pycall.core.errors import ErrorCode, LocalProtocolError
from pycall.core.events import (
    CallBegan,
    CallEnded,
    CallMediaChanged,
    CallNotConnected,
    CallReceived,
    UserJoined,
    UserLineBusy,
    UserNoResponse,
    UserRejected,
    UserRinging,
)
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType, Role
from pycall.core.wire import Accept, Hangup, Invite
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over, ringing
from tests.town import Town


def test_a_plain_call() -> None:
    town = ringing()
    town["b"].accept()
    town.settle()
    town.advance(10)
    check_quiet(town)
    town["b"].hangup()
    town.settle()
    assert town["a"].names()[:3] == ["UserRinging", "UserJoined", "CallBegan"]
    assert town["b"].names()[:2] == ["CallReceived", "CallBegan"]
    assert ends(town["a"]) == ends(town["b"]) == [("CallEnded", EndReason.HANGUP, "b")]
    assert [e.duration for p in "ab" for e in town[p].events if isinstance(e, CallEnded)] == [10, 10]
    assert town.records[0].duration == 10
    over(town)


# --- S1, S2: glare ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first, second", ["ab", "ba"])
@pytest.mark.parametrize("media_a", MediaType)
@pytest.mark.parametrize("media_b", MediaType)
def test_s1_glare_becomes_one_call(first: str, second: str, media_a: MediaType, media_b: MediaType) -> None:
    town = Town("a", "b")
    wanted = {"a": media_a, "b": media_b}
    for user, other in (("a", "b"), ("b", "a")):
        town[user].dial(other, media=wanted[user])
    town.up(town[first])
    town.up(town[second])
    town.settle()
    check_quiet(town)
    lesser = MediaType.VIDEO if media_a.has_video and media_b.has_video else MediaType.AUDIO
    assert town["a"].line.call_id == town["b"].line.call_id
    assert town["a"].line.media is town["b"].line.media is lesser
    assert town[first].line.role is Role.CALLER and town[second].line.role is Role.CALLEE
    assert town[first].got(UserJoined) and len(town[first].got(CallBegan)) == len(town[second].got(CallBegan)) == 1
    assert not town[first].got(CallReceived) and not town[second].got(CallReceived)
    for phone in town.phones.values():
        assert phone.capturing is lesser and phone.line.video_open is lesser.has_video
        changed = wanted[phone.user_id] is not lesser
        assert [e.new for e in phone.events if isinstance(e, CallMediaChanged)] == ([lesser] if changed else [])
    over(town)
    assert len(town.records) == 1


def test_s1_hangup_of_the_one_who_was_merged_before_he_knew_it() -> None:
    town = Town("a", "b")
    town["a"].dial("b")
    town["b"].dial("a")
    town.up(town["a"])
    town["b"].hangup()
    town.settle()
    assert town["a"].line.state is None and town["b"].line.state is None
    assert len(town["a"].got(CallNotConnected, CallEnded)) == 1
    over(town)


@pytest.mark.parametrize("restart", [True, False])
def test_s1_link_lost_before_the_merge_is_known(restart: bool) -> None:
    town = Town("a", "b")
    town["a"].dial("b")
    town["b"].dial("a")
    town.up(town["a"])
    town.up(town["b"])
    if restart:
        town.restart_server()
        town["a"].connect()
    else:
        town["b"].drop()
    town["b"].connect()
    town.settle()
    assert town["a"].line.call_id == town["b"].line.call_id
    assert town["b"].got(CallBegan) and town["a"].got(CallBegan)
    over(town)


def test_s1_merged_but_never_heard_and_then_it_ends() -> None:
    town = Town("a", "b")
    town["a"].dial("b")
    town.up(town["a"])
    town["a"].hangup()
    town["b"].dial("a")
    town.up(town["b"])
    town["b"].drop()
    town["b"].connect()
    town.up(town["a"])
    town.settle()
    check_quiet(town)
    assert town["b"].line.state is None and town["b"].capturing is None
    over(town)


# --- S3, S4: cancel against accept ------------------------------------------------------------------------------


def test_s3_cancel_commits_before_accept() -> None:
    town = ringing()
    town["b"].accept()
    town["a"].hangup()
    town.up(town["a"])
    town.settle()
    assert ends(town["a"]) == ends(town["b"]) == [("CallNotConnected", EndReason.CANCELED, "a")]
    assert town["b"].answers[1] is ErrorCode.NO_SUCH_CALL
    assert not town["b"].got(CallBegan)
    over(town)


def test_s4_accept_commits_before_cancel() -> None:
    town = ringing()
    town["b"].accept()
    town["a"].hangup()
    town.up(town["b"])
    town.settle()
    assert [reason for _, reason, _ in ends(town["a"]) + ends(town["b"])] == [EndReason.HANGUP] * 2
    over(town)


# --- S5, S6: time-out against everything ------------------------------------------------------------------------


@pytest.mark.parametrize("accepted_first", [True, False])
def test_s5_timeout_against_accept(accepted_first: bool) -> None:
    town = ringing()
    town.advance(29.999)
    town["b"].accept()
    if accepted_first:
        town.settle()
        town.advance(5)
        assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    else:
        town["b"].hold_up = True
        town.advance(0.001)
        town.release()
        assert town["a"].names()[1:] == ["UserNoResponse", "CallNotConnected"]
        assert ends(town["b"]) == [("CallNotConnected", EndReason.NO_ANSWER, "b")]
        assert town["b"].answers[1] is ErrorCode.NO_SUCH_CALL
    over(town)


@pytest.mark.parametrize("timer_first", [True, False])
@pytest.mark.parametrize("who, verb", [("b", "reject"), ("a", "cancel")])
def test_s6_timeout_against_reject_and_cancel(timer_first: bool, who: str, verb: str) -> None:
    town = ringing()
    town.advance(29.999)
    town[who].hold_up = timer_first
    town[who].reject() if verb == "reject" else town[who].hangup()
    if not timer_first:
        town.settle()
    town.advance(0.001)
    town.release()
    reason = EndReason.NO_ANSWER if timer_first else EndReason.REJECTED if verb == "reject" else EndReason.CANCELED
    assert [r for _, r, _ in ends(town["a"]) + ends(town["b"])] == [reason, reason]
    specific = {EndReason.NO_ANSWER: [UserNoResponse], EndReason.REJECTED: [UserRejected], EndReason.CANCELED: []}
    assert [type(e) for e in town["a"].got(UserRejected, UserNoResponse, UserLineBusy)] == specific[reason]
    assert set(town["a"].answers.values()) | set(town["b"].answers.values()) == {None}
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_s6_reject_against_cancel(first: str) -> None:
    town = ringing()
    town["b"].reject()
    town["a"].hangup()
    town.up(town[first])
    town.settle()
    reason = EndReason.CANCELED if first == "a" else EndReason.REJECTED
    assert [r for _, r, _ in ends(town["a"]) + ends(town["b"])] == [reason, reason]
    over(town)


# --- S7, S8, S9: answering twice --------------------------------------------------------------------------------


def test_s7_double_accept() -> None:
    town = ringing()
    town["b"].accept()
    with pytest.raises(LocalProtocolError):
        town["b"].accept()
    again = town["b"].up[0]
    assert isinstance(again, Accept)
    session = town["b"].session
    assert session is not None
    town.settle()
    town.deliver(town["b"], session, again)
    other = Accept(req_id=99, call_id=again.call_id)
    town.deliver(town["b"], session, other)
    replies = [message for message in town["b"].down if getattr(message, "req_id", 0) in (again.req_id, 99)]
    assert [getattr(r, "code", None) for r in replies] == [None, ErrorCode.REPEATED]
    town.settle()
    assert len(town["a"].got(CallBegan)) == len(town["b"].got(CallBegan)) == 1
    over(town)


# --- S10: cancel before the invite arrives ----------------------------------------------------------------------


def test_s10_cancel_at_once() -> None:
    town = Town("a", "b")
    town["a"].dial("b")
    town["a"].hangup()
    assert town["a"].capturing is None
    town.settle()
    assert ends(town["a"]) == [("CallNotConnected", EndReason.CANCELED, "a")]
    assert town["b"].names() == ["CallReceived", "CallNotConnected"]
    over(town)


def test_s10_cancel_arrives_before_the_invite() -> None:
    town = Town("a", "b")
    session, call_id = town["a"].session, town.new_call_id()
    assert session is not None
    invite = Invite(req_id=1, call_id=call_id, callees=("b",), media=MediaType.AUDIO, timeout=30)
    town.deliver(town["a"], session, Hangup(req_id=2, call_id=call_id))
    town.deliver(town["a"], session, invite)
    assert [getattr(reply, "ok", None) for reply in town["a"].down] == [True, False]
    town.settle()
    assert town["b"].names() == [] and town.switchboard.live_calls == 0


# --- S12 to S16: late, offline, lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("left, rings", [(3.5, True), (2.5, False)])
def test_s12_a_ring_delivered_late_rings_only_if_it_is_worth_it(left: float, rings: bool) -> None:
    town = Town("a", "b")
    town["b"].drop()
    town["a"].dial("b")
    town.settle()
    town.advance(30 - left)
    town["b"].connect()
    town.settle()
    assert [e.remaining for e in town["b"].events if isinstance(e, CallReceived)] == ([left] if rings else [])
    town.advance(10)
    assert ends(town["a"]) == [("CallNotConnected", EndReason.NO_ANSWER, "b")]
    over(town)


def test_s13_callee_comes_online_in_time() -> None:
    town = Town("a", "b")
    town["b"].drop()
    town["a"].dial("b")
    town.settle()
    town.advance(12)
    assert town["a"].events == [] and town["a"].line.state is CallState.DIALING
    town["b"].connect()
    town.settle()
    assert [e.remaining for e in town["b"].events if isinstance(e, CallReceived)] == [18]
    assert town["a"].got(UserRinging)
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan)
    over(town)


def test_s14_callee_never_online() -> None:
    town = Town("a", "b")
    town["b"].drop()
    town["a"].dial("b")
    town.settle()
    town.advance(31)
    assert town["a"].names() == ["UserNoResponse", "CallNotConnected"]
    town["b"].connect()
    town.settle()
    assert town["b"].names() == ["SignalingLost", "SignalingRestored"]
    over(town)


def test_s15_callee_socket_dies_while_ringing() -> None:
    town = ringing()
    town["b"].drop()
    town.advance(10)
    town["b"].connect()
    town.settle()
    check_quiet(town)
    assert len(town["b"].got(CallReceived)) == 1 and len(town["a"].got(UserRinging)) == 1
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan)
    over(town)


def test_s16_caller_gone_while_ringing() -> None:
    town = ringing()
    town["a"].drop()
    town.advance(14)
    assert town["b"].line.state is CallState.RINGING
    town.advance(2)
    assert ends(town["b"]) == [("CallNotConnected", EndReason.OFFLINE, "a")]
    town["a"].connect()
    town.settle()
    assert ends(town["a"]) == [("CallNotConnected", EndReason.OFFLINE, "a")]
    over(town)


def test_s16_caller_back_in_time_still_rings() -> None:
    town = ringing()
    town["a"].drop()
    town.advance(14)
    town["a"].connect()
    town.settle()
    check_quiet(town)
    town.advance(5)
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan)
    over(town)


# --- S17 to S20: busy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("talking", [True, False])
def test_s17_busy(talking: bool) -> None:
    town = ringing()
    if talking:
        town["b"].accept()
        town.settle()
    before = (town["a"].names(), town["b"].names())
    town["c"].dial("b")
    town.settle()
    assert town["c"].names() == ["UserLineBusy", "CallNotConnected"]
    assert ends(town["c"]) == [("CallNotConnected", EndReason.BUSY, "b")]
    assert set(town["c"].answers.values()) == {None} and town["c"].capturing is None
    assert (town["a"].names(), town["b"].names()) == before
    check_quiet(town)
    over(town)
    assert len(town.records) == 2


@pytest.mark.parametrize("hangup_first", [True, False])
def test_s18_busy_against_hangup(hangup_first: bool) -> None:
    town = ringing()
    town["b"].accept()
    town.settle()
    town["b"].hangup()
    town["c"].dial("b")
    town.up(town["b" if hangup_first else "c"])
    town.settle()
    if hangup_first:
        assert town["b"].names()[-2:] == ["CallEnded", "CallReceived"]
        assert town["c"].line.state is CallState.DIALING
    else:
        assert town["c"].names() == ["UserLineBusy", "CallNotConnected"]
        assert town["b"].names()[-1] == "CallEnded"
    check_quiet(town)
    over(town)


@pytest.mark.parametrize("first, second", ["ac", "ca"])
def test_s19_two_callers_at_once(first: str, second: str) -> None:
    town = Town("a", "b", "c")
    town["a"].dial("b")
    town["c"].dial("b")
    town.up(town[first])
    town.settle()
    assert town[first].names() == ["UserRinging"]
    assert town[second].names() == ["UserLineBusy", "CallNotConnected"]
    assert len(town["b"].got(CallReceived)) == 1
    over(town)


@pytest.mark.parametrize("dialing_first", [True, False])
def test_s20_b_dials_d_while_a_dials_b(dialing_first: bool) -> None:
    town = Town("a", "b", "d")
    town["a"].dial("b")
    town["b"].dial("d")
    town.up(town["b" if dialing_first else "a"])
    town.settle()
    if dialing_first:
        assert town["a"].names() == ["UserLineBusy", "CallNotConnected"]
        assert town["b"].line.state is CallState.DIALING
    else:
        assert town["b"].answers == {1: ErrorCode.WRONG_STATE}
        assert town["b"].names() == ["CallReceived"] and town["b"].line.state is CallState.RINGING
        assert town["b"].capturing is None and town["d"].names() == []
    check_quiet(town)
    over(town)
