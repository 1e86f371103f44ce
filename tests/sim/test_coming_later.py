"""Coming into a call that runs: invitations in mid-call, joining by id and by room, coming back.

| what happens          | test      |
|-----------------------|-----------|
| invite and hang-up    | test_c2_* |
| two invite the same   | test_c3_* |
| invited and joining   | test_c4_* |
| join and end          | test_c6_* |
| two for the last seat | test_g4_* |
"""

from __future__ import annotations

import pytest

from pycall.core.errors import CallError, ErrorCode
from pycall.core.events import CallBegan, CallReceived, UserInviting, UserLineBusy
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType, Role, Scene
from tests.sim.crowd import declined, joined, left, ringing
from tests.sim.crowd import talking as talking_of_many
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over, talking
from tests.town import Town


def code(town: Town, user: str, req_id: int) -> ErrorCode | None:
    return town[user].answers[req_id]


# --- inviting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inviter", ["a", "b"])
def test_a_third_is_invited(inviter: str) -> None:
    town = talking()
    req_id = town[inviter].invite("c", user_data="come")
    town.settle()
    assert town[inviter].answer(req_id).users == ("c",)
    for user in "ab":
        assert town[user].got(UserInviting) == [UserInviting(town["a"].line.call_id or "", inviter, "c")]
        assert town[user].line.scene is Scene.MULTI
    (received,) = town["c"].got(CallReceived)
    assert isinstance(received, CallReceived)
    assert (received.caller, received.inviter, received.callees) == ("a", inviter, ("b", "c"))
    assert (received.user_data, received.remaining, received.scene) == ("come", 30.0, Scene.MULTI)
    town["c"].accept()
    town.settle()
    assert joined(town, "a") == ["b", "c"] and joined(town, "b") == ["c"] and joined(town, "c") == ["a", "b"]
    over(town)


def test_who_is_invited_has_a_ring_of_their_own() -> None:
    town = ringing("b", timeout=0)
    town["b"].accept()
    town.settle()
    town.advance(100)
    town["a"].invite("c", timeout=10)
    town.settle()
    town.advance(11)
    assert ends(town["c"]) == [("CallNotConnected", EndReason.NO_ANSWER, "c")]
    assert declined(town, "a") == declined(town, "b") == [("c", "no answer")]
    town["a"].invite("d", timeout=0)
    town.settle()
    town.advance(5000)
    assert town["d"].line.state is CallState.RINGING, "0 is for ever"
    over(town)


def test_the_caller_invites_while_it_rings() -> None:
    town = ringing("b")
    req_id = town["a"].invite("b", "c")
    town.settle()
    assert town["a"].answer(req_id).users == ("c",), "who rings already is left out"
    town["b"].reject()
    town.settle()
    assert town["a"].line.state is CallState.DIALING and declined(town, "a") == [("b", "rejected")]
    town["c"].accept()
    town.settle()
    assert town["a"].got(CallBegan) and town["c"].got(CallBegan)
    over(town)


def test_only_who_is_in_the_call_may_invite() -> None:
    town = ringing("bc")
    with pytest.raises(CallError) as caught:
        town["b"].invite("d")
    assert caught.value.code is ErrorCode.WRONG_STATE
    town["b"].accept()
    with pytest.raises(CallError):
        town["b"].invite("d")
    over(town)


@pytest.mark.parametrize("first", ["a", "b"])
def test_c2_hangup_against_invite(first: str) -> None:
    town = talking()
    req_id = town["a"].invite("c")
    town["b"].hangup()
    town.up(town[first])
    town.settle()
    if first == "a":
        assert left(town, "a") == [("b", EndReason.HANGUP)] and town["c"].line.state is CallState.RINGING
        assert town["a"].line.state is CallState.CONNECTED
    else:
        assert code(town, "a", req_id) is ErrorCode.NO_SUCH_CALL
        assert ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "b")] and town["c"].events == []
    over(town)


