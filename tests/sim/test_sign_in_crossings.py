"""Logins, devices and sockets against everything that can happen to a call meanwhile, in both orders.

| row | here | elsewhere |
|---|---|---|
| P1 kicked while it rings | against accept, reject, cancel | sim/test_sockets, sim/test_devices, engine/test_link |
| P2 kicked in a call | against both hang-ups; in a group | sim/test_sockets, engine/test_link |
| P3 no ping-pong of kicks | two programs, an hour | sim/test_sockets, signaling/test_client |
| P4 the same program resumes | what was missed, in order, once | sim/test_sockets, server/test_sockets |
| P5 a late close of an old socket | ringing, dialing | sim/test_sockets |
| P6 a half-open socket | back in time, or not | sim/test_sockets, server/test_sockets, signaling/test_client |
| P7 two logins in flight | in a call | sim/test_sockets, server/test_admission |
| P8 signing out | against hang-up, accept, time | sim/test_sockets, sim/test_signing_out_and_in |
| P9 a ticket runs out | – | server/test_tickets, engine/test_tickets, engine/test_edges |
| P10 ended by an administrator | against login, accept, hang-up | sim/test_bans, server/test_bans, engine/test_bans |
| P11 a laptop that slept | in a call; then rung anew | sim/test_sockets, engine/test_link |
"""

from __future__ import annotations

import pytest

from pycall.core.events import CallBegan, CallEnded, CallReceived, KickedOffline, SignalingRestored, UserLeft
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, group, kinds, over, reasons, ringing, talking, the_record
from tests.town import Phone, Town

START = ["started a", "received b"]
TALK = [*START, "accepted b"]


# --- kicked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb_first", [True, False])
@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_p1_kick_against_the_answer(verb: str, verb_first: bool) -> None:
    town = ringing()
    getattr(town["b"], verb)()
    if verb_first:
        town.up(town["b"])
    other = town.another("b")
    other.connect()
    town.settle()
    check_quiet(town)
    assert len(town["b"].got(KickedOffline)) == len(ends(town["b"])) == 1 and town["b"].capturing is None
    if not verb_first:
        assert other.line.state is CallState.RINGING and ends(town["a"]) == []
        other.accept()
        town.settle()
        assert kinds(town) == TALK and other.got(CallBegan) and town["a"].got(CallBegan)
    elif verb == "accept":
        assert reasons(town, "a") == [EndReason.KICKED] and other.events == []
        assert kinds(town) == [*TALK, "left b", "ended b"] and the_record(town) == (EndReason.KICKED, "b")
    else:
        assert ends(town["a"]) == [("CallNotConnected", EndReason.REJECTED, "b")] and other.events == []
        assert kinds(town) == [*START, "rejected b", "ended b"]
    over(town)


@pytest.mark.parametrize("cancel_first", [True, False])
def test_p1_kick_against_cancel(cancel_first: bool) -> None:
    town = ringing()
    other = town.another("b")
    town["a"].hangup()
    if cancel_first:
        town.up(town["a"])
    other.connect()
    town.settle()
    check_quiet(town)
    assert town["b"].names()[-2:] in (["KickedOffline", "CallNotConnected"], ["CallNotConnected", "KickedOffline"])
    assert ends(other) == ([] if cancel_first else [("CallNotConnected", EndReason.CANCELED, "a")])
    assert len(other.got(CallReceived)) == (0 if cancel_first else 1)
    assert kinds(town) == [*START, "canceled b", "ended a"] and the_record(town) == (EndReason.CANCELED, "a")
    over(town)


@pytest.mark.parametrize("hangup_first", [True, False])
@pytest.mark.parametrize("who", "ab")
def test_p2_kick_against_hangup(who: str, hangup_first: bool) -> None:
    town = talking()
    town.advance(5)
    town[who].hangup()
    if hangup_first:
        town.up(town[who])
    other = town.another("b")
    other.connect()
    town.settle()
    check_quiet(town)
    by = who if hangup_first else "b"
    reason = EndReason.HANGUP if hangup_first else EndReason.KICKED
    assert the_record(town) == (reason, by) and town.records[0].duration == 5
    assert kinds(town) == [*TALK, f"left {by}", f"ended {by}"]
    assert ends(town["a"]) == [("CallEnded", reason, by)] and len(ends(town["b"])) == 1
    assert len(town["b"].got(KickedOffline)) == 1 and other.events == []
    over(town)


def test_p2_kicked_in_a_group_only_leaves_it() -> None:
    town = group()
    other = town.another("b")
    other.connect()
    town.settle()
    check_quiet(town)
    for user in "ac":
        assert town[user].got(UserLeft) == [UserLeft(town[user].line.call_id or "", "b", EndReason.KICKED)]
        assert town[user].line.state is CallState.CONNECTED and set(town[user].peers) == {"a", "c"} - {user}
    assert [end[:2] for end in ends(town["b"])] == [("CallEnded", EndReason.KICKED)] and other.events == []
    assert kinds(town)[-1] == "left b" and town.records == []
    over(town)


