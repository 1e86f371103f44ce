"""What crosses in a running call: hang-ups, switches, mutes, duplicates, strangers.

| what happens                               | test                                                           |
|--------------------------------------------|----------------------------------------------------------------|
| two hang-ups                               | test_c1_*; in each order in test_either_order.py               |
| invitations, joins and leaving             | test_coming_later.py, test_c2_* to test_c6_*                   |
| switches, same and opposite                | test_c7_*, test_c8_*                                           |
| switch and hang-up                         | test_c9_*                                                      |
| new connections from both ends             | test_either_order.py, test_c10_*                               |
| twice, replayed, of the past, of strangers | test_c11_* to test_c13_*; real: tests/server/test_authority.py |
| mutes in a burst                           | test_c14_*, test_bursts.py                                     |
| hang-up while media connects               | test_c15_*; real devices: tests/engine/test_edges.py           |
"""

from __future__ import annotations

import pytest

from pycall.core.errors import ErrorCode, LocalProtocolError
from pycall.core.events import (
    CallBegan,
    CallEnded,
    CallMediaChanged,
    Event,
    UserAudioAvailable,
    UserVideoAvailable,
)
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType
from pycall.core.wire import Accept, Hangup, PeerReport, Reject, SetMedia, Signal, SwitchMedia
from tests.sim.invariants import check_quiet
from tests.sim.stories import over, reasons, ringing, talking
from tests.town import Phone, Town


def changes(phone: Phone) -> list[tuple[MediaType, str]]:
    return [(event.new, event.user_id) for event in phone.events if isinstance(event, CallMediaChanged)]


def available(phone: Phone, kind: type[Event]) -> list[bool]:
    return [e.available for e in phone.got(kind) if isinstance(e, UserAudioAvailable | UserVideoAvailable)]


def test_c1_both_hang_up_at_once() -> None:
    town = talking()
    town.advance(7)
    town["a"].hangup()
    town["b"].hangup()
    town.settle()
    assert reasons(town) == [EndReason.HANGUP] * 2
    assert [e.duration for p in "ab" for e in town[p].events if isinstance(e, CallEnded)] == [7, 7]
    assert set(town["a"].answers.values()) | set(town["b"].answers.values()) == {None}
    over(town)


def test_a_second_hangup_is_answered_too() -> None:
    town = talking()
    first, second = town["a"].hangup(), town["a"].hangup()
    town.settle()
    assert town["a"].answers[first] is None and town["a"].answers[second] is None
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_c7_both_switch_to_video(first: str) -> None:
    town = talking(MediaType.AUDIO)
    town["a"].switch(MediaType.VIDEO)
    town["b"].switch(MediaType.VIDEO)
    town.up(town[first])
    town.settle()
    check_quiet(town)
    for user in "ab":
        assert changes(town[user]) == [(MediaType.VIDEO, first)]
        assert town[user].line.video_open, "both asked for it"
        assert available(town[user], UserVideoAvailable) == [True]
        assert town[user].capturing is MediaType.VIDEO
    over(town)


@pytest.mark.parametrize("resume", [False, True])
def test_a_camera_that_was_closed_stays_closed_through_voice_and_back(resume: bool) -> None:
    town = talking()
    town["a"].set_media(video=False)
    town["a"].switch(MediaType.AUDIO)
    town.settle()
    if resume:
        town["a"].drop()
    town["a"].switch(MediaType.VIDEO)
    if resume:
        town["a"].connect()
    town.settle()
    check_quiet(town)
    assert not town["a"].line.video_open and not town["b"].line.video_open
    assert not available(town["b"], UserVideoAvailable)[-1]
    town["a"].set_media(video=True)
    for media in (MediaType.AUDIO, MediaType.VIDEO):
        town["a"].switch(media)
        town.settle()
    check_quiet(town)
    assert town["a"].line.video_open and available(town["b"], UserVideoAvailable)[-1]
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_both_switch_to_video_and_one_has_closed_the_camera(first: str) -> None:
    town = talking(MediaType.AUDIO)
    town["a"].set_media(video=False)
    town["a"].switch(MediaType.VIDEO)
    town["b"].switch(MediaType.VIDEO)
    town.up(town[first])
    town.settle()
    check_quiet(town)
    assert not town["a"].line.video_open and town["b"].line.video_open
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_c7_both_switch_to_voice(first: str) -> None:
    town = talking()
    town["a"].switch(MediaType.AUDIO)
    town["b"].switch(MediaType.AUDIO)
    town.up(town[first])
    town.settle()
    check_quiet(town)
    for user in "ab":
        assert changes(town[user]) == [(MediaType.AUDIO, first)]
        assert not town[user].line.video_open and available(town[user], UserVideoAvailable) == [True, False]
    over(town)


