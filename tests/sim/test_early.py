"""S11: descriptions and candidates before the ring, the answer or the member they belong to: kept, 30 a call, 60 s.

The server passes nothing on to somebody who has not answered, so what comes early comes from an order that was changed
on the way. It must do no harm: no media before the answer, nothing kept for ever, and the call comes up as always.
"""

from __future__ import annotations

import pytest

from pycall.core.events import CallBegan
from pycall.core.line import CallState
from pycall.core.types import EndReason
from pycall.core.wire import Joined, Signal, Signaled
from tests.sim.crowd import talking as crowd
from tests.sim.invariants import check_always, check_quiet
from tests.sim.stories import over, reasons, ringing, talking
from tests.town import Phone, Town

CALL = f"{1:032x}"
"""The first call of a town."""


def early(phone: Phone, sender: str, *numbers: int, call_id: str = CALL) -> None:
    for number in numbers:
        candidate = f"candidate:{number}"
        phone.take(Signaled(call_id=call_id, sender=sender, kind="candidate", candidate=candidate))


def delivered(phone: Phone) -> list[int]:
    return [int((signaled.candidate or ":").partition(":")[2]) for signaled in phone.candidates]


def kept(phone: Phone) -> int:
    return len(phone.line._own.early)


def test_s11_before_the_member_they_belong_to() -> None:
    town = ringing()
    early(town["a"], "b", *range(40))
    early(town["a"], "a", 99)
    assert kept(town["a"]) == 30 and town["a"].line.dropped == 11
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan) and not kept(town["a"])
    assert delivered(town["a"]) == list(range(10, 40)), "the newest, in order"
    over(town)


def test_s11_before_the_ring_they_belong_to() -> None:
    town = Town("a", "b")
    early(town["b"], "a", 1, 2, 3)
    town["a"].dial("b", call_id=CALL)
    town.settle()
    early(town["b"], "a", 4)
    check_always(town)
    assert town["b"].line.state is CallState.RINGING and not town["b"].peers and delivered(town["b"]) == []
    town["b"].accept()
    assert not town["b"].peers, "nothing before the answer is committed"
    town.settle()
    assert delivered(town["b"]) == [1, 2, 3, 4] and town["b"].got(CallBegan) and not kept(town["b"])
    over(town)


def test_s11_before_the_answer_is_committed() -> None:
    town = ringing()
    town["b"].accept()
    early(town["b"], "a", 1)
    assert not town["b"].peers and town["b"].capturing is None
    town.settle()
    assert delivered(town["b"]) == [1] and town["b"].got(CallBegan)
    over(town)


@pytest.mark.parametrize("seconds", [59.0, 60.0])
def test_s11_kept_for_a_minute(seconds: float) -> None:
    town = ringing(timeout=0)
    early(town["a"], "b", 1)
    town.advance(1)
    early(town["a"], "b", 2)
    town.advance(seconds - 0.5)
    assert kept(town["a"]) == (2 if seconds == 59.0 else 1)
    town["b"].accept()
    town.settle()
    assert delivered(town["a"]) == ([1, 2] if seconds == 59.0 else [2])
    over(town)


def test_s11_nothing_is_left_when_nobody_does_anything() -> None:
    town = Town("a")
    early(town["a"], "b", *range(10), call_id="f" * 32)
    assert town["a"].line.deadline() == town.now + 60
    town.advance(60)
    assert town["a"].line.deadline() is None and not kept(town["a"]) and town["a"].line.dropped == 10
    over(town)


def test_s11_of_a_few_calls_only() -> None:
    town = Town("a")
    for number in range(9):
        early(town["a"], "b", *range(40), call_id=f"{number:032x}")
    assert kept(town["a"]) == 4 * 30 and town["a"].line.dropped == 9 * 40 - 4 * 30
    over(town)


@pytest.mark.parametrize("end", ["cancel", "reject", "kick"])
def test_s11_the_call_ends_first(end: str) -> None:
    town = ringing()
    early(town["b"], "a", 1, 2)
    if end == "kick":
        assert town.kick("b")
    elif end == "cancel":
        town["a"].hangup()
    else:
        town["b"].reject()
        early(town["b"], "a", 3)
    town.settle()
    early(town["b"], "a", *([4] if end != "kick" else []))
    assert not kept(town["b"]) and delivered(town["b"]) == [] and town["b"].line.dropped >= (3 if end != "kick" else 2)
    over(town)


def test_s11_two_senders_are_told_apart() -> None:
    town = crowd("bc", users="abcd")
    town["a"].invite("d")
    town.settle()
    call_id = town["d"].line.call_id
    assert call_id is not None
    for number, sender in enumerate("abcabc"):
        early(town["d"], sender, number, call_id=call_id)
    town["d"].accept()
    town.settle()
    assert [(signaled.sender, signaled.candidate) for signaled in town["d"].candidates] == [
        (sender, f"candidate:{number}") for sender in "abc" for number in range(6) if "abcabc"[number] == sender
    ]
    check_quiet(town)
    over(town)


@pytest.mark.parametrize("known", [True, False])
def test_s11_an_offer_overtakes_the_member_who_made_it(known: bool) -> None:
    """`known`: they were called; else they come into the group's call by themselves."""
    town = crowd("bcd" if known else "bc", users="abcd", group="team")
    if known:
        town["d"].hangup()
        town.settle()
    town["d"].join_room(town["a"].line.room_id or 0, "team")
    for user in "abc":
        town[user].hold_down = True
    town.settle()
    for user in "abc":
        messages = list(town[user].down)
        assert [type(message) for message in messages] == [Joined, Signaled]
        town[user].down.clear()
        town[user].down.extend(reversed(messages))
    town.release()
    town.advance(0.1)
    check_quiet(town)
    assert all(peer.agreed for user in "abcd" for peer in town[user].peers.values()), "without a second try"
    assert all(len(town[user].peers) == 3 for user in "abcd")
    over(town)


def test_s11_back_in_the_same_call_after_a_refusal() -> None:
    town = crowd("bc", users="abc", group="team")
    town["b"].hangup()
    town.settle()
    town["a"].invite("b")
    town.settle()
    call_id = town["b"].line.call_id
    assert call_id is not None and town["b"].line.state is CallState.RINGING
    early(town["b"], "a", 7, call_id=call_id)
    town["b"].accept()
    town.settle()
    assert delivered(town["b"]) == [7]
    check_quiet(town)
    over(town)


def test_s11_the_server_passes_nothing_on_before_the_answer() -> None:
    town = ringing()
    session = town["a"].session
    assert session is not None
    town.deliver(town["a"], session, Signal(call_id=CALL, to="b", kind="offer", sdp="v=0"))
    assert not town["b"].down and town.switchboard.dropped == {"signal": 1}
    town["b"].accept()
    town.settle()
    assert town["b"].got(CallBegan)
    over(town)


def test_s11_what_came_early_is_not_taken_for_an_answer() -> None:
    town = talking()
    town["b"].hangup()
    town.settle()
    early(town["b"], "a", 1)
    assert not kept(town["b"]) and set(reasons(town)) == {EndReason.HANGUP}
    over(town)
