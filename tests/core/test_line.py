"""The line by itself: what exactly comes out, in which order, for what goes in."""

from __future__ import annotations

from typing import Any

import pytest

from pycall.core import events
from pycall.core.errors import CallError, ErrorCode, LocalProtocolError
from pycall.core.line import (
    CallState,
    ClosePeer,
    Emit,
    Line,
    OpenPeer,
    Resolve,
    Send,
    StartMedia,
    StopMedia,
)
from pycall.core.types import EndReason, MemberState, PeerState, Role
from pycall.core.wire import (
    Accept,
    Declined,
    Ended,
    Hangup,
    Invite,
    Invited,
    Joined,
    Left,
    MediaSet,
    PeerReport,
    Pong,
    Reject,
    Reply,
    Ringing,
    SetMedia,
    Signaled,
)
from tests.core.lines import (
    AUDIO,
    CALL,
    OTHER,
    VIDEO,
    dialing,
    emitted,
    line,
    over,
    ringing,
    sent,
    talking,
    view,
    welcome,
)

# --- the plain life of a call -----------------------------------------------------------------------------------


def test_the_callers_call() -> None:
    it = line("a")
    req_id = it.dial(CALL, ["b"], VIDEO, timeout=30, user_data="hi", now=1.0)
    invite = Invite(req_id=req_id, call_id=CALL, callees=("b",), media=VIDEO, timeout=30, user_data="hi")
    assert it.outputs() == [StartMedia(VIDEO), Send(invite)]
    assert (it.state, it.role, it.media, it.call_id) == (CallState.DIALING, Role.CALLER, VIDEO, CALL)
    assert (it.audio_open, it.video_open, it.began_at) == (True, True, None)
    assert [(m.user_id, m.state) for m in it.members] == [("a", MemberState.JOINED), ("b", MemberState.RINGING)]
    it.receive(Reply(req_id=req_id, ok=True, call=view("a")), 1.1)
    it.receive(Ringing(call_id=CALL, seq=2, user_id="b"), 1.2)
    assert it.outputs() == [Resolve(req_id, None, CALL), Emit(events.UserRinging(CALL, "b"))]
    it.receive(Joined(call_id=CALL, seq=3, user_id="b", video=True), 2.0)
    assert it.outputs() == [Emit(events.UserJoined(CALL, "b")), OpenPeer("b", 0, offers=False)]
    assert it.state is CallState.CONNECTING and it.deadline() == 12.0
    it.peer_changed("b", 0, PeerState.UP, 3.0)
    assert it.outputs() == [
        Send(PeerReport(call_id=CALL, user_id="b", up=True)),
        Emit(events.CallBegan(CALL, VIDEO, Role.CALLER)),
        Emit(events.UserAudioAvailable("b", True)),
        Emit(events.UserVideoAvailable("b", True)),
    ]
    assert (it.state, it.began_at, it.deadline()) == (CallState.CONNECTED, 3.0, None)
    it.receive(over(EndReason.HANGUP, "b", duration=7.5), 10.0)
    assert it.outputs() == [
        Emit(events.UserLeft(CALL, "b", EndReason.HANGUP)),
        ClosePeer("b"),
        StopMedia(),
        Emit(events.CallEnded(CALL, VIDEO, EndReason.HANGUP, "b", Role.CALLER, 7.5)),
    ]
    assert (it.state, it.call_id, it.members, it.audio_open, it.video_open) == (None, None, (), False, False)


def test_the_callees_call() -> None:
    it = line("b")
    it.receive(Invited(call=view("a", remaining=30.0, user_data="hi")), 1.0)
    assert it.outputs() == [Emit(events.CallReceived(CALL, "a", ("b",), VIDEO, "hi", 30.0, room_id=1))]
    assert (it.state, it.role, it.audio_open) == (CallState.RINGING, Role.CALLEE, False)
    req_id = it.accept(2.0)
    assert it.outputs() == [Send(Accept(req_id=req_id, call_id=CALL))], "nothing is captured before the commit"
    assert it.state is CallState.CONNECTING
    it.receive(Reply(req_id=req_id, ok=True, call=view("a", "b", seq=3)), 2.5)
    assert it.outputs() == [Resolve(req_id, None, CALL), StartMedia(VIDEO), OpenPeer("a", 0, offers=True)]
    it.peer_changed("a", 0, PeerState.UP, 3.0)
    assert events.CallBegan(CALL, VIDEO, Role.CALLEE) in emitted(it.outputs())