def test_c8_opposite_switches() -> None:
    town = talking()
    town["a"].switch(MediaType.AUDIO)
    town.up(town["a"])
    town.down(town["a"])
    town.down(town["a"])
    town["a"].switch(MediaType.VIDEO)
    town["b"].switch(MediaType.AUDIO)
    town.up(town["b"])
    town.settle()
    check_quiet(town)
    assert changes(town["a"]) == changes(town["b"]) == [(MediaType.AUDIO, "a"), (MediaType.VIDEO, "a")]
    assert town["a"].line.video_open and not town["b"].line.video_open
    over(town)


@pytest.mark.parametrize("link", [True, False])
def test_a_switch_and_a_closed_camera_in_one_breath(link: bool) -> None:
    """The last word counts: a camera that its user has closed does not open by itself."""
    town = talking(MediaType.AUDIO)
    if not link:
        town["a"].drop()
    town["a"].switch(MediaType.VIDEO)
    town["a"].set_media(video=False)
    if not link:
        town["a"].connect()
    town.settle()
    check_quiet(town)
    assert not town["a"].line.video_open and not any(available(town["b"], UserVideoAvailable)[-1:])
    over(town)


@pytest.mark.parametrize("link", [True, False])
def test_a_switch_and_a_mute_in_one_breath(link: bool) -> None:
    town = talking(MediaType.AUDIO)
    if not link:
        town["a"].drop()
    town["a"].switch(MediaType.VIDEO)
    town["a"].set_media(audio=False)
    if not link:
        town["a"].connect()
    town.settle()
    check_quiet(town)
    assert town["a"].line.video_open and not town["a"].line.audio_open
    assert available(town["b"], UserVideoAvailable)[-1] and not available(town["b"], UserAudioAvailable)[-1]
    over(town)


def test_two_switches_while_the_link_is_down() -> None:
    town = talking()
    town["a"].drop()
    first, second = town["a"].switch(MediaType.AUDIO), town["a"].switch(MediaType.AUDIO)
    town["a"].connect()
    town.settle()
    check_quiet(town)
    assert town["a"].answers[first] is town["a"].answers[second] is None
    assert changes(town["b"]) == [(MediaType.AUDIO, "a")]
    over(town)


def test_only_the_switchers_camera_opens() -> None:
    town = talking(MediaType.AUDIO)
    town["a"].switch(MediaType.VIDEO)
    town.settle()
    assert town["a"].line.video_open and not town["b"].line.video_open
    assert available(town["b"], UserVideoAvailable) == [True] and available(town["a"], UserVideoAvailable) == []
    town["b"].set_media(video=True)
    town.settle()
    assert available(town["a"], UserVideoAvailable) == [True]
    check_quiet(town)
    over(town)


@pytest.mark.parametrize("hangup_first", [True, False])
def test_c9_switch_against_hangup(hangup_first: bool) -> None:
    town = talking()
    town["a"].switch(MediaType.AUDIO)
    town["b"].hangup()
    town.up(town["b" if hangup_first else "a"])
    town.settle()
    assert town["a"].names()[-1] == town["b"].names()[-1] == "CallEnded"
    assert len(changes(town["a"])) == len(changes(town["b"])) == (0 if hangup_first else 1)
    assert town["a"].answers[2] is (ErrorCode.NO_SUCH_CALL if hangup_first else None)
    over(town)


def test_c11_everything_arrives_twice() -> None:
    town = Town("a", "b")
    town.twice = True
    town["a"].dial("b")
    town.settle()
    town["b"].accept()
    town.settle()
    town["a"].switch(MediaType.AUDIO)
    town["b"].set_media(audio=False)
    town.settle()
    check_quiet(town)
    town["a"].hangup()
    town.settle()
    for user in "ab":
        assert len(town[user].got(CallBegan)) == len(town[user].got(CallEnded)) == len(changes(town[user])) == 1
    over(town)


def test_c11_a_replayed_message_of_an_old_call() -> None:
    town = talking()
    recorded = list(town["b"].log)
    town["a"].hangup()
    town.settle()
    before = (list(town["b"].log), town["b"].line.dropped)
    assert recorded
    old = town["b"].town.records[0].call_id
    town["a"].dial("b")
    town.settle()
    session = town["a"].session
    assert session is not None
    town.deliver(town["a"], session, Hangup(req_id=50, call_id=old))
    town.settle()
    assert town["b"].line.state is CallState.RINGING
    assert len(town["b"].log) == len(before[0]) + 1
    over(town)


