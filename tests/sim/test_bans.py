"""P10: an administrator signs a user off, or bans them, against everything that may be going on, in both commit orders.

The ban wins at commit: a login before it is kicked, a login after it is refused, and neither program comes back by
itself. A call is left as by a login elsewhere; a ring goes on after a kick, and ends unanswered with a ban.
"""

from __future__ import annotations

import pytest

from pycall.core.errors import ErrorCode
from pycall.core.events import (
    CallBegan,
    CallNotConnected,
    CallReceived,
    KickedOffline,
    UserJoined,
    UserLeft,
    UserNoResponse,
    UserRejected,
)
from pycall.core.line import CallState
from pycall.core.types import EndReason
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, group, kinds, over, reasons, ringing, talking, the_record
from tests.town import Phone, Town

START = ["started a", "received b"]
TALK = [*START, "accepted b"]
VERBS = {"kick": ErrorCode.SIGNED_OFF, "ban": ErrorCode.BANNED}
both_verbs = pytest.mark.parametrize("verb", VERBS)
both_orders = pytest.mark.parametrize("first", ["administrator", "user"])


def outside(town: Town, verb: str, user: str = "b") -> None:
    assert getattr(town, verb)(user)


def thrown_out(phone: Phone, verb: str, times: int = 1) -> None:
    """Told once, silent, and not coming back by itself."""
    assert phone.got(KickedOffline) == [KickedOffline(VERBS[verb])] * times
    assert phone.session is None and not phone.connect_wanted
    assert phone.capturing is None and phone.line.state is None and phone.line.user_id is None


def may_come_back(town: Town, verb: str, user: str = "b") -> None:
    """After a kick at once; after a ban once it is taken back."""
    if verb == "ban":
        town[user].connect()
        town.settle()
        assert town[user].got(KickedOffline)[-1] == KickedOffline(ErrorCode.BANNED) and town[user].session is None
        assert town.unban(user)
    town[user].connect()
    town.settle()
    assert town[user].session is not None and town[user].line.user_id == user
    check_quiet(town)


# --- against a login --------------------------------------------------------------------------------------------


@both_verbs
@both_orders
def test_p10_against_a_login(verb: str, first: str) -> None:
    town = Town("a", "b")
    town["b"].drop()
    if first == "administrator":
        outside(town, verb)
    town["b"].connect()
    if first == "user":
        outside(town, verb)
    town.settle()
    if first == "administrator" and verb == "kick":
        assert town["b"].session is not None and not town["b"].got(KickedOffline)
    else:
        thrown_out(town["b"], verb)
    assert town.users == {"a", "b"}
    may_come_back(town, verb)
    over(town)


@both_orders
def test_p10_against_the_return_of_somebody_in_a_call(first: str) -> None:
    town = talking()
    town["b"].drop()
    if first == "administrator":
        outside(town, "ban")
    town["b"].connect()
    if first == "user":
        outside(town, "ban")
    town.settle()
    thrown_out(town["b"], "ban")
    assert ends(town["a"]) == ends(town["b"]) == [("CallEnded", EndReason.KICKED, "b")]
    assert kinds(town) == [*TALK, "left b", "ended b"] and the_record(town) == (EndReason.KICKED, "b")
    over(town)


def test_p10_a_user_who_never_signed_in_stays_unknown() -> None:
    town = Town("a")
    assert town.ban("z")
    phone = town.another("z")
    phone.connect()
    town.settle()
    thrown_out(phone, "ban")
    assert town.users == {"a"}
    town["a"].dial("z")
    town.settle()
    assert list(town["a"].answers.values()) == [ErrorCode.UNKNOWN_USER]
    assert town.unban("z")
    phone.connect()
    town.settle()
    assert town.users == {"a", "z"}
    over(town)


def test_p10_a_ban_for_a_time_and_a_restart() -> None:
    town = Town("a", "b")
    assert town.ban("b", seconds=100)
    town.settle()
    town.restart_server()
    town["a"].connect()
    for seconds, refused in [(0.0, True), (99.0, True), (1.0, False)]:
        town.advance(seconds)
        town["b"].connect()
        town.settle()
        assert (town["b"].session is None) is refused
    assert town["b"].got(KickedOffline) == [KickedOffline(ErrorCode.BANNED)] * 3
    assert town.switchboard.bans.all(town.unix) == []
    over(town)


def test_p10_a_ban_that_cannot_be_stored_has_not_happened() -> None:
    town = talking()
    town.disk_full = True
    for verb in [town.ban, town.kick]:
        assert not verb("b")
    town.settle()
    assert not town["b"].got(KickedOffline) and town["b"].line.state is CallState.CONNECTED and town.bans == {}
    town.disk_full = False
    assert town.ban("b")
    town.settle()
    thrown_out(town["b"], "ban")
    town.disk_full = True
    assert not town.unban("b") and town.switchboard.bans.all(town.unix)
    town.disk_full = False
    over(town)


# --- while it rings ---------------------------------------------------------------------------------------------


