"""Signing out while it rings on other devices too, and signing in again.

| what crosses | what is right |
|---|---|
| signed out here, rings there | signing in again rings again, with the time that is left |
| signed out here, refused there | stays silent |
| signed out here, answered there | stays silent; the answered call goes on |
| signed out on the only device | refused; signing in again is silent |
| signed out with the link down | rings again, if it still rings at the server |
"""

from __future__ import annotations

import pytest

from pycall.core.events import CallBegan, CallReceived
from pycall.core.line import CallState
from pycall.core.types import EndReason
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, kinds, over, ringing
from tests.town import Phone, Town


def ringing_on_two() -> tuple[Town, Phone, Phone]:
    """a calls b, who is signed in on two devices; ten seconds have gone."""
    town = Town("a", "b", "c", "d")
    town["b"].several_devices(True)
    town.settle()
    second = town.another("b")
    second.connect()
    town.settle()
    town["a"].dial("b")
    town.settle()
    town.advance(10)
    return town, town["b"], second


@pytest.mark.parametrize("reached", [True, False])
def test_p8_signed_in_again_it_rings_again(reached: bool) -> None:
    town, first, second = ringing_on_two()
    if not reached:
        second.drop()
    second.logout()
    town.settle()
    assert ends(second) == [("CallNotConnected", EndReason.REJECTED, "b")]
    second.connect()
    town.settle()
    check_quiet(town)
    assert [e.remaining for e in second.events if isinstance(e, CallReceived)] == [30, 20]
    assert first.line.state is second.line.state is CallState.RINGING and ends(town["a"]) == []
    second.accept()
    town.settle()
    assert second.got(CallBegan) and ends(first) == [("CallNotConnected", EndReason.OTHER_DEVICE_ACCEPTED, "b")]
    town["a"].hangup()
    town.settle()
    assert kinds(town) == ["started a", "received b", "accepted b", "left a", "ended a"]
    over(town)


@pytest.mark.parametrize("refused_first", [True, False])
@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_p8_signing_out_here_against_answering_there(verb: str, refused_first: bool) -> None:
    town, first, second = ringing_on_two()
    second.logout()
    getattr(first, verb)()
    town.up(first if refused_first else second)
    town.settle()
    second.connect()
    town.settle()
    check_quiet(town)
    assert second.line.state is None and len(second.got(CallReceived)) == len(ends(second)) == 1
    if verb == "accept":
        assert first.line.state is town["a"].line.state is CallState.CONNECTED
        assert kinds(town) == ["started a", "received b", "accepted b"]
    else:
        assert ends(town["a"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
        assert kinds(town) == ["started a", "received b", "rejected b", "ended b"]
    over(town)


def test_p8_signed_out_on_all_refuses_once() -> None:
    town, first, second = ringing_on_two()
    first.logout()
    second.logout()
    town.settle()
    assert ends(town["a"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
    second.connect()
    town.settle()
    assert second.line.state is None and len(second.got(CallReceived)) == 1
    assert kinds(town) == ["started a", "received b", "rejected b", "ended b"]
    over(town)


def test_p8_signed_out_without_a_link_on_the_only_device_rings_again() -> None:
    town = ringing()
    town["b"].drop()
    town["b"].logout()
    assert ends(town["b"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
    town["b"].connect()
    town.settle()
    check_quiet(town)
    assert town["b"].line.state is CallState.RINGING and ends(town["a"]) == []
    over(town)


@pytest.mark.parametrize("verb", ["reject", "hangup"])
def test_p8_refused_and_signed_out_without_a_link_stays_refused(verb: str) -> None:
    town = ringing()
    town["b"].drop()
    getattr(town["b"], verb)()
    town["b"].logout()
    town["b"].connect()
    town.settle()
    assert len(town["b"].got(CallReceived)) == 1
    assert ends(town["a"]) == ends(town["b"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
    over(town)


@pytest.mark.parametrize("again", [True, False])
def test_p8_signed_out_before_the_answer_was_written(again: bool) -> None:
    town, first, second = ringing_on_two()
    second.drop()
    second.accept()
    second.logout()
    assert second.capturing is None and len(ends(second)) == 1
    if not again:
        town["a"].hangup()
        town.settle()
    second.connect()
    town.settle()
    check_quiet(town)
    assert second.line.state is (CallState.RINGING if again else None)
    assert len(ends(first)) == (0 if again else 1)
    over(town)
