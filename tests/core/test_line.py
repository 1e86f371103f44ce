"""The line by itself: what exactly comes out, in which order, for what goes in."""

from __future__ import annotations

from typing import Any

import pytest

from pycall.core import events
from pycall.core.errors import CallError, ErrorCode, LocalProtocolError
from pycall.core.line import (
    CallState,
    ClosePeer,
    Deliver,
    Emit,
    Line,
    OpenPeer,
    Output,
    Resolve,
    Send,
    StartMedia,
    StopMedia,
)
from pycall.core.types import CallId, EndReason, MediaType, MemberState, PeerState, Role
from pycall.core.wire import (
    Accept,
    CallView,
    Declined,
    Ended,
    Hangup,
    Invite,
    Invited,
    Joined,
    Left,
    MediaSet,
    MemberView,
    PeerReport,
    Pong,
    Reject,
    Reply,
    Ringing,
    SetMedia,
    Signaled,
    Welcome,
)

CALL = CallId("1" * 32)
OTHER = CallId("2" * 32)
VIDEO, AUDIO = MediaType.VIDEO, MediaType.AUDIO


def view(*joined: str, call_id: str = CALL, media: MediaType = VIDEO, seq: int = 1, **fields: Any) -> CallView:
    """a calls b."""
    members = tuple(
        MemberView(user_id=u, state=MemberState.JOINED if u in joined else MemberState.RINGING, video=u in joined)
        for u in "ab"
    )
    return CallView(call_id=call_id, seq=seq, caller="a", callees=("b",), media=media, members=members, **fields)


def welcome(user: str, call: CallView | None = None, ended: Ended | None = None) -> Welcome:
    return Welcome(version=1, user_id=user, server_time=1.7e9, call=call, ended=ended)


def over(reason: EndReason, by: str, *, seq: int = 9, call_id: str = CALL, duration: float = 0.0) -> Ended:
    return Ended(call_id=call_id, seq=seq, reason=reason, user_id=by, media=VIDEO, duration=duration)


def line(user: str) -> Line:
    it = Line()
    it.link_up(welcome(user), 0.0)
    assert it.outputs() == []
    return it


def dialing() -> Line:
    it = line("a")
    it.dial(CALL, ("b",), VIDEO, timeout=30, user_data="hi", now=1.0)
    it.outputs()
    return it


def ringing() -> Line:
    it = line("b")
    it.receive(Invited(call=view("a", remaining=30.0)), 1.0)
    it.outputs()
    return it


def talking(user: str = "a") -> Line:
    it = dialing() if user == "a" else ringing()
    if user == "a":
        it.receive(Reply(req_id=1, ok=True, call=view("a")), 1.1)
        it.receive(Joined(call_id=CALL, seq=3, user_id="b", video=True), 2.0)
    else:
        it.accept(1.5)
        it.receive(Reply(req_id=1, ok=True, call=view("a", "b", seq=3)), 2.0)
    it.peer_changed("b" if user == "a" else "a", 0, PeerState.UP, 3.0)
    it.outputs()
    return it


def sent(outputs: list[Output]) -> list[Any]:
    return [output.message for output in outputs if isinstance(output, Send)]


def emitted(outputs: list[Output]) -> list[Any]:
    return [output.event for output in outputs if isinstance(output, Emit)]


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


# --- media connections ------------------------------------------------------------------------------------------


def test_the_offerer_restarts_2_s_after_silence_is_noticed_and_every_4_s() -> None:
    it = talking("b")
    it.peer_changed("a", 0, PeerState.STALLED, 10.0)
    out = it.outputs()
    assert sent(out) == [PeerReport(call_id=CALL, user_id="a", up=False)]
    assert emitted(out) == [events.CallReconnecting(CALL)] and it.state is CallState.RECONNECTING
    assert it.deadline() == 12.0
    it.handle_timer(12.0)
    assert it.outputs() == [OpenPeer("a", 2, offers=True)] and it.deadline() == 16.0
    it.peer_changed("a", 2, PeerState.UP, 15.0)
    out = it.outputs()
    assert emitted(out) == [events.CallReconnected(CALL)] and it.deadline() is None


def test_the_offerer_restarts_at_once_after_a_failure() -> None:
    it = talking("b")
    it.peer_changed("a", 0, PeerState.FAILED, 10.0)
    assert OpenPeer("a", 2, offers=True) in it.outputs()
    it.peer_changed("a", 2, PeerState.FAILED, 10.1)
    assert it.outputs() == [] and it.deadline() == 14.0, "but not in a busy loop"
    it.peer_changed("a", 2, PeerState.UP, 10.2)
    it.outputs()