def test_hanging_up_stops_media_first_and_believes_the_server() -> None:
    it = talking()
    req_id = it.hangup(10.0)
    assert it.outputs() == [ClosePeer("b"), StopMedia(), Send(Hangup(req_id=req_id, call_id=CALL))]
    assert it.state is CallState.LEAVING and it.deadline() == 13.0
    it.receive(Reply(req_id=req_id, ok=True), 10.1)
    it.receive(over(EndReason.OFFLINE, "b", duration=6.0), 10.2)
    assert it.outputs() == [
        Resolve(req_id, None, CALL),
        Emit(events.UserLeft(CALL, "b", EndReason.OFFLINE)),
        Emit(events.CallEnded(CALL, VIDEO, EndReason.OFFLINE, "b", Role.CALLER, 6.0)),
    ]


@pytest.mark.parametrize("reason", [EndReason.REJECTED, EndReason.BUSY, EndReason.NO_ANSWER])
@pytest.mark.parametrize("told", [True, False])
def test_the_specific_reason_comes_first_and_once(reason: EndReason, told: bool) -> None:
    it = dialing()
    if told:
        it.receive(Declined(call_id=CALL, seq=8, user_id="b", reason=reason), 2.0)
    it.receive(over(reason, "b"), 2.0)
    kinds = [type(event) for event in emitted(it.outputs())]
    specific = {
        EndReason.REJECTED: events.UserRejected,
        EndReason.BUSY: events.UserLineBusy,
        EndReason.NO_ANSWER: events.UserNoResponse,
    }
    assert kinds == [specific[reason], events.CallNotConnected]


# --- verbs in the wrong place -----------------------------------------------------------------------------------


def test_a_taken_line_cannot_dial() -> None:
    for it in (dialing(), ringing(), talking()):
        with pytest.raises(LocalProtocolError) as caught:
            it.dial(OTHER, ("b",), AUDIO, timeout=30, user_data="", now=5.0)
        assert caught.value.code is ErrorCode.WRONG_STATE and it.call_id == CALL and it.outputs() == []


def test_switching_before_the_accept_is_committed() -> None:
    it = ringing()
    it.accept(2.0)
    it.outputs()
    with pytest.raises(LocalProtocolError):
        it.switch_media(AUDIO, 2.0)
    assert it.outputs() == []


def test_switching_to_what_it_is_already() -> None:
    it = talking()
    req_id = it.switch_media(VIDEO, 5.0)
    assert it.outputs() == [Resolve(req_id, None, CALL)]


def test_muting_twice_is_answered_at_once() -> None:
    it = talking()
    first = it.set_media(audio=False, now=5.0)
    assert sent(it.outputs()) == [SetMedia(req_id=first, call_id=CALL, audio=False, video=True)]
    second = it.set_media(audio=False, now=5.0)
    assert it.outputs() == [Resolve(second, None, CALL)]


def test_logout_needs_somebody_signed_in() -> None:
    with pytest.raises(CallError) as caught:
        Line().logout(0.0)
    assert caught.value.code is ErrorCode.NOT_LOGGED_IN


def test_request_numbers_never_repeat() -> None:
    it = dialing()
    numbers = [it.set_media(audio=bool(i % 2), now=2.0) for i in range(5)] + [it.hangup(3.0)]
    it.receive(over(EndReason.CANCELED, "a"), 3.1)
    numbers.append(it.dial(OTHER, ("b",), AUDIO, timeout=0, user_data="", now=4.0))
    assert numbers == sorted(set(numbers))


# --- late, twice, uncalled for ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        Ringing(call_id=OTHER, seq=99, user_id="b"),
        Ringing(call_id=CALL, seq=3, user_id="b"),
        Joined(call_id=CALL, seq=9, user_id="b"),
        Joined(call_id=CALL, seq=9, user_id="a"),
        Left(call_id=CALL, seq=9, user_id="stranger", reason=EndReason.HANGUP),
        MediaSet(call_id=CALL, seq=9, user_id="stranger", audio=False, video=False),
        Ended(call_id=OTHER, seq=9, reason=EndReason.HANGUP, user_id="b", media=VIDEO),
        Invited(call=view("a")),
        Signaled(call_id=CALL, sender="a", kind="offer", sdp="v=0"),
        Signaled(call_id=CALL, sender="b", kind="answer", generation=7, sdp="v=0"),
        Pong(id=1),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_has_no_place_is_dropped_and_counted(message: Any) -> None:
    it = talking()
    it.receive(message, 5.0)
    assert it.outputs() == [] and it.dropped == 1 and it.state is CallState.CONNECTED


@pytest.mark.parametrize("call_id, sender", [(OTHER, "b"), (CALL, "stranger")])
def test_a_signal_whose_time_may_come_is_kept_for_a_minute(call_id: str, sender: str) -> None:
    it = talking()
    it.receive(Signaled(call_id=call_id, sender=sender, kind="offer", sdp="v=0"), 5.0)
    assert it.outputs() == [] and it.dropped == 0 and it.deadline() == 65.0
    it.handle_timer(64.9)
    assert it.dropped == 0
    it.handle_timer(65.0)
    assert it.outputs() == [] and it.dropped == 1 and it.deadline() is None


