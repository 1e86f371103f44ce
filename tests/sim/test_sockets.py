"""Signing in twice, sockets that die late or unnoticed, and signing out in the middle of a call.

| what happens                                       | test                                                       |
|----------------------------------------------------|------------------------------------------------------------|
| another device signs in: ringing, talking, dialing | test_p1_*, test_p2_*                                       |
| two that would kick each other for ever            | test_p3_*                                                  |
| the same program comes back                        | test_p4_*                                                  |
| an old socket closes late, or is half open         | test_p5_*, test_p6_*                                       |
| two logins in flight                               | test_p7_*                                                  |
| signing out in a call                              | test_p8_*                                                  |
| tickets that run out in a call                     | tests/server/test_tickets.py, tests/engine/test_tickets.py |
| ended from outside                                 | test_either_order.py, test_p10_*                           |
| a laptop that slept                                | test_p11_*                                                 |
"""

from __future__ import annotations

import pytest

from pycall.core.events import CallBegan, CallReceived, KickedOffline, SignalingLost, SignalingRestored, UserRinging
from pycall.core.line import CallState
from pycall.core.types import EndReason
from tests.sim.invariants import check_always, check_quiet
from tests.sim.stories import ends, over, reasons, ringing, talking
from tests.town import Town


def test_p1_kicked_while_ringing() -> None:
    town = ringing()
    town.advance(10)
    other = town.another("b")
    other.connect()
    town.settle()
    check_quiet(town)
    assert town["b"].names() == ["CallReceived", "KickedOffline", "CallNotConnected"]
    assert ends(town["b"]) == [("CallNotConnected", EndReason.KICKED, "b")]
    assert [e.remaining for e in other.events if isinstance(e, CallReceived)] == [20]
    assert len(town["a"].got(UserRinging)) == 1
    other.accept()
    town.settle()
    assert town["a"].got(CallBegan) and other.got(CallBegan)
    over(town)


def test_p2_kicked_in_a_call() -> None:
    town = talking()
    other = town.another("b")
    other.connect()
    town.settle()
    check_quiet(town)
    assert town["b"].names()[-2:] == ["KickedOffline", "CallEnded"] and town["b"].capturing is None
    assert town["a"].names()[-2:] == ["UserLeft", "CallEnded"]
    assert ends(town["a"]) == [("CallEnded", EndReason.KICKED, "b")]
    assert other.events == [] and other.capturing is None
    over(town)


def test_p2_kicked_while_dialing() -> None:
    town = ringing()
    town.another("a").connect()
    town.settle()
    assert reasons(town) == [EndReason.KICKED] * 2
    over(town)


def test_p3_kicked_once_and_not_back_by_itself() -> None:
    town = Town("a", "b")
    other = town.another("a")
    other.connect()
    town.settle()
    assert town["a"].names() == ["KickedOffline"] and not town["a"].connect_wanted
    assert town["a"].line.user_id is None
    town["a"].connect()
    town.settle()
    assert other.names() == ["KickedOffline"]
    assert town["a"].names() == ["KickedOffline"], "signing in by hand restores nothing"


def test_p4_the_same_program_resumes() -> None:
    town = talking()
    town["b"].drop()
    town.advance(5)
    town["b"].connect()
    town.settle()
    check_quiet(town)
    assert town["b"].got(SignalingLost) and town["b"].got(SignalingRestored) and not town["b"].got(KickedOffline)
    assert town["b"].line.state is CallState.CONNECTED
    town.advance(120)
    assert reasons(town) == []
    over(town)


def test_p5_the_old_socket_closes_after_the_new_one_is_bound() -> None:
    town = talking()
    old = town["b"].session
    assert old is not None
    town["b"].drop(noticed=False)
    town["b"].connect()
    town.settle()
    town.socket_gone(old)
    town.advance(120)
    check_quiet(town)
    assert town["b"].line.state is CallState.CONNECTED and reasons(town) == []
    over(town)


def test_p6_half_open_socket() -> None:
    town = talking()
    old = town["b"].session
    assert old is not None
    town["b"].drop(noticed=False)
    town.cut = {("a", "b"), ("b", "a")}
    town.advance(15)
    town.socket_gone(old)  # the heartbeat has noticed
    town.advance(14)
    assert reasons(town, "a") == []
    town.advance(2)
    assert ends(town["a"]) == [("CallEnded", EndReason.OFFLINE, "b")]
    over(town)


def test_p7_two_logins_of_one_program_in_flight() -> None:
    town = Town("a", "b")
    first = town["a"].session
    town["a"].connect()
    assert first not in town.sessions and town.switchboard.online == 2
    town.settle()
    assert town["a"].got(KickedOffline) == [] and town["a"].session is not None
    town["b"].dial("a")
    town.settle()
    assert town["a"].got(CallReceived)
    over(town)