@pytest.mark.parametrize("name, generation", [("b", 2), ("a", 1)], ids=["the first offerer", "the other"])
def test_a_young_connection_that_was_up_and_failed_is_replaced_at_once(name: str, generation: int) -> None:
    it, other = talking(name), "ab".replace(name, "")
    it.peer_changed(other, 0, PeerState.FAILED, 3.0)
    assert OpenPeer(other, generation, offers=True) in it.outputs()
    it.peer_changed(other, generation, PeerState.UP, 3.2)
    it.peer_changed(other, generation, PeerState.FAILED, 3.3)
    assert OpenPeer(other, generation + 2, offers=True) in it.outputs(), "our address has changed twice"


def test_a_newer_offer_replaces_the_connection() -> None:
    it = talking()
    offer = Signaled(call_id=CALL, sender="b", kind="offer", generation=2, sdp="v=0")
    it.receive(offer, 10.0)
    assert it.outputs()[:2] == [OpenPeer("b", 2, offers=False), Deliver(offer)]
    it.receive(Signaled(call_id=CALL, sender="b", kind="offer", generation=1, sdp="v=0"), 10.1)
    assert it.outputs() == []


def restarted() -> Line:
    """A line whose offer of generation 2, made at 14 s, nobody has answered."""
    it = talking("b")
    it.peer_changed("a", 0, PeerState.STALLED, 10.0)
    it.handle_timer(14.0)
    it.outputs()
    return it


OLDER = Signaled(call_id=CALL, sender="a", kind="offer", generation=1, sdp="v=0")


def test_an_older_offer_says_that_ours_was_lost_which_is_offered_anew() -> None:
    it = restarted()
    it.receive(OLDER, 14.5)
    assert it.outputs() == [] and it.deadline() == 16.0, "they may have crossed"
    it.receive(OLDER, 17.0)
    assert it.outputs() == [] and it.deadline() == 16.0
    it.handle_timer(17.0)
    assert it.outputs() == [OpenPeer("a", 4, offers=True)] and it.deadline() == 21.0


def test_an_older_offer_disturbs_no_connection_that_both_know_of() -> None:
    it = restarted()
    answer = Signaled(call_id=CALL, sender="a", kind="answer", generation=2, sdp="v=0")
    it.receive(answer, 14.5)
    it.receive(OLDER, 17.0)
    assert it.outputs() == [Deliver(answer)] and it.deadline() == 18.0


def test_a_replaced_connection_that_is_heard_again_hurries_the_new_one() -> None:
    it = restarted()
    it.peer_changed("a", 0, PeerState.UP, 14.1)
    assert it.outputs() == [] and it.deadline() == 16.0
    assert it.state is CallState.RECONNECTING, "it may be replaced at any moment, so it is not the one that counts"


def test_nothing_is_restarted_while_the_link_is_down() -> None:
    it = talking("b")
    it.link_lost(9.0)
    it.peer_changed("a", 0, PeerState.FAILED, 10.0)
    assert not [output for output in it.outputs() if isinstance(output, OpenPeer | Send)]
    assert it.deadline() == 40.0
    it.link_up(welcome("b", view("a", "b", seq=3)), 20.0)
    out = it.outputs()
    assert OpenPeer("a", 2, offers=True) in out
    assert PeerReport(call_id=CALL, user_id="a", up=False) in sent(out)


def test_thirty_seconds_without_media_end_the_call() -> None:
    it = talking()
    it.peer_changed("b", 0, PeerState.STALLED, 10.0)
    it.outputs()
    it.handle_timer(39.9)
    assert not [message for message in sent(it.outputs()) if isinstance(message, Hangup)]
    it.handle_timer(40.0)
    hangup = sent(it.outputs())[-1]
    assert isinstance(hangup, Hangup) and hangup.reason == "media_lost" and it.state is CallState.LEAVING


def test_media_that_never_comes_up() -> None:
    it = Line(connect_timeout=5.0)
    it.link_up(welcome("b", view("a", remaining=20.0)), 0.0)
    it.accept(1.0)
    it.receive(Reply(req_id=1, ok=True, call=view("a", "b", seq=3)), 2.0)
    it.outputs()
    it.handle_timer(7.0)
    out = it.outputs()
    hangup = sent(out)[-1]
    assert isinstance(hangup, Hangup) and hangup.reason == "media_failed" and StopMedia() in out
    it.handle_timer(10.0)
    assert emitted(it.outputs()) == [events.CallNotConnected(CALL, VIDEO, EndReason.MEDIA_FAILED, "b", Role.CALLEE)]


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
