"""Two things that cross, each in both commit orders: whoever comes second finds what the first has made.

| what crosses                                   | test                                                          |
|------------------------------------------------|---------------------------------------------------------------|
| refuse and accept of one user                  | test_s22_reject_against_accept_of_the_same_user               |
| the caller's loss of the link and the answer   | test_s16_caller_gone_against_accept                           |
| a crash that nobody noticed and a new call     | test_s21_recall_before_the_old_socket_is_known_to_be_dead     |
| a call and a crash of its callee               | test_s13_a_dial_against_the_callee_s_loss_of_the_link         |
| busy: an invitation into a call and a dial     | test_s19_an_invitation_against_a_dial                         |
| a message of the media and the answer          | test_s11_an_offer_overtakes_the_joined_it_belongs_to          |
| two hang-ups                                   | test_c1_of_two_hangups_the_first_is_the_end                   |
| switches in opposite directions                | test_c8_opposite_switches_at_once                             |
| new connections offered from both ends         | test_c10_both_ends_offer_a_new_connection                     |
| mute and hang-up                               | test_c14_mute_against_hangup                                  |
| hang-up and the answer's offer                 | test_c15_hangup_of_either_while_media_connects                |
| an end from outside and the answer             | test_p10_ended_from_outside_against_accept                    |
| an end from outside and signing in             | test_p10_ended_from_outside_against_signing_in                |
| an end from outside and a hang-up              | test_p10_ended_from_outside_against_hangup                    |
"""

from __future__ import annotations

import pytest

from pycall.core.errors import ErrorCode
from pycall.core.events import (
    CallBegan,
    CallEnded,
    CallMediaChanged,
    CallReceived,
    CallReconnected,
    CallReconnecting,
    UserAudioAvailable,
    UserJoined,
    UserLineBusy,
)
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType, PeerState
from pycall.core.wire import Accept, Joined, Reject, Signaled
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over, ringing, talking
from tests.town import Phone, Town


def other(user: str) -> str:
    return "b" if user == "a" else "a"


def end_from_outside(town: Town, call_id: str | None) -> bool:
    """As the back office does it."""
    done = town.switchboard.end_call(call_id or "", EndReason.ENDED_BY_SERVER, "admin", town.unix)
    town._commit()
    return done


# --- setting up -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [Accept, Reject])
def test_s22_reject_against_accept_of_the_same_user(first: type[Accept] | type[Reject]) -> None:
    town = ringing()
    call_id, session = town["b"].line.call_id, town["b"].session
    assert call_id is not None and session is not None
    second = Reject if first is Accept else Accept
    town["b"].accept() if first is Accept else town["b"].reject()
    town.up(town["b"])
    town.deliver(town["b"], session, second(req_id=99, call_id=call_id))
    (late,) = [message for message in town["b"].down if getattr(message, "req_id", 0) == 99]
    assert getattr(late, "code", None) is (ErrorCode.WRONG_STATE if first is Accept else ErrorCode.NO_SUCH_CALL)
    town.settle()
    if first is Accept:
        assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    else:
        assert ends(town["a"]) == ends(town["b"]) == [("CallNotConnected", EndReason.REJECTED, "b")]
    over(town)


@pytest.mark.parametrize("first", ["gone", "accept"])
def test_s16_caller_gone_against_accept(first: str) -> None:
    town = ringing()
    town["b"].accept()
    if first == "accept":
        town.up(town["b"])
    town["a"].drop()
    town.settle()
    town.advance(9)
    town["a"].connect()
    town.settle()
    town.advance(8)
    check_quiet(town)
    for user in "ab":
        assert len(town[user].got(CallBegan)) == 1 and town[user].line.state is CallState.CONNECTED
    assert town["a"].got(UserJoined) == [UserJoined(town["a"].line.call_id or "", "b")]
    over(town)


@pytest.mark.parametrize("noticed", [True, False])
def test_s21_recall_before_the_old_socket_is_known_to_be_dead(noticed: bool) -> None:
    town = talking()
    town.advance(5)
    old = town["a"].session
    assert old is not None
    if noticed:
        town["a"].crash()
    else:
        town["a"].start_anew()
    town["a"].connect()
    town["b"].hold_down = True
    town.settle()
    town["a"].dial("b")
    town.settle()
    town.release()
    if not noticed:
        town.socket_gone(old)
        town.settle()
    reason = EndReason.RECALLED if noticed else EndReason.KICKED
    assert ends(town["b"]) == [("CallEnded", reason, "a")]
    assert town["b"].names()[-2:] == ["CallEnded", "CallReceived"], "the old one ends before the new one rings"
    town["b"].accept()
    town.settle()
    town.advance(120)
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED, "the late close harms nobody"
    over(town)
    assert [record.duration for record in town.records] == [5, 120]


