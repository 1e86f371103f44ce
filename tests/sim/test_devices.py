"""One person on several devices: who rings, who stops ringing and why, where media and signals go.

| what happens                     | test                                                               |
|----------------------------------|--------------------------------------------------------------------|
| both devices answer              | test_s8_*                                                          |
| one answers, the other refuses   | test_s9_*                                                          |
| a new device without the ability | test_p1_*                                                          |
| all else                         | by its name; with real engines in tests/engine/test_two_devices.py |
"""

from __future__ import annotations

import pytest

from pycall.core.errors import CallError, ErrorCode
from pycall.core.events import CallBegan, CallReceived, KickedOffline, UserInfoChanged, UserJoined
from pycall.core.line import CallState
from pycall.core.types import EndReason
from pycall.core.wire import Accept
from signaling_server.rules import MAX_DEVICES
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over
from tests.town import Phone, Town


def two_devices(*users: str) -> tuple[Town, Phone, Phone]:
    """b is signed in on two devices."""
    town = Town(*(users or ("a", "b", "c", "d")))
    town["b"].several_devices(True)
    town.settle()
    second = town.another("b")
    second.connect()
    town.settle()
    assert town["b"].got(KickedOffline) == [] and town.switchboard.online == len(users or "abcd")
    return town, town["b"], second


def ringing_on_two() -> tuple[Town, Phone, Phone]:
    town, first, second = two_devices()
    town["a"].dial("b")
    town.settle()
    assert all(len(phone.got(CallReceived)) == 1 for phone in (first, second)), "all ring"
    return town, first, second


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_s8_accepted_on_two_devices_at_once(order: tuple[int, int]) -> None:
    town, *devices = ringing_on_two()
    asked = [phone.accept() for phone in devices]
    winner, loser = devices[order[0]], devices[order[1]]
    town.up(winner)
    town.settle()
    assert winner.answers[asked[order[0]]] is None and loser.answers[asked[order[1]]] is not None
    assert ends(loser) == [("CallNotConnected", EndReason.OTHER_DEVICE_ACCEPTED, "b")]
    assert loser.capturing is None and not loser.got(CallBegan) and not loser.peers
    assert len(town["a"].got(UserJoined)) == len(town["a"].got(CallBegan)) == len(winner.got(CallBegan)) == 1
    check_quiet(town)
    over(town)