@pytest.mark.parametrize("first", ["a", "b"])
def test_c3_two_invite_the_same(first: str) -> None:
    town = talking()
    asked = {user: town[user].invite("c") for user in "ab"}
    town.up(town[first])
    town.settle()
    late = "b" if first == "a" else "a"
    assert code(town, first, asked[first]) is None and code(town, late, asked[late]) is ErrorCode.REPEATED
    assert len(town["c"].got(CallReceived)) == 1
    over(town)


@pytest.mark.parametrize("first", ["a", "c"])
def test_c4_invite_against_join(first: str) -> None:
    town = talking_in_group("b")
    call_id = town["a"].line.call_id or ""
    asked = {"a": town["a"].invite("c"), "c": town["c"].join(call_id)}
    town.up(town[first])
    town.settle()
    assert code(town, "c", asked["c"]) is None
    assert code(town, "a", asked["a"]) is (None if first == "a" else ErrorCode.REPEATED)
    assert town["c"].line.state is CallState.CONNECTED and town["c"].got(CallReceived) == []
    assert joined(town, "a") == ["b", "c"] and joined(town, "b")[-1] == "c"
    over(town)


def talking_in_group(callees: str = "b", room: int | str = 7) -> Town:
    return talking_of_many(callees, users="abcde", group="team", room=room)


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        (("b",), ErrorCode.REPEATED),
        (("a",), ErrorCode.REPEATED),
        (("stranger",), ErrorCode.UNKNOWN_USER),
        (("c", "stranger"), ErrorCode.UNKNOWN_USER),
        (("c", "c"), ErrorCode.BAD_ARGUMENT),
        ((), ErrorCode.BAD_ARGUMENT),
    ],
)
def test_invitations_that_are_refused(users: tuple[str, ...], expected: ErrorCode) -> None:
    town = talking()
    req_id = town["a"].invite(*users)
    town.settle()
    assert code(town, "a", req_id) is expected
    assert town["c"].events == [] and town["a"].line.scene is Scene.SINGLE
    over(town)


def test_no_more_than_nine() -> None:
    town = talking_of_many("bcdefgh", users="abcdefghij", media=MediaType.AUDIO)
    req_id = town["a"].invite("i", "j")
    town.settle()
    assert code(town, "a", req_id) is ErrorCode.BAD_ARGUMENT
    req_id = town["b"].invite("i")
    town.settle()
    assert code(town, "b", req_id) is None
    req_id = town["a"].invite("j")
    town.settle()
    assert code(town, "a", req_id) is ErrorCode.BAD_ARGUMENT, "who rings has a seat"
    town["h"].hangup()
    town.settle()
    req_id = town["a"].invite("j")
    town.settle()
    assert code(town, "a", req_id) is None
    over(town)


def test_an_invited_line_is_busy() -> None:
    town = talking()
    town["c"].dial("d")
    town.settle()
    req_id = town["a"].invite("c")
    town.settle()
    assert town["a"].answer(req_id).users == ()
    assert town["a"].got(UserLineBusy) and town["b"].got(UserLineBusy) and not town["c"].got(CallReceived)
    over(town)


def test_who_refused_can_be_invited_again() -> None:
    town = ringing("bc")
    town["b"].accept()
    town["c"].reject()
    town.settle()
    town["b"].invite("c")
    town.settle()
    assert len(town["c"].got(CallReceived)) == 2
    town["c"].reject()
    town.settle()
    assert declined(town, "a") == [("c", "rejected")] * 2
    assert ends(town["c"]) == [("CallNotConnected", EndReason.REJECTED, "c")] * 2, "one for each ring"
    over(town)


def test_who_left_can_be_invited_again() -> None:
    town = talking_of_many("bc")
    town["a"].hangup()
    town.settle()
    town["b"].invite("a")
    town.settle()
    town["a"].accept()
    town.settle()
    assert town["a"].line.role is Role.CALLEE and len(town["a"].got(CallBegan)) == 2
    assert town["b"].line.state is town["c"].line.state is CallState.CONNECTED
    check_quiet(town)
    over(town)


