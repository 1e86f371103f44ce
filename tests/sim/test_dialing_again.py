"""Dialing again, at the wrong moment, or with wrong arguments; and media that never comes up.

| what happens                                 | test       |
|----------------------------------------------|------------|
| a caller who crashed calls again             | test_s21_* |
| refusing what was accepted                   | test_s22_* |
| answered, and media never comes up           | test_s23_* |
| oneself, twice the same, strangers, too many | test_s24_* |
| a verb without a call                        | test_s25_* |
"""

from __future__ import annotations

import pytest

from pycall.core.errors import CallError, ErrorCode, LocalProtocolError
from pycall.core.events import CallBegan, CallEnded, CallNotConnected, CallReceived
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over, reasons, ringing, talking
from tests.town import Town


def test_s21_recall_after_a_crash() -> None:
    town = talking()
    town["a"].crash()
    town["a"].connect()
    town.settle()
    assert town["a"].line.state is None, "the new program does not inherit the call"
    town["a"].dial("b")
    town.settle()
    assert town["b"].names()[-2:] == ["CallEnded", "CallReceived"]
    assert ends(town["b"]) == [("CallEnded", EndReason.RECALLED, "a")]
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan)
    over(town)
    assert len(town.records) == 2


def test_s21_after_a_crash_somebody_else_can_be_called_too() -> None:
    town = talking()
    town["a"].crash()
    town["a"].connect()
    town.settle()
    town["a"].dial("c")
    town.settle()
    assert ends(town["b"]) == [("CallEnded", EndReason.OFFLINE, "a")]
    assert town["c"].got(CallReceived)
    over(town)


def test_s21_the_same_program_does_not_recall() -> None:
    town = talking()
    with pytest.raises(LocalProtocolError, match="taken"):
        town["a"].dial("b")
    over(town)


def test_s22_reject_after_accept() -> None:
    town = talking()
    with pytest.raises(LocalProtocolError, match="reject"):
        town["b"].reject()
    check_quiet(town)
    over(town)


def test_s23_media_never_connects() -> None:
    town = ringing()
    town.cut = {("a", "b"), ("b", "a")}
    town["b"].accept()
    town.settle()
    town.advance(19)
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTING
    town.advance(2)
    assert reasons(town) == [EndReason.MEDIA_FAILED] * 2
    assert town["a"].got(CallNotConnected) and town["b"].got(CallNotConnected)
    over(town)


def test_s23_media_connects_at_the_second_try() -> None:
    town = ringing()
    town["b"].accept()
    town["b"].hold_up = True
    town.up(town["b"])
    town.settle()
    town["b"].up.clear()  # the offer is lost
    town.release()
    assert not town["a"].got(CallBegan)
    town.advance(8)
    assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    over(town)


@pytest.mark.parametrize(
    "callees, code",
    [
        (("a",), ErrorCode.BAD_ARGUMENT),
        (("b", "b"), ErrorCode.BAD_ARGUMENT),
        (tuple(f"u{n}" for n in range(8)), ErrorCode.UNKNOWN_USER),
        (("stranger",), ErrorCode.UNKNOWN_USER),
        (("b", "stranger"), ErrorCode.UNKNOWN_USER),
    ],
)
def test_s24_refused_before_anything_happens(callees: tuple[str, ...], code: ErrorCode) -> None:
    town = Town("a", "b", "c")
    req_id = town["a"].dial(*callees)
    town.settle()
    assert town["a"].answers == {req_id: code}
    assert town["a"].events == [] and town["a"].line.state is None and town["a"].capturing is None
    assert town["b"].events == [] and not town.records
    over(town)


def test_s24_hangup_and_mute_of_a_refused_dial_are_answered() -> None:
    town = Town("a", "b")
    town["a"].dial("stranger")
    town["a"].set_media(audio=False)
    town["a"].hangup()
    town.settle()
    assert town["a"].answers == {1: ErrorCode.UNKNOWN_USER, 2: ErrorCode.UNKNOWN_USER, 3: None}
    assert town["a"].events == []
    over(town)


@pytest.mark.parametrize("verb", ["accept", "reject", "hangup"])
def test_s25_no_call(verb: str) -> None:
    town = Town("a")
    with pytest.raises(LocalProtocolError) as caught:
        getattr(town["a"], verb)()
    assert caught.value.code is ErrorCode.WRONG_STATE and "\n" not in str(caught.value)
    with pytest.raises(LocalProtocolError):
        town["a"].set_media(audio=False)
    with pytest.raises(LocalProtocolError):
        town["a"].switch(MediaType.AUDIO)
    over(town)


def test_dialing_needs_a_signed_in_line() -> None:
    town = Town("a", "b")
    town["a"].drop()
    with pytest.raises(CallError) as caught:
        town["a"].dial("b")
    assert caught.value.code is ErrorCode.UNREACHABLE
    town["a"].start_anew()
    with pytest.raises(CallError) as caught:
        town["a"].dial("b")
    assert caught.value.code is ErrorCode.NOT_LOGGED_IN


def test_a_ring_without_end() -> None:
    town = ringing(timeout=0)
    assert [e.remaining for e in town["b"].events if isinstance(e, CallReceived)] == [None]
    town.advance(3600)
    assert town["b"].line.state is CallState.RINGING
    town["b"].accept()
    town.settle()
    town.advance(5)
    town["a"].hangup()
    town.settle()
    assert [e.duration for e in town["b"].events if isinstance(e, CallEnded)] == [5]
    over(town)


def test_ignoring_looks_like_a_busy_line() -> None:
    town = ringing()
    town["b"].reject(busy=True)
    town.settle()
    assert town["a"].names()[1:] == ["UserLineBusy", "CallNotConnected"]
    assert ends(town["b"]) == [("CallNotConnected", EndReason.BUSY, "b")]
    over(town)


def test_hangup_of_a_ring_refuses_it() -> None:
    town = ringing()
    town["b"].hangup()
    town.settle()
    assert town["a"].names()[1:] == ["UserRejected", "CallNotConnected"]
    over(town)