def test_nothing_is_taken_in_without_a_link() -> None:
    it = talking()
    it.link_lost(5.0)
    it.outputs()
    it.receive(over(EndReason.HANGUP, "b"), 5.1)
    assert it.outputs() == [] and it.dropped == 1


def test_after_the_end_nothing_with_that_id_comes() -> None:
    it = ringing()
    it.receive(over(EndReason.CANCELED, "a"), 2.0)
    it.outputs()
    it.receive(Invited(call=view("a")), 2.1)
    it.receive(over(EndReason.CANCELED, "a"), 2.2)
    assert it.outputs() == [] and it.state is None


def test_a_ring_that_comes_while_dialing_is_held_and_then_rings_with_what_is_left() -> None:
    it = dialing()
    it.receive(Invited(call=view("c", call_id=OTHER, remaining=30.0)), 2.0)
    assert it.outputs() == []
    it.receive(Reply(req_id=1, ok=False, code=ErrorCode.WRONG_STATE, message="taken"), 4.0)
    out = it.outputs()
    assert isinstance(out[0], StopMedia) and isinstance(out[1], Resolve) and out[1].error is not None
    assert [event.remaining for event in emitted(out)] == [28.0]
    assert it.state is CallState.RINGING and it.call_id == OTHER


def test_a_held_ring_that_ends_never_rings() -> None:
    it = dialing()
    it.receive(Invited(call=view("c", call_id=OTHER)), 2.0)
    it.receive(over(EndReason.CANCELED, "c", call_id=OTHER), 2.5)
    it.receive(Reply(req_id=1, ok=False, code=ErrorCode.WRONG_STATE, message="taken"), 4.0)
    assert emitted(it.outputs()) == [] and it.state is None


def test_a_member_who_leaves_a_call_that_goes_on() -> None:
    it = talking()
    it.receive(Left(call_id=CALL, seq=4, user_id="b", reason=EndReason.HANGUP), 5.0)
    assert it.outputs() == [
        Emit(events.UserLeft(CALL, "b", EndReason.HANGUP)),
        ClosePeer("b"),
    ], "who was called may still come: there is nothing to bring back"
    assert it.state is CallState.CONNECTED and it.deadline() is None
    assert {member.user_id: member.state for member in it.members}["b"] is MemberState.GONE


def test_an_accept_of_a_call_that_is_gone_ends_it_here() -> None:
    it = ringing()
    req_id = it.accept(2.0)
    it.outputs()
    it.receive(Reply(req_id=req_id, ok=False, code=ErrorCode.NO_SUCH_CALL, message="gone"), 2.1)
    resolved, ended = it.outputs()
    assert isinstance(resolved, Resolve) and resolved.error is not None
    assert ended == Emit(events.CallNotConnected(CALL, VIDEO, EndReason.UNKNOWN, "a", Role.CALLEE))


def test_a_call_that_takes_the_line_unknown_to_us_is_left() -> None:
    it = dialing()
    reply = Reply(req_id=1, ok=False, code=ErrorCode.WRONG_STATE, message="taken", call=view("a", call_id=OTHER))
    it.receive(reply, 2.0)
    out = it.outputs()
    assert [type(m) for m in sent(out)] == [Hangup] and sent(out)[0].call_id == OTHER and it.state is None


# --- the link ---------------------------------------------------------------------------------------------------


def test_signing_in_while_it_rings() -> None:
    it = Line()
    it.link_up(welcome("b", view("a", remaining=12.0)), 0.0)
    assert emitted(it.outputs()) == [events.CallReceived(CALL, "a", ("b",), VIDEO, "", 12.0, room_id=1)]


def test_a_call_that_only_the_server_knows_is_hung_up() -> None:
    it = Line()
    it.link_up(welcome("a", view("a", "b")), 0.0)
    out = it.outputs()
    assert emitted(out) == [] and [type(m) for m in sent(out)] == [Hangup] and it.state is None


def test_kicked_tells_first_then_ends() -> None:
    it = ringing()
    req_id = it.accept(2.0)
    it.outputs()
    it.kicked(3.0)
    out = it.outputs()
    assert [type(event) for event in emitted(out)] == [events.KickedOffline, events.CallNotConnected]
    assert [o.req_id for o in out if isinstance(o, Resolve) and o.error is not None] == [req_id]
    assert it.user_id is None and it.deadline() is None


def test_a_refusal_that_could_not_be_written_is_said_again() -> None:
    it = ringing()
    first = it.reject(2.0, busy=True)
    it.outputs()
    it.receive(Reply(req_id=first, ok=False, code=ErrorCode.STORAGE, message="disk full"), 2.1)
    assert it.outputs() == [Resolve(first, None, CALL)] and it.deadline() == pytest.approx(3.1)
    it.handle_timer(3.1)
    again = sent(it.outputs())
    assert [type(m) for m in again] == [Reject] and again[0].busy and again[0].req_id != first