@pytest.mark.parametrize("first", ["dial", "gone"])
def test_s13_a_dial_against_the_callee_s_loss_of_the_link(first: str) -> None:
    town = Town("a", "b")
    town["b"].hold_down = True
    steps = [lambda: town["a"].dial("b"), town["b"].drop]
    for step in steps if first == "dial" else reversed(steps):
        step()
        town.settle()
    assert town["b"].got(CallReceived) == []
    town.advance(12)
    town["b"].connect()
    town.settle()
    assert [event.remaining for event in town["b"].got(CallReceived)] == [18]  # type: ignore[attr-defined]
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    over(town)


@pytest.mark.parametrize("first", ["a", "d"])
def test_s19_an_invitation_against_a_dial(first: str) -> None:
    """a wants c in the call with b; d dials c."""
    town = talking()
    town["a"].invite("c")
    town["d"].dial("c")
    town.up(town[first])
    town.settle()
    (received,) = town["c"].got(CallReceived)
    assert getattr(received, "inviter", "") == ("a" if first == "a" else None)
    busy = [user for user in "abd" if town[user].got(UserLineBusy)]
    assert busy == (["d"] if first == "a" else ["a", "b"])
    assert ends(town["d"]) == ([("CallNotConnected", EndReason.BUSY, "c")] if first == "a" else [])
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    over(town)


@pytest.mark.parametrize("first", [Joined, Signaled])
def test_s11_an_offer_overtakes_the_joined_it_belongs_to(first: type) -> None:
    town = ringing()
    town["a"].hold_down = True
    town["b"].accept()
    town.settle()
    if first is Signaled:
        town["a"].down.reverse()
    assert isinstance(town["a"].down[0], first)
    town.release()
    check_quiet(town)
    assert town["a"].names() == ["UserRinging", "UserJoined", "CallBegan", *town["a"].names()[3:]]
    assert all(len(town[user].got(CallBegan)) == 1 for user in "ab")
    assert town["a"].peers["b"].generation == 0, "nothing had to be tried again"
    over(town)


# --- in the call ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", "ab")
def test_c1_of_two_hangups_the_first_is_the_end(first: str) -> None:
    town = talking()
    town.advance(7)
    for user in "ab":
        town[user].hangup()
    town.up(town[first])
    town.settle()
    assert ends(town[first]) == [("CallEnded", EndReason.HANGUP, first)]
    assert len(ends(town[other(first)])) == 1
    assert [e.duration for user in "ab" for e in town[user].got(CallEnded)] == [7, 7]  # type: ignore[attr-defined]
    (record,) = town.records
    assert (record.reason, record.ended_by, record.duration) == (EndReason.HANGUP, first, 7)
    over(town)


def switches(phone: Phone) -> list[tuple[MediaType, MediaType, str]]:
    return [(e.old, e.new, e.user_id) for e in phone.events if isinstance(e, CallMediaChanged)]