@pytest.mark.parametrize("accept_first", [True, False])
def test_s9_accepted_on_one_and_refused_on_the_other(accept_first: bool) -> None:
    town, first, second = ringing_on_two()
    first.accept()
    second.reject()
    town.up(first if accept_first else second)
    town.settle()
    if accept_first:
        assert ends(second) == [("CallNotConnected", EndReason.OTHER_DEVICE_ACCEPTED, "b")]
        assert first.line.state is CallState.CONNECTED
    else:
        assert ends(first) == [("CallNotConnected", EndReason.OTHER_DEVICE_REJECTED, "b")]
        assert ends(second) == [("CallNotConnected", EndReason.REJECTED, "b")] and first.capturing is None
        assert ends(town["a"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
    over(town)


@pytest.mark.parametrize("busy", [True, False])
def test_refused_on_one_stops_the_other(busy: bool) -> None:
    town, first, second = ringing_on_two()
    second.reject(busy=busy)
    town.settle()
    assert ends(first) == [("CallNotConnected", EndReason.OTHER_DEVICE_REJECTED, "b")]
    over(town)


def test_a_ring_that_is_taken_back_stops_on_all() -> None:
    town, first, second = ringing_on_two()
    town["a"].hangup()
    town.settle()
    assert ends(first) == ends(second) == [("CallNotConnected", EndReason.CANCELED, "a")]
    over(town)


def test_no_answer_ends_on_all() -> None:
    town, first, second = ringing_on_two()
    town.advance(31)
    assert ends(first) == ends(second) == [("CallNotConnected", EndReason.NO_ANSWER, "b")]
    over(town)


def test_a_device_that_was_away_learns_what_became_of_the_ring() -> None:
    for verb, reason in [("accept", EndReason.OTHER_DEVICE_ACCEPTED), ("reject", EndReason.OTHER_DEVICE_REJECTED)]:
        town, first, second = ringing_on_two()
        second.drop()
        getattr(first, verb)()
        town.settle()
        second.connect()
        town.settle()
        assert ends(second) == [("CallNotConnected", reason, "b")]
        over(town)


def test_a_device_that_comes_while_it_rings_rings_too() -> None:
    town, first, second = two_devices()
    second.drop()
    town["a"].dial("b")
    town.settle()
    second.connect()
    town.settle()
    assert len(second.got(CallReceived)) == 1
    second.accept()
    town.settle()
    assert ends(first) == [("CallNotConnected", EndReason.OTHER_DEVICE_ACCEPTED, "b")]
    over(town)


def test_one_line_for_all_devices() -> None:
    town, first, second = ringing_on_two()
    first.accept()
    town.settle()
    req_id = second.dial("c")
    town.settle()
    assert second.answers[req_id] is ErrorCode.WRONG_STATE and town["c"].events == []
    assert first.line.state is CallState.CONNECTED and second.line.state is None
    town["c"].dial("b")
    town.settle()
    assert ends(town["c"]) == [("CallNotConnected", EndReason.BUSY, "b")], "busy, whichever device talks"
    over(town)


def test_media_and_signals_belong_to_the_device_in_the_call() -> None:
    town, first, second = ringing_on_two()
    first.accept()
    town.settle()
    assert set(first.peers) == {"a"} and second.peers == {} and second.capturing is None
    before = len(second.log)
    town["a"].set_media(audio=False)
    town["a"].switch(town["a"].line.media.lesser(town["a"].line.media))  # type: ignore[union-attr]
    town.cut = {("b", "a")}
    town.advance(12)
    assert len(second.log) == before and second.down == type(second.down)()
    over(town)


def test_a_device_out_of_the_call_cannot_hang_it_up() -> None:
    town, first, second = ringing_on_two()
    first.accept()
    town.settle()
    with pytest.raises(CallError):
        second.hangup()
    second.logout()
    town.settle()
    assert first.line.state is CallState.CONNECTED
    over(town)


def test_signing_out_on_one_while_it_rings_leaves_the_ring_to_the_other() -> None:
    town, first, second = ringing_on_two()
    second.logout()
    town.settle()
    assert first.line.state is CallState.RINGING and town["a"].line.state is CallState.DIALING
    first.logout()
    town.settle()
    assert ends(town["a"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
    over(town)


def test_hanging_up_and_then_calling_from_the_other() -> None:
    town, first, second = ringing_on_two()
    first.accept()
    town.settle()
    first.hangup()
    town.settle()
    second.dial("a")
    town.settle()
    town["a"].accept()
    town.settle()
    assert second.line.state is CallState.CONNECTED
    over(town)


def test_p1_without_the_ability_the_ring_moves_to_the_new_device() -> None:
    town = Town("a", "b")
    town["a"].dial("b")
    town.settle()
    second = town.another("b")
    second.connect()
    town.settle()
    assert town["b"].names()[-2:] == ["KickedOffline", "CallNotConnected"]
    assert len(second.got(CallReceived)) == 1
    over(town)


def test_switched_off_the_others_are_signed_off() -> None:
    town, first, second = two_devices()
    second.several_devices(False)
    town.settle()
    assert first.got(KickedOffline) and not second.got(KickedOffline)
    third = town.another("b")
    third.connect()
    town.settle()
    assert second.got(KickedOffline), "and a login elsewhere kicks again"
    over(town)


def test_a_kicked_device_in_a_call_leaves_it() -> None:
    town, first, second = ringing_on_two()
    first.accept()
    town.settle()
    second.several_devices(False)
    town.settle()
    assert ends(first) == [("CallEnded", EndReason.KICKED, "b")] and ends(town["a"])[-1][1] is EndReason.KICKED
    over(town)


def test_five_devices_at_most() -> None:
    town, first, _ = two_devices()
    others = [town.another("b") for _ in range(MAX_DEVICES - 1)]
    for phone in others:
        phone.connect()
        town.settle()
    assert first.got(KickedOffline), "the oldest goes"
    assert not any(phone.got(KickedOffline) for phone in others)
    over(town)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_after_a_restart_of_the_server_no_device_kicks_the_other(order: tuple[int, int]) -> None:
    town, *devices = ringing_on_two()
    devices[0].accept()
    town.settle()
    town.restart_server()
    for index in order:
        devices[index].connect()
        town.settle()
    town["a"].connect()
    town.settle()
    assert not any(phone.got(KickedOffline) for phone in devices), "whoever switched it on says so again"
    assert devices[0].line.state is CallState.CONNECTED
    over(town)


def test_the_same_request_of_two_devices_is_two_requests() -> None:
    town, first, second = ringing_on_two()
    call_id = first.line.call_id or ""
    for phone in (first, second):
        phone.up.append(Accept(req_id=1000, call_id=call_id))
    town.settle()
    assert len(town["a"].got(UserJoined)) == 1
    assert town["a"].line.state in (CallState.CONNECTING, CallState.CONNECTED)


def test_a_name_is_shown_to_the_others_and_survives_a_restart_of_the_server() -> None:
    town = Town("a", "b", "c")
    town["b"].show_as("Bob", "https://example.org/b.png")
    town.settle()
    town.restart_server()
    for phone in town.phones.values():
        phone.connect()
    town.settle()
    town["a"].dial("b", "c")
    town.settle()
    names = {member.user_id: member.nickname for member in town["c"].line.members}
    assert names == {"a": "", "b": "Bob", "c": ""}, "who rings sees already who is who"
    town["b"].accept()
    town.settle()
    assert {member.user_id: member.nickname for member in town["a"].line.members}["b"] == "Bob"
    town["b"].show_as("B.")
    town.settle()
    assert town["a"].got(UserInfoChanged) == [UserInfoChanged("b", "B.", "")]
    town["a"].drop()
    town["b"].show_as("Bobby")
    town.settle()
    town["a"].connect()
    town.settle()
    assert town["a"].got(UserInfoChanged)[-1] == UserInfoChanged("b", "Bobby", ""), "caught up"
    over(town)