def test_p3_two_programs_do_not_kick_each_other_for_ever() -> None:
    town = Town("a", "b")
    other = town.another("a")
    other.connect()
    town.settle()
    for _ in range(12):
        town.advance(300)
        for phone in (town["a"], other):
            if phone.connect_wanted and phone.session is None:
                phone.connect()
                town.settle()
    assert len(town["a"].got(KickedOffline)) == 1 and other.got(KickedOffline) == []
    town["b"].dial("a")
    town.settle()
    assert len(other.got(CallReceived)) == 1 and town["a"].got(CallReceived) == []
    over(town)


# --- sockets ----------------------------------------------------------------------------------------------------


def test_p4_what_was_missed_is_told_once_and_in_order() -> None:
    town = group()
    before = len(town["a"].events)
    town["a"].drop()
    town["d"].dial("a")
    town.settle()
    town["b"].set_media(audio=False)
    town["c"].hangup()
    town.settle()
    town["a"].connect()
    town.settle()
    check_quiet(town)
    names = town["a"].names()[before:]
    assert names[:2] == ["SignalingLost", "SignalingRestored"]
    assert sorted(names[2:]) == ["UserAudioAvailable", "UserLeft"]
    assert ends(town["d"]) == [("CallNotConnected", EndReason.BUSY, "a")]
    town["a"].drop()
    town["a"].connect()
    town.settle()
    assert town["a"].names()[before + 4 :] == ["SignalingLost", "SignalingRestored"], "nothing is told twice"
    over(town)


@pytest.mark.parametrize("who", "ab")
def test_p5_a_late_close_while_it_rings(who: str) -> None:
    town = ringing()
    old = town[who].session
    assert old is not None
    town[who].drop(noticed=False)
    town[who].connect()
    town.settle()
    town.socket_gone(old)
    town.advance(20)
    check_quiet(town)
    assert reasons(town) == [] and len(town["b"].got(CallReceived)) == 1
    town["b"].accept()
    town.settle()
    assert kinds(town) == TALK
    over(town)


@pytest.mark.parametrize("in_time", [True, False])
def test_p6_back_before_and_just_after_the_grace(in_time: bool) -> None:
    town = talking()
    old = town["b"].session
    assert old is not None
    town["b"].drop(noticed=False)
    town.cut = {("a", "b"), ("b", "a")}
    town.advance(15)
    town.socket_gone(old)  # the heartbeat has noticed
    town.advance(11 if in_time else 15.1)
    town.cut = set()
    town["b"].connect()
    town.settle()
    town.advance(5)
    check_quiet(town)
    assert reasons(town) == ([] if in_time else [EndReason.OFFLINE] * 2)
    assert kinds(town) == (TALK if in_time else [*TALK, "left b", "ended b"])
    over(town)


@pytest.mark.parametrize("answered", [True, False])
def test_p7_two_logins_in_flight_in_a_call(answered: bool) -> None:
    town = talking()
    town["b"].drop()
    town["b"].connect()
    if answered:
        town.down(town["b"])
    town["b"].connect()
    town.settle()
    check_quiet(town)
    assert town["b"].got(KickedOffline) == [] and reasons(town) == [] and town.switchboard.online == 4
    assert town["b"].line.state is CallState.CONNECTED and kinds(town) == TALK
    over(town)


# --- signing out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", "ab")
def test_p8_signing_out_against_hangup(first: str) -> None:
    town = talking()
    town.advance(5)
    signed_out, hung_up = town["a"].logout(), town["b"].hangup()
    town.up(town[first])
    town.settle()
    assert town["a"].answers[signed_out] is None and town["b"].answers[hung_up] is None
    assert ends(town["b"]) == [("CallEnded", EndReason.HANGUP, first)] and len(ends(town["a"])) == 1
    assert kinds(town) == [*TALK, f"left {first}", f"ended {first}"]
    assert the_record(town) == (EndReason.HANGUP, first) and town["a"].line.user_id is None
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_p8_the_caller_signs_out_against_accept(first: str) -> None:
    town = ringing()
    town["a"].logout()
    req_id = town["b"].accept()
    town.up(town[first])
    town.settle()
    assert len(ends(town["a"])) == len(ends(town["b"])) == 1 and town["b"].capturing is None
    if first == "a":
        assert town["b"].answers[req_id] is not None and not town["b"].got(CallBegan)
        assert kinds(town) == [*START, "canceled b", "ended a"] and the_record(town) == (EndReason.CANCELED, "a")
    else:
        assert kinds(town) == [*TALK, "left a", "ended a"] and the_record(town) == (EndReason.HANGUP, "a")
    over(town)