def test_an_invitation_that_was_missed_is_caught_up() -> None:
    town = talking()
    town["b"].drop()
    town["a"].invite("c")
    town.settle()
    town["b"].connect()
    town.settle()
    assert town["b"].got(UserInviting) == [UserInviting(town["a"].line.call_id or "", "a", "c")]
    town["b"].drop()
    town["c"].reject()
    town.settle()
    town["b"].connect()
    town.settle()
    assert declined(town, "b") == [("c", "rejected")]
    over(town)


@pytest.mark.parametrize("arrived", [True, False])
def test_an_invitation_whose_answer_was_lost(arrived: bool) -> None:
    town = talking()
    req_id = town["a"].invite("c")
    if arrived:
        town.up(town["a"])
    town["a"].drop()
    town["a"].connect()
    town.settle()
    assert town["a"].answer(req_id).users == ("c",) and len(town["c"].got(CallReceived)) == 1
    over(town)


def test_one_who_left_and_came_back_while_we_were_away() -> None:
    town = talking_in_group("bc")
    town["a"].drop()
    town["b"].hangup()
    town.settle()
    town["b"].join(town["c"].line.call_id or "")
    town.settle()
    town["a"].connect()
    town.settle()
    town.advance(15)
    assert [name for name in town["a"].names() if name in ("UserJoined", "UserLeft")][-2:] == ["UserLeft", "UserJoined"]
    assert town.flows("b", town["a"]) and town.flows("a", town["b"]), "a connection of its own"
    over(town)


# --- joining ----------------------------------------------------------------------------------------------------


def test_joining_by_id() -> None:
    town = talking_in_group("b")
    req_id = town["c"].join(town["a"].line.call_id or "")
    town.settle()
    assert code(town, "c", req_id) is None
    line = town["c"].line
    assert (line.role, line.media, line.audio_open, line.video_open) == (Role.CALLEE, MediaType.VIDEO, True, False)
    assert (line.chat_group_id, line.room_id, line.scene) == ("team", 7, Scene.GROUP)
    assert joined(town, "c") == ["a", "b"] and joined(town, "a")[-1] == "c"
    assert {member.user_id: member.video for member in town["a"].line.members} == {"a": True, "b": True, "c": False}
    over(town)


@pytest.mark.parametrize("room", [7, "green room"])
def test_joining_by_room(room: int | str) -> None:
    town = talking_in_group("b", room=room)
    call_id = town["a"].line.call_id
    req_id = town["c"].join_room(room, "team")
    town.settle()
    assert code(town, "c", req_id) is None and town["c"].answer(req_id).call_id == call_id == town["c"].line.call_id
    assert town["c"].line.state is CallState.CONNECTED
    over(town)


def test_rooms_that_are_not_there() -> None:
    town = talking_in_group("b", room=7)
    for room, group in [("7", "team"), (7, "other"), (8, "team")]:
        req_id = town["c"].join_room(room, group)
        town.settle()
        assert code(town, "c", req_id) is ErrorCode.NO_SUCH_CALL
        assert town["c"].line.state is None and town["c"].events == [] and town["c"].capturing is None
    over(town)


def test_only_who_was_called_may_join_a_call_without_a_group() -> None:
    town = talking_of_many("bc")
    call_id = town["a"].line.call_id or ""
    req_id = town["d"].join(call_id)
    town.settle()
    assert code(town, "d", req_id) is ErrorCode.NO_SUCH_CALL, "to strangers it does not exist"
    town["c"].hangup()
    town.settle()
    req_id = town["c"].join(call_id)
    town.settle()
    assert code(town, "c", req_id) is None and town["c"].line.state is CallState.CONNECTED
    over(town)


def test_a_room_is_taken_once() -> None:
    town = talking_in_group("b", room=7)
    req_id = town["c"].dial("d", room=7, group="team")
    town.settle()
    assert code(town, "c", req_id) is ErrorCode.REPEATED and town["d"].events == []
    town["a"].hangup()
    town.settle()
    req_id = town["c"].dial("d", room=7, group="team")
    town.settle()
    assert code(town, "c", req_id) is None
    over(town)


def test_a_room_is_made_up_if_none_is_given() -> None:
    town = talking()
    assert town["a"].line.room_id == town["b"].line.room_id
    assert 1 <= int(town["a"].line.room_id or 0) <= 2**31 - 1
    over(town)


