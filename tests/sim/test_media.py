"""Links and media that come and go in a running call.

| what happens                | test                                                  |
|-----------------------------|-------------------------------------------------------|
| a program crashes           | test_m1_*; real processes: tests/calls/test_killed.py |
| another network             | test_m2_*                                             |
| signaling lost, media alive | test_m3_*                                             |
| media lost, signaling alive | test_m4_*                                             |
| heard in one direction only | test_m5_*                                             |
| up after the hang-up        | test_m6_*                                             |
| relays, strays, devices     | test_what_fails.py, test_m7_*, test_m9_*; tests/rtc   |
"""

from __future__ import annotations

import pytest

from pycall.core.events import CallBegan, CallMediaChanged, CallReconnected, CallReconnecting, UserAudioAvailable
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType, PeerState
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over, reasons, ringing, talking
from tests.town import Town

BOTH = {("a", "b"), ("b", "a")}


def connections(town: Town) -> list[tuple[int, PeerState]]:
    """Generation and state of both ends."""
    ends = [town["a"].peers["b"], town["b"].peers["a"]]
    return [(end.generation, end.state) for end in ends]


def test_m1_crash_in_a_call() -> None:
    town = talking()
    town.advance(10)
    town["b"].crash()
    town.advance(30)
    assert town["a"].names()[-3:] == ["CallReconnecting", "UserLeft", "CallEnded"]
    assert ends(town["a"]) == [("CallEnded", EndReason.OFFLINE, "b")]
    town["b"].connect()
    town.settle()
    assert town["b"].line.state is None and town["b"].events == []
    over(town)


@pytest.mark.parametrize("who", "ab")
def test_m2_another_network(who: str) -> None:
    town = talking()
    town.cut = set(BOTH)
    town[who].drop()
    town.advance(8)
    town.cut = set()
    town[who].connect()
    town.settle()
    town.advance(7)
    check_quiet(town)
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    assert len(town["a"].got(CallBegan)) == 1 and reasons(town) == []
    over(town)


def test_m2_the_old_connection_is_dead_for_good() -> None:
    town = talking()
    for user, other in ("ab", "ba"):
        town[user].fail(other)
    town.settle()
    town.advance(5)
    assert connections(town) == [(2, PeerState.UP)] * 2
    assert len(town["a"].got(CallReconnecting)) == len(town["b"].got(CallReconnected)) == 1
    over(town)


def test_m3_signaling_lost_media_alive() -> None:
    town = talking()
    town["a"].drop()
    town.advance(59)
    assert reasons(town) == [] and town["b"].line.state is CallState.CONNECTED
    town["a"].connect()
    town.settle()
    check_quiet(town)
    town["a"].drop()
    town.advance(61)
    assert reasons(town, "b") == [EndReason.OFFLINE]
    town["a"].connect()
    town.settle()
    assert reasons(town, "a") == [EndReason.OFFLINE]
    over(town)


def test_m3_what_was_missed_is_caught_up() -> None:
    town = talking()
    town["b"].drop()
    town["a"].switch(MediaType.AUDIO)
    town["a"].set_media(audio=False)
    town.settle()
    town["b"].set_media(audio=False)
    town["b"].connect()
    town.settle()
    check_quiet(town)
    assert town["b"].got(CallMediaChanged) and not town["b"].line.video_open
    assert town["b"].got(UserAudioAvailable)[-1] == UserAudioAvailable("a", False)
    assert town["a"].got(UserAudioAvailable)[-1] == UserAudioAvailable("b", False)
    over(town)


@pytest.mark.parametrize("arrived", [True, False])
def test_m3_a_switch_is_asked_for_again(arrived: bool) -> None:
    town = talking()
    req_id = town["a"].switch(MediaType.AUDIO)
    if arrived:
        town.up(town["a"])
    town["a"].drop()
    town["a"].connect()
    town.settle()
    check_quiet(town)
    assert town["a"].answers[req_id] is None and town["b"].line.media is MediaType.AUDIO
    assert [e.user_id for e in town["a"].events if isinstance(e, CallMediaChanged)] == ["a"]
    over(town)


def test_m4_media_lost_for_good() -> None:
    town = talking()
    town.cut = set(BOTH)
    town.advance(2.9)
    assert town["a"].line.state is CallState.CONNECTED
    town.advance(0.2)
    assert town["a"].line.state is town["b"].line.state is CallState.RECONNECTING
    assert town["a"].names()[-1] == town["b"].names()[-1] == "CallReconnecting"
    town.advance(29)
    assert reasons(town) == [] and town["b"].peers["a"].generation >= 2
    town.advance(2)
    assert reasons(town) == [EndReason.MEDIA_LOST] * 2
    over(town)