@pytest.mark.parametrize("state", ["ringing", "talking"])
@pytest.mark.parametrize("who", "ab")
def test_p8_logout_in_a_call(state: str, who: str) -> None:
    town = ringing() if state == "ringing" else talking()
    other = "b" if who == "a" else "a"
    req_id = town[who].logout()
    assert town[who].capturing is None
    town.settle()
    expected = EndReason.HANGUP if state == "talking" else EndReason.CANCELED if who == "a" else EndReason.REJECTED
    assert reasons(town, who) == reasons(town, other) == [expected]
    assert town[who].answers[req_id] is None and town[who].line.user_id is None
    assert not town[who].got(SignalingLost)
    check_quiet(town)
    town[who].connect()
    town.settle()
    assert not town[who].got(SignalingRestored)
    over(town)


def test_p8_logout_with_the_server_away() -> None:
    town = talking()
    town["a"].drop()
    req_id = town["a"].logout()
    assert town["a"].answers[req_id] is None
    assert reasons(town, "a") == [EndReason.HANGUP] and town["a"].line.user_id is None
    town.advance(120)
    assert reasons(town, "b") == [EndReason.OFFLINE]
    over(town)


def test_p11_a_laptop_that_slept() -> None:
    town = ringing()
    town["b"].drop(noticed=False)
    town.advance(15)
    town.socket_gone(2)
    town.advance(3600)
    town["b"].connect()
    town.settle()
    check_always(town)
    assert ends(town["b"]) == [("CallNotConnected", EndReason.NO_ANSWER, "b")]
    over(town)


# --- what follows from the snapshot -----------------------------------------------------------------------------


def test_hung_up_while_the_link_was_down() -> None:
    town = talking()
    town["a"].drop()
    town["a"].hangup()
    assert reasons(town, "a") == [EndReason.HANGUP] and town["a"].capturing is None
    town.advance(5)
    town["a"].connect()
    town.settle()
    assert ends(town["b"]) == [("CallEnded", EndReason.HANGUP, "a")]
    over(town)


@pytest.mark.parametrize("busy", [True, False])
def test_rejected_while_the_link_was_down(busy: bool) -> None:
    town = ringing()
    town["b"].drop()
    town["b"].reject(busy=busy)
    town["b"].connect()
    town.settle()
    expected = EndReason.BUSY if busy else EndReason.REJECTED
    assert reasons(town) == [expected, expected]
    assert len(town["b"].got(CallReceived)) == 1
    over(town)


def test_accepted_while_the_link_was_down() -> None:
    town = ringing()
    town["b"].drop()
    req_id = town["b"].accept()
    assert town["b"].capturing is None and town["b"].answers == {}
    town["b"].connect()
    town.settle()
    assert town["b"].answers[req_id] is None and town["a"].got(CallBegan)
    over(town)


@pytest.mark.parametrize("arrived", [True, False])
def test_link_lost_while_accepting(arrived: bool) -> None:
    town = ringing()
    req_id = town["b"].accept()
    if arrived:
        town.up(town["b"])
    town["b"].drop()
    town["b"].connect()
    town.settle()
    check_quiet(town)
    assert town["b"].answers[req_id] is None and town["b"].got(CallBegan) and town["a"].got(CallBegan)
    over(town)


@pytest.mark.parametrize("arrived", [True, False])
def test_link_lost_while_dialing(arrived: bool) -> None:
    town = Town("a", "b")
    req_id = town["a"].dial("b")
    town["a"].set_media(audio=False)
    if arrived:
        town.up(town["a"])
    town["a"].drop()
    town["a"].connect()
    town.settle()
    check_quiet(town)
    assert town["a"].answers[req_id] is None and len(town["b"].got(CallReceived)) == 1
    over(town)


def test_link_lost_while_dialing_and_cancelled() -> None:
    town = Town("a", "b")
    req_id = town["a"].dial("b")
    town.up(town["a"])
    town["a"].drop()
    town["a"].hangup()
    assert town["a"].answers[req_id] is None and reasons(town, "a") == [EndReason.CANCELED]
    town["a"].connect()
    town.settle()
    assert town["b"].names() == ["CallReceived", "CallNotConnected"]
    over(town)


def test_nobody_waits_for_ever_for_a_server_that_is_away() -> None:
    town = ringing(timeout=0)
    town["a"].drop()
    town["b"].drop()
    town.advance(61)
    assert reasons(town) == [EndReason.OFFLINE] * 2
    over(town)


def test_a_ring_ends_in_time_without_the_server() -> None:
    town = ringing()
    town.restart_server(down_for=40)
    assert town["a"].names()[1:] == ["SignalingLost", "UserNoResponse", "CallNotConnected"]
    assert ends(town["b"]) == [("CallNotConnected", EndReason.NO_ANSWER, "b")]
    town["a"].connect()
    town["b"].connect()
    town.settle()
    over(town)