@pytest.mark.parametrize("first", ["b", "c"])
def test_c6_join_against_the_end(first: str) -> None:
    town = talking_in_group("b")
    req_id = town["c"].join(town["a"].line.call_id or "")
    town["b"].hangup()
    town.up(town[first])
    town.settle()
    if first == "b":
        assert code(town, "c", req_id) is ErrorCode.NO_SUCH_CALL and town["c"].events == []
    else:
        assert town["a"].line.state is town["c"].line.state is CallState.CONNECTED
    over(town)


@pytest.mark.parametrize("first", ["i", "j"])
def test_g4_two_join_for_the_last_seat(first: str) -> None:
    town = talking_of_many("bcdefgh", users="abcdefghij", media=MediaType.AUDIO, group="team")
    asked = {user: town[user].join(town["a"].line.call_id or "") for user in "ij"}
    town.up(town[first])
    town.settle()
    late = "j" if first == "i" else "i"
    assert code(town, first, asked[first]) is None and code(town, late, asked[late]) is ErrorCode.WRONG_STATE
    assert town[late].events == [] and town[late].line.state is None and town[late].capturing is None
    over(town)


def test_joining_while_it_rings_is_answering() -> None:
    town = ringing("bc")
    req_id = town["b"].join(town["b"].line.call_id or "")
    town.settle()
    assert code(town, "b", req_id) is None and town["b"].got(CallBegan)
    assert not town["b"].line.video_open, "who joins keeps the camera closed"
    over(town)


def test_joining_needs_a_free_line() -> None:
    town = talking()
    with pytest.raises(CallError) as caught:
        town["a"].join(town["a"].line.call_id or "")
    assert caught.value.code is ErrorCode.WRONG_STATE
    over(town)


@pytest.mark.parametrize("by_room", [True, False])
@pytest.mark.parametrize("arrived", [True, False])
def test_link_lost_while_joining(arrived: bool, by_room: bool) -> None:
    town = talking_in_group("b")
    call_id = town["a"].line.call_id or ""
    req_id = town["c"].join_room(7, "team") if by_room else town["c"].join(call_id)
    if arrived:
        town.up(town["c"])
    town["c"].drop()
    town["c"].connect()
    town.settle()
    assert code(town, "c", req_id) is None and town["c"].line.call_id == call_id
    assert town["c"].line.state is CallState.CONNECTED and joined(town, "a") == ["b", "c"]
    over(town)


@pytest.mark.parametrize("by_room", [True, False])
@pytest.mark.parametrize("let_in", [True, False])
def test_hung_up_while_joining(by_room: bool, let_in: bool) -> None:
    town = talking_in_group("b")
    call_id = town["a"].line.call_id or ""
    req_id = town["c"].join_room(7, "team") if by_room else town["c"].join(call_id)
    if not let_in:
        town["b"].hangup()
        town.up(town["b"])
    town["c"].hangup()
    town.settle()
    assert town["c"].line.state is None and town["c"].capturing is None
    if let_in:
        assert code(town, "c", req_id) is None and ends(town["c"]) == [("CallNotConnected", EndReason.HANGUP, "c")]
        assert town["a"].line.state is CallState.CONNECTED and set(town["a"].peers) == {"b"}
    else:
        assert code(town, "c", req_id) is ErrorCode.NO_SUCH_CALL and town["c"].events == []
    over(town)


def test_a_crashed_member_comes_back_by_joining() -> None:
    town = talking_of_many("bc")
    call_id = town["a"].line.call_id or ""
    town["b"].crash()
    town["b"].connect()
    town.settle()
    assert town["b"].line.state is None, "nothing is inherited silently"
    req_id = town["b"].join(call_id)
    town.settle()
    town.advance(15)
    assert code(town, "b", req_id) is None and town["b"].line.state is CallState.CONNECTED
    assert left(town, "a") == [("b", EndReason.OFFLINE)] and joined(town, "a") == ["b", "c", "b"]
    assert town.flows("a", town["b"]) and town.flows("b", town["a"])
    over(town)