def test_m4_a_new_connection_5_s_after_the_loss() -> None:
    town = talking()
    town.cut = set(BOTH)
    town.advance(4.9)
    assert [generation for generation, _ in connections(town)] == [0, 0]
    town.advance(0.2)
    assert [generation for generation, _ in connections(town)] == [2, 2], (
        "who offered first offers anew, the other follows"
    )
    town.cut = set()
    town.settle()
    assert connections(town) == [(2, PeerState.UP)] * 2 and reasons(town) == []
    over(town)


def test_m4_media_comes_back_by_itself() -> None:
    town = talking()
    town.cut = set(BOTH)
    town.advance(3.5)
    town.cut = set()
    town.settle()
    assert town["a"].names()[-2:] == ["CallReconnecting", "CallReconnected"]
    assert connections(town) == [(0, PeerState.UP)] * 2
    town.advance(60)
    assert reasons(town) == []
    over(town)


def test_m4_media_comes_back_with_a_new_connection() -> None:
    town = talking()
    town.cut = set(BOTH)
    town.advance(12)
    town.cut = set()
    town.settle()
    town.advance(4)
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    assert connections(town)[0] == connections(town)[1] and connections(town)[0][0] > 0
    town.advance(60)
    assert reasons(town) == []
    over(town)


@pytest.mark.parametrize("who", "ab")
@pytest.mark.parametrize("dark", [3.5, 5.5, 11.0, 19.0, 29.0])
@pytest.mark.parametrize("late", [0.0, 0.4, 2.5])
@pytest.mark.parametrize("socket", ["survives", "breaks"])
def test_m4_a_black_out_is_told_once(who: str, dark: float, late: float, socket: str) -> None:
    """What was said meanwhile is delivered when the link is back, or a little later, or was lost with the socket."""
    town = talking()
    town.cut = set(BOTH)
    town[who].hold_up = town[who].hold_down = True
    town.advance(dark)
    town.cut = set()
    town.advance(late)
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED, "sound is back already"
    if socket == "breaks":
        town[who].drop()
        town[who].connect()
    town.release()
    town.advance(30)
    for user in "ab":
        told = [event for event in town[user].events if isinstance(event, CallReconnecting | CallReconnected)]
        assert [type(event) for event in told] == [CallReconnecting, CallReconnected]
        assert not town[user].reserves
    assert connections(town)[0] == connections(town)[1]
    over(town)


@pytest.mark.parametrize("deaf, speaker", ["ab", "ba"])
def test_m5_one_way_media_is_restarted_then_ended(deaf: str, speaker: str) -> None:
    town = talking()
    town.cut = {(speaker, deaf)}
    town.advance(15)
    assert connections(town)[0][0] > 0, "a new connection was tried"
    town.advance(25)
    assert reasons(town) == [EndReason.MEDIA_LOST] * 2
    over(town)


@pytest.mark.parametrize("deaf, speaker", ["ab", "ba"])
def test_m5_one_way_media_is_healed_by_a_restart(deaf: str, speaker: str) -> None:
    town = talking()
    town.cut = {(speaker, deaf)}
    town.advance(12)
    town.cut = set()
    town.advance(8)
    assert town["a"].line.state is town["b"].line.state is CallState.CONNECTED
    town.advance(60)
    assert reasons(town) == []
    over(town)


def test_m6_media_up_after_hangup() -> None:
    town = ringing()
    town["b"].accept()
    town["a"].hold_down = True
    town.settle()
    town["b"].hangup()
    town["b"].line.peer_changed("a", 0, PeerState.UP, town.now)
    town["b"].carry_out()
    assert not town["b"].got(CallBegan)
    town.release()
    over(town)


def test_reports_of_a_replaced_connection_are_not_heard() -> None:
    town = talking()
    town.cut = set(BOTH)
    town.advance(12)
    town.cut = set()
    town.advance(5)
    before = town["a"].names()
    town["a"].line.peer_changed("b", 0, PeerState.FAILED, town.now)
    town["a"].line.peer_changed("nobody", 0, PeerState.UP, town.now)
    town["a"].carry_out()
    assert town["a"].names() == before and town["a"].line.dropped >= 2
    over(town)