@pytest.mark.parametrize("command", [Accept, Reject, SwitchMedia, SetMedia])
@pytest.mark.parametrize("member", [True, False])
def test_c12_c13_ended_unknown_and_others_calls_look_the_same(command: type, member: bool) -> None:
    town = talking()
    live = town["a"].line.call_id
    fields = {SwitchMedia: {"media": MediaType.AUDIO}, SetMedia: {"audio": True, "video": False}}.get(command, {})
    if member:
        town["a"].hangup()
        town.settle()
    phone = town["a" if member else "c"]
    assert phone.session is not None
    for req_id, call_id in ((71, live), (72, "f" * 32)):
        town.deliver(phone, phone.session, command(req_id=req_id, call_id=call_id, **fields))
    known, unknown = list(phone.down)
    assert getattr(known, "code", 0) is getattr(unknown, "code", 1) is ErrorCode.NO_SUCH_CALL
    assert getattr(known, "message", 0) == getattr(unknown, "message", 1)
    assert getattr(known, "call", 0) is getattr(unknown, "call", 1) is None
    over(town)


def test_c13_a_stranger_cannot_hang_up_signal_or_report() -> None:
    town = talking()
    call_id, session = town["a"].line.call_id, town["c"].session
    assert call_id is not None and session is not None
    town.deliver(town["c"], session, Hangup(req_id=1, call_id=call_id))
    town.deliver(town["c"], session, Signal(call_id=call_id, to="a", kind="offer", generation=9, sdp="v=0"))
    town.deliver(town["c"], session, PeerReport(call_id=call_id, user_id="a", up=False))
    before = len(town["a"].log)
    town.settle()
    assert len(town["a"].log) == before and town["a"].line.state is CallState.CONNECTED
    assert town.switchboard.dropped == {"signal": 1, "report": 1}
    check_quiet(town)
    over(town)


def test_c14_a_burst_of_mutes() -> None:
    town = talking()
    for index in range(21):
        town["a"].set_media(audio=index % 2 == 1, video=index % 3 != 0)
    town.settle()
    town.advance(1)
    check_quiet(town)
    assert available(town["b"], UserAudioAvailable)[-1] is False and not town["a"].line.audio_open
    assert available(town["b"], UserVideoAvailable)[-1] is True and town["a"].line.video_open
    assert set(town["a"].answers.values()) == {None}
    over(town)


def test_c15_hangup_while_the_offer_is_on_its_way() -> None:
    town = ringing()
    town["b"].accept()
    town.up(town["b"])
    town.down(town["b"])
    town["a"].hangup()
    town.settle()
    assert town["a"].capturing is None and town["b"].capturing is None
    assert reasons(town) == [EndReason.HANGUP] * 2
    over(town)


def test_hangup_stops_media_before_the_server_knows() -> None:
    town = talking()
    town["a"].hangup()
    assert town["a"].capturing is None and town["a"].peers == {} and town["a"].line.state is CallState.LEAVING
    assert not town["a"].line.audio_open and reasons(town, "a") == []
    town.settle()
    over(town)


def test_hangup_without_an_answer_ends_after_3_s() -> None:
    town = talking()
    town.advance(5)
    town["a"].hold_up = True
    town["a"].hangup()
    town.advance(2.9)
    assert reasons(town, "a") == []
    town.advance(0.2)
    assert reasons(town, "a") == [EndReason.HANGUP]
    assert town["a"].line.state is None
    town.release()
    assert reasons(town, "b") == [EndReason.HANGUP]
    over(town)


def test_a_camera_in_a_voice_call_is_refused() -> None:
    town = talking(MediaType.AUDIO)
    with pytest.raises(LocalProtocolError, match="voice call"):
        town["a"].set_media(video=True)
    assert not town["a"].line.video_open
    over(town)


def test_a_dead_camera_is_a_closed_one_to_the_others() -> None:
    town = talking()
    town["a"].source_failed("video", True)
    town.settle()
    assert available(town["b"], UserVideoAvailable) == [True, False] and town["a"].line.video_open
    town["a"].source_failed("video", False)
    town.settle()
    assert available(town["b"], UserVideoAvailable) == [True, False, True]
    check_quiet(town)
    over(town)


def test_muted_before_the_answer() -> None:
    town = ringing()
    town["a"].set_media(audio=False, video=False)
    town["b"].accept()
    town["b"].set_media(audio=False)
    town.settle()
    check_quiet(town)
    assert available(town["b"], UserAudioAvailable) == available(town["b"], UserVideoAvailable) == []
    assert False not in available(town["a"], UserVideoAvailable)
    assert (available(town["a"], UserAudioAvailable) or [False])[-1] is False
    over(town)
