"""Media connections of a line by itself: what is reported of them, and when one is tried anew."""

from __future__ import annotations

import pytest

from pycall.core import events
from pycall.core.line import (
    CallState,
    Deliver,
    Emit,
    Line,
    OpenPeer,
    Send,
    StopMedia,
)
from pycall.core.types import EndReason, PeerState, Role
from pycall.core.wire import (
    Hangup,
    PeerReport,
    Reply,
    Signaled,
)
from tests.core.lines import (
    CALL,
    VIDEO,
    emitted,
    sent,
    talking,
    view,
    welcome,
)


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


def test_a_connection_that_is_heard_while_it_is_replaced_counts() -> None:
    it = restarted()
    it.peer_changed("a", 0, PeerState.UP, 14.1)
    assert it.outputs() == [Send(PeerReport(call_id=CALL, user_id="a", up=True)), Emit(events.CallReconnected(CALL))]
    assert it.deadline() == 18.1, "the new one is in no hurry"
    it.handle_timer(18.1)
    assert it.outputs() == [OpenPeer("a", 4, offers=True)]
    it.peer_changed("a", 4, PeerState.UP, 18.3)
    it.peer_changed("a", 0, PeerState.CLOSED, 18.3)
    assert it.outputs() == [] and it.deadline() is None and it.state is CallState.CONNECTED


def test_one_that_is_up_is_replaced_without_a_word_unless_it_falls_silent_meanwhile() -> None:
    it = talking()
    it.receive(Signaled(call_id=CALL, sender="b", kind="offer", generation=2, sdp="v=0"), 10.0)
    assert [type(output) for output in it.outputs()] == [OpenPeer, Deliver]
    it.peer_changed("b", 0, PeerState.STALLED, 12.0)
    assert emitted(it.outputs()) == [events.CallReconnecting(CALL)] and it.deadline() == 20.0
    it.peer_changed("b", 0, PeerState.UP, 13.0)
    assert emitted(it.outputs()) == [events.CallReconnected(CALL)] and it.deadline() == 23.0
    it.peer_changed("b", 0, PeerState.FAILED, 14.0)
    out = it.outputs()
    assert emitted(out) == [events.CallReconnecting(CALL)]
    assert OpenPeer("b", 3, offers=True) in out, "our address is gone, so the new one is no good either"


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