@both_orders
@pytest.mark.parametrize("answer", ["accept", "reject"])
@both_verbs
def test_p10_against_the_answer(verb: str, answer: str, first: str) -> None:
    town = ringing()
    getattr(town["b"], answer)()
    if first == "user":
        town.up(town["b"])
    outside(town, verb)
    town.settle()
    thrown_out(town["b"], verb)
    check_quiet(town)
    if first == "user" and answer == "accept":
        assert reasons(town) == [EndReason.KICKED] * 2 and kinds(town) == [*TALK, "left b", "ended b"]
        assert town["a"].got(UserJoined, UserLeft) and not town["b"].got(CallBegan)
    elif first == "user":
        assert ends(town["a"]) == [("CallNotConnected", EndReason.REJECTED, "b")] and town["a"].got(UserRejected)
        assert kinds(town) == [*START, "rejected b", "ended b"]
    elif verb == "kick":
        assert town["a"].line.state is CallState.DIALING and kinds(town) == START
    else:
        assert ends(town["a"]) == [("CallNotConnected", EndReason.NO_ANSWER, "b")] and town["a"].got(UserNoResponse)
        assert kinds(town) == [*START, "no_answer b", "ended b"]
    assert len(ends(town["b"])) == 1
    over(town)


def test_p10_a_ring_goes_on_after_a_kick() -> None:
    town = ringing()
    town.advance(10)
    outside(town, "kick")
    town.settle()
    assert ends(town["b"]) == [("CallNotConnected", EndReason.KICKED, "b")] and not ends(town["a"])
    town["b"].connect()
    town.settle()
    rung = town["b"].got(CallReceived)[-1]
    assert isinstance(rung, CallReceived) and rung.remaining == 20
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    over(town)


def test_p10_a_banned_user_does_not_keep_the_caller_waiting() -> None:
    town = ringing(timeout=0)
    outside(town, "ban")
    town.settle()
    assert ends(town["a"]) == [("CallNotConnected", EndReason.NO_ANSWER, "b")]
    town["a"].dial("b", timeout=5)
    town.settle()
    assert town["a"].line.state is CallState.DIALING
    town.advance(5)
    assert ends(town["a"])[-1] == ("CallNotConnected", EndReason.NO_ANSWER, "b")
    over(town)


@both_orders
@both_verbs
def test_p10_the_caller_is_signed_off_as_it_is_answered(verb: str, first: str) -> None:
    town = ringing()
    town["b"].accept()
    if first == "user":
        town.up(town["b"])
    outside(town, verb, "a")
    town.settle()
    thrown_out(town["a"], verb)
    assert reasons(town) == [EndReason.KICKED] * 2 and the_record(town) == (EndReason.KICKED, "a")
    assert kinds(town) == ([*TALK, "left a", "ended a"] if first == "user" else [*START, "canceled b", "ended a"])
    over(town)


# --- in a call --------------------------------------------------------------------------------------------------


@both_orders
@both_verbs
@pytest.mark.parametrize("who", "ab")
def test_p10_against_hangup(who: str, verb: str, first: str) -> None:
    town = talking()
    town.advance(5)
    town[who].hangup()
    if first == "user":
        town.up(town[who])
    outside(town, verb)
    town.settle()
    thrown_out(town["b"], verb)
    reason, by = (EndReason.HANGUP, who) if first == "user" else (EndReason.KICKED, "b")
    assert the_record(town) == (reason, by) and ends(town["a"]) == [("CallEnded", reason, by)]
    assert len(ends(town["b"])) == 1 and town.records[0].duration == 5
    may_come_back(town, verb)
    over(town)


@both_verbs
def test_p10_in_a_group_only_one_leaves(verb: str) -> None:
    town = group()
    outside(town, verb)
    town.settle()
    for user in "ac":
        assert town[user].got(UserLeft) == [UserLeft(town[user].line.call_id or "", "b", EndReason.KICKED)]
        assert town[user].line.state is CallState.CONNECTED
    thrown_out(town["b"], verb)
    assert kinds(town)[-1] == "left b" and town.records == []
    may_come_back(town, verb)
    assert town["b"].line.state is None
    over(town)


@both_orders
def test_p10_against_an_invitation(first: str) -> None:
    town = talking()
    town["a"].invite("c")
    if first == "user":
        town.up(town["a"])
    outside(town, "ban", "c")
    town.settle()
    thrown_out(town["c"], "ban")
    assert len(town["c"].got(CallReceived)) == len(town["c"].got(CallNotConnected)) == (1 if first == "user" else 0)
    town.advance(31)
    assert [event.user_id for event in town["a"].got(UserNoResponse) if isinstance(event, UserNoResponse)] == ["c"]
    assert town["a"].line.state is CallState.CONNECTED and town.records == []
    over(town)


@both_verbs
def test_p10_all_devices_of_the_user(verb: str) -> None:
    town = Town("a", "b", "c")
    town["b"].several_devices(True)
    town.settle()
    other = town.another("b")
    other.connect()
    town.settle()
    town["a"].dial("b")
    town.settle()
    other.accept()
    town.settle()
    outside(town, verb)
    town.settle()
    for phone in [town["b"], other]:
        thrown_out(phone, verb)
        assert len(ends(phone)) == 1
    assert ends(town["a"]) == [("CallEnded", EndReason.KICKED, "b")]
    may_come_back(town, verb)
    over(town)


def test_p10_two_bans_and_two_kicks_are_one() -> None:
    town = talking()
    for verb in ["ban", "ban", "kick", "kick"]:
        outside(town, verb)
    town.settle()
    thrown_out(town["b"], "ban")
    assert len(town.records) == 1 and kinds(town) == [*TALK, "left b", "ended b"]
    over(town)