@pytest.mark.parametrize("timer_first", [True, False])
def test_p8_the_callee_signs_out_against_time(timer_first: bool) -> None:
    town = ringing()
    town.advance(29.9)
    town["b"].hold_up = True
    town["b"].logout()
    if timer_first:
        town.advance(0.2)
    town.release()
    town.advance(1)
    reason = EndReason.NO_ANSWER if timer_first else EndReason.REJECTED
    assert ends(town["a"]) == [("CallNotConnected", reason, "b")] and len(ends(town["b"])) == 1
    assert kinds(town) == [*START, "no_answer b" if timer_first else "rejected b", "ended b"]
    over(town)


def test_p8_signing_out_in_a_group_only_leaves_it() -> None:
    town = group()
    town["b"].logout()
    town.settle()
    assert all(town[user].got(UserLeft) and town[user].line.state is CallState.CONNECTED for user in "ac")
    assert len(town["b"].got(CallEnded)) == 1 and kinds(town)[-1] == "left b"
    town["b"].connect()
    town.settle()
    assert town["b"].line.state is None
    over(town)


# --- the back office, and sleep ---------------------------------------------------------------------------------


def ended_outside(town: Town) -> None:
    """An administrator ends a's call."""
    call = next(iter(town.switchboard.calls_now()))
    assert town.switchboard.end_call(call.call_id, EndReason.ENDED_BY_SERVER, "administrator", town.unix)
    town._commit()


@pytest.mark.parametrize("ended_first", [True, False])
def test_p10_ended_by_an_administrator_against_a_login(ended_first: bool) -> None:
    town = talking()
    town["b"].drop()
    if ended_first:
        ended_outside(town)
    town["b"].connect()
    if not ended_first:
        ended_outside(town)
    town.settle()
    check_quiet(town)
    assert [end[:2] for end in ends(town["a"]) + ends(town["b"])] == [("CallEnded", EndReason.ENDED_BY_SERVER)] * 2
    assert kinds(town)[-1] == "ended administrator" and the_record(town)[0] is EndReason.ENDED_BY_SERVER
    over(town)


@pytest.mark.parametrize("ended_first", [True, False])
@pytest.mark.parametrize("verb", ["accept", "reject", "hangup"])
def test_p10_ended_by_an_administrator_against_a_verb(verb: str, ended_first: bool) -> None:
    town = ringing()
    who = "a" if verb == "hangup" else "b"
    req_id = getattr(town[who], verb)()
    if not ended_first:
        town.up(town[who])
    if ended_first or verb == "accept":
        ended_outside(town)
    town.settle()
    check_quiet(town)
    reason = EndReason.REJECTED if verb == "reject" else EndReason.CANCELED
    expected = EndReason.ENDED_BY_SERVER if ended_first or verb == "accept" else reason
    assert reasons(town) == [expected] * 2 and [record.reason for record in town.records] == [expected]
    assert (town[who].answers[req_id] is None) == (verb != "accept" or not ended_first)
    over(town)


def test_p11_slept_in_a_call_and_woke_after_its_end() -> None:
    town = talking()
    sleeper = town["b"]
    asleep(town, sleeper)
    town.advance(3600)
    assert ends(town["a"]) == [("CallEnded", EndReason.OFFLINE, "b")]
    awake(town, sleeper)
    check_quiet(town)
    assert ends(town["b"]) == [("CallEnded", EndReason.OFFLINE, "b")] and town["b"].capturing is None
    assert kinds(town) == [*TALK, "left b", "ended b"]
    over(town)


def test_p11_slept_while_it_rang_and_woke_to_another_ring() -> None:
    town = ringing()
    sleeper = town["b"]
    asleep(town, sleeper)
    town.advance(40)
    town["c"].dial("b", media=MediaType.AUDIO)
    town.settle()
    awake(town, sleeper)
    check_quiet(town)
    names = [type(event).__name__ for event in town["b"].events if not isinstance(event, SignalingRestored)]
    assert names == ["CallReceived", "SignalingLost", "CallNotConnected", "CallReceived"]
    assert [e.caller for e in town["b"].events if isinstance(e, CallReceived)] == ["a", "c"]
    over(town)


def asleep(town: Town, phone: Phone) -> None:
    """The lid is closed: nothing comes, nothing goes, no timer runs; the server notices after 15 s."""
    assert phone.session is not None
    del town.phones[phone.name]
    town.advance(15)
    town.socket_gone(phone.session)


def awake(town: Town, phone: Phone) -> None:
    """The lid is opened: the old socket is found dead, and the program signs in again."""
    town.phones[phone.name] = phone
    phone.drop(noticed=False)
    phone.connect()
    town.settle()