@pytest.mark.parametrize("first", "ab")
@pytest.mark.parametrize("begun", [MediaType.AUDIO, MediaType.VIDEO])
def test_c8_opposite_switches_at_once(first: str, begun: MediaType) -> None:
    """b has switched and switches back, while a, who has not heard of it yet, asks for what b had asked for."""
    away = MediaType.AUDIO if begun is MediaType.VIDEO else MediaType.VIDEO
    town = talking(begun)
    town["a"].hold_down = True
    town["b"].switch(away)
    town.settle()
    town["a"].switch(away)
    town["b"].switch(begun)
    town.up(town[first])
    town.release()
    check_quiet(town)
    expected = [(begun, away, "b"), (away, begun, "b"), (begun, away, "a")]
    assert switches(town["a"]) == switches(town["b"]) == (expected[:2] if first == "a" else expected)
    final = begun if first == "a" else away
    assert town["a"].line.media is town["b"].line.media is town["a"].capturing is town["b"].capturing is final
    wanted = {"a": first == "b", "b": first == "a"}
    assert {user: town[user].line.video_open for user in "ab"} == {u: final.has_video and wanted[u] for u in "ab"}
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_c10_both_ends_offer_a_new_connection(first: str) -> None:
    town = talking()
    town.advance(60)
    town["a"].hold_up = town["b"].hold_up = True
    for user in "ab":
        town[user].fail(other(user))
    town.advance(0.1)
    begun = {user: town[user].peers[other(user)] for user in "ab"}
    assert all(peer.offers for peer in begun.values()), "both have begun a new connection"
    assert {user: peer.generation for user, peer in begun.items()} == {"a": 1, "b": 2}, "never the same number"
    town[first].hold_up = False
    town.settle()
    town.release()
    town.advance(1)
    check_quiet(town)
    now = [town["a"].peers["b"], town["b"].peers["a"]]
    assert [(peer.generation, peer.state) for peer in now] == [(2, PeerState.UP)] * 2
    assert [peer.offers for peer in now] == [False, True], "one of the two offers was given up"
    for user in "ab":
        assert town[user].names()[-2:] == ["CallReconnecting", "CallReconnected"]
        assert len(town[user].got(CallReconnecting)) == len(town[user].got(CallReconnected)) == 1
    town.advance(120)
    assert ends(town["a"]) == ends(town["b"]) == []
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_c14_mute_against_hangup(first: str) -> None:
    town = talking()
    town["a"].set_media(audio=False)
    town["b"].hangup()
    town.up(town[first])
    town.settle()
    muted = UserAudioAvailable("a", False) in town["b"].got(UserAudioAvailable)
    assert not muted, "who has hung up hears of nothing but the end"
    for user in "ab":
        assert ends(town[user]) == [("CallEnded", EndReason.HANGUP, "b")] and town[user].names()[-1] == "CallEnded"
    assert all(answer in (None, ErrorCode.NO_SUCH_CALL) for answer in town["a"].answers.values())
    over(town)


@pytest.mark.parametrize("who", "ab")
@pytest.mark.parametrize("offered", [True, False])
def test_c15_hangup_of_either_while_media_connects(who: str, offered: bool) -> None:
    town = ringing()
    town["b"].accept()
    town.up(town["b"])
    town.down(town["b"])
    if offered:
        town.up(town["b"])
    town.down(town["a"])
    town[who].hangup()
    assert town[who].capturing is None and town[who].peers == {}
    town.settle()
    for user in "ab":
        assert ends(town[user]) == [("CallNotConnected", EndReason.HANGUP, who)] and town[user].capturing is None
    over(town)


# --- from outside -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["outside", "accept"])
def test_p10_ended_from_outside_against_accept(first: str) -> None:
    town = ringing()
    call_id = town["a"].line.call_id
    req_id = town["b"].accept()
    if first == "accept":
        town.up(town["b"])
    assert end_from_outside(town, call_id)
    town.settle()
    assert town["b"].answers[req_id] is (None if first == "accept" else ErrorCode.NO_SUCH_CALL)
    for user in "ab":
        assert ends(town[user]) == [("CallNotConnected", EndReason.ENDED_BY_SERVER, "admin")]
        assert town[user].capturing is None and not town[user].got(CallBegan)
    assert not end_from_outside(town, call_id), "it is over"
    (record,) = town.records
    assert (record.reason, record.ended_by, record.duration) == (EndReason.ENDED_BY_SERVER, "admin", 0)
    over(town)


@pytest.mark.parametrize("first", ["outside", "signing in"])
def test_p10_ended_from_outside_against_signing_in(first: str) -> None:
    town = talking()
    call_id = town["a"].line.call_id
    town["b"].drop()
    steps = [lambda: end_from_outside(town, call_id), town["b"].connect]
    for step in steps if first == "outside" else reversed(steps):
        step()
    town.settle()
    check_quiet(town)
    for user in "ab":
        assert ends(town[user]) == [("CallEnded", EndReason.ENDED_BY_SERVER, "admin")]
    assert town["b"].names()[-3:] == ["SignalingLost", "SignalingRestored", "CallEnded"]
    over(town)


@pytest.mark.parametrize("first", ["outside", "hangup"])
def test_p10_ended_from_outside_against_hangup(first: str) -> None:
    town = talking()
    call_id = town["a"].line.call_id
    req_id = town["a"].hangup()
    if first == "hangup":
        town.up(town["a"])
    assert end_from_outside(town, call_id) is (first == "outside")
    town.settle()
    assert town["a"].answers[req_id] is None
    reason, by = (EndReason.ENDED_BY_SERVER, "admin") if first == "outside" else (EndReason.HANGUP, "a")
    assert ends(town["b"]) == [("CallEnded", reason, by)] and len(ends(town["a"])) == 1
    assert (town.records[0].reason, town.records[0].ended_by) == (reason, by)
    over(town)
