"""Networks, media and devices that fail while something else happens, in both orders.

| row | here | elsewhere |
|---|---|---|
| M1 a client is killed | against hang-up and switch; in a group | sim/test_media, sim/test_groups, calls/test_killed |
| M2 another network | both at once; hung up meanwhile | sim/test_media, calls/test_links, engine/test_link |
| M3 signaling lost, media alive | at both ends; ended meanwhile | sim/test_media, engine/test_link |
| M4 media lost, signaling alive | the last moment against hang-up and its return | sim/test_media, calls/test_links |
| M5 one-way media | what callbacks say | sim/test_media, rtc/test_liveness |
| M6 connected after the end | after an end by the other | sim/test_media, rtc/test_peer |
| M7 credentials of a relay run out | – | server/test_turn, server/test_tickets |
| M8 hostile datagrams | – | rtc/test_transport (strays), fuzz |
| M9 a device is unplugged | against hang-up, mute, a lost link; in a group | sim/test_in_call, engine/test_devices |
"""

from __future__ import annotations

import pytest

from pycall.core.events import (
    CallBegan,
    CallEnded,
    CallMediaChanged,
    CallReconnected,
    UserAudioAvailable,
    UserLeft,
    UserVideoAvailable,
)
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType, PeerState
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, group, kinds, over, reasons, ringing, talking, the_record
from tests.town import Town

BOTH = {("a", "b"), ("b", "a")}
TALK = ["started a", "received b", "accepted b"]


@pytest.mark.parametrize("hangup_first", [True, False])
def test_m1_killed_against_hangup(hangup_first: bool) -> None:
    town = talking()
    if hangup_first:
        town["a"].hangup()
        town.up(town["a"])
    town["b"].crash()
    if not hangup_first:
        town["a"].hangup()
    town.settle()
    assert ends(town["a"]) == [("CallEnded", EndReason.HANGUP, "a")] and the_record(town) == (EndReason.HANGUP, "a")
    town["b"].connect()
    town.settle()
    assert town["b"].events == [] and kinds(town) == [*TALK, "left a", "ended a"]
    over(town)


def test_m1_killed_just_after_it_switched() -> None:
    town = talking()
    town["b"].switch(MediaType.AUDIO)
    town.up(town["b"])
    town["b"].crash()
    town.settle()
    assert len(town["a"].got(CallMediaChanged)) == 1
    town.advance(30)
    assert town["a"].names()[-2:] == ["UserLeft", "CallEnded"]
    assert kinds(town) == [*TALK, "left b", "ended b"] and the_record(town) == (EndReason.OFFLINE, "b")
    assert town.records[0].media is MediaType.AUDIO and town.records[0].duration <= 30
    over(town)


def test_m1_killed_in_a_group_the_others_talk_on() -> None:
    town = group()
    town["b"].crash()
    town.advance(31)
    for user in "ac":
        assert [event.user_id for event in town[user].events if isinstance(event, UserLeft)] == ["b"]
        assert town[user].line.state is CallState.CONNECTED
    assert kinds(town)[-1] == "left b" and town.records == []
    over(town)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_m2_both_change_networks(order: str) -> None:
    town = talking()
    town.cut = set(BOTH)
    for user in "ab":
        town[user].drop()
    town.advance(8)
    town.cut = set()
    for user in order:
        town[user].connect()
        town.settle()
    town.advance(7)
    check_quiet(town)
    assert reasons(town) == [] and kinds(town) == TALK
    for user in "ab":
        assert town[user].line.state is CallState.CONNECTED and len(town[user].got(CallBegan)) == 1
    over(town)


@pytest.mark.parametrize("who", "ab")
@pytest.mark.parametrize("away", [8.0, 11.0, 14.5, 23.1, 25.0, 29.9])
def test_m2_whoever_comes_back_is_heard_within_2_s(who: str, away: float) -> None:
    """The other one has restarted media meanwhile (every 4 s who offers, every 10 s who answers); nobody heard it."""
    town = talking()
    town.cut = set(BOTH)
    town[who].drop(noticed=False)
    town.advance(away)
    town.cut = set()
    town[who].connect()
    town.settle()
    town.advance(2.1)
    check_quiet(town)
    assert reasons(town) == [] and kinds(town) == TALK
    assert {town[user].line.state for user in "ab"} == {CallState.CONNECTED}
    over(town)


@pytest.mark.parametrize("who", "ab")
@pytest.mark.parametrize("first", ["media", "signaling"])
@pytest.mark.parametrize("age", [0.1, 60.0])
def test_m2_another_address_is_repaired_at_once_whatever_notices_it_first(who: str, first: str, age: float) -> None:
    """Both look whether their address is still there; what media offers before signaling looks, nobody gets."""
    town = talking()
    town.advance(age)
    other = "b" if who == "a" else "a"
    if first == "signaling":
        another_socket(town, who)
    town[who].fail(other)
    if first == "media":
        another_socket(town, who)
    town.settle()
    town.advance(0.2)
    check_quiet(town)
    assert {town[user].line.state for user in "ab"} == {CallState.CONNECTED}
    assert town.flows("a", town["b"]) and town.flows("b", town["a"])
    assert town[who].peers[other].generation == town[other].peers[who].generation > 0
    over(town)


def another_socket(town: Town, who: str) -> None:
    town[who].drop()
    town[who].connect()
    town.down(town[who])


@pytest.mark.parametrize("who", "ab")
def test_m2_hung_up_while_the_other_changes_networks(who: str) -> None:
    town = talking()
    other = "b" if who == "a" else "a"
    town.cut = set(BOTH)
    town[who].drop()
    town.advance(4)
    town[other].hangup()
    town.settle()
    assert ends(town[other]) == [("CallEnded", EndReason.HANGUP, other)] and ends(town[who]) == []
    town[who].connect()
    town.settle()
    assert ends(town[who]) == [("CallEnded", EndReason.HANGUP, other)] and town[who].capturing is None
    assert kinds(town) == [*TALK, f"left {other}", f"ended {other}"]
    over(town)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_m3_signaling_lost_at_both_ends(order: str) -> None:
    town = talking()
    for user in "ab":
        town[user].drop()
    town.advance(14)
    for user in order:
        town[user].connect()
        town.settle()
    town.advance(120)
    check_quiet(town)
    assert reasons(town) == [] and kinds(town) == TALK
    for user in "ab":
        expected = ["SignalingLost", "SignalingRestored"]
        assert town[user].names()[-2:] == expected, "media was never gone, so nobody is told of it"
    over(town)


@pytest.mark.parametrize("link_first", [True, False])
def test_m3_the_other_hangs_up_as_the_link_comes_back(link_first: bool) -> None:
    town = talking()
    town["a"].drop()
    town.advance(20)
    town["b"].hangup()
    if link_first:
        town["a"].connect()
        town.up(town["b"])
    else:
        town.up(town["b"])
        town["a"].connect()
    town.settle()
    check_quiet(town)
    assert ends(town["a"]) == ends(town["b"]) == [("CallEnded", EndReason.HANGUP, "b")]
    assert kinds(town) == [*TALK, "left b", "ended b"]
    over(town)


@pytest.mark.parametrize("hangup_first", [True, False])
def test_m4_hangup_against_the_last_moment(hangup_first: bool) -> None:
    town = talking()
    town.cut = set(BOTH)
    town.advance(32.9)
    if hangup_first:
        town["a"].hangup()
    town.advance(0.2)
    if not hangup_first:
        assert town["a"].line.state is None
    town.settle()
    assert len(ends(town["a"])) == len(ends(town["b"])) == 1
    assert reasons(town) == [EndReason.HANGUP if hangup_first else EndReason.MEDIA_LOST] * 2
    by = the_record(town)[1]
    assert kinds(town) == [*TALK, f"left {by}", f"ended {by}"]
    over(town)


@pytest.mark.parametrize("back_at", [2.5, 3.5, 20.0, 32.5])
def test_m4_media_comes_back(back_at: float) -> None:
    town = talking()
    town.cut = set(BOTH)
    town.advance(back_at)
    town.cut = set()
    town.settle()
    noticed = ["CallReconnecting", "CallReconnected"] if back_at > 3 else []
    for user in "ab":
        assert [name for name in town[user].names() if name.startswith("CallReconnect")] == noticed
    town.advance(60)
    check_quiet(town)
    assert reasons(town) == [] and kinds(town) == TALK
    over(town)


@pytest.mark.parametrize("deaf", "ab")
def test_m5_one_way_media_has_one_end_and_one_record(deaf: str) -> None:
    town = talking()
    town.cut = {("b" if deaf == "a" else "a", deaf)}
    town.advance(40)
    assert reasons(town) == [EndReason.MEDIA_LOST] * 2 and the_record(town) == (EndReason.MEDIA_LOST, deaf)
    assert kinds(town) == [*TALK, f"left {deaf}", f"ended {deaf}"]
    over(town)


@pytest.mark.parametrize("who", "ab")
def test_m6_connected_after_the_other_has_hung_up(who: str) -> None:
    town = ringing()
    town.cut = set(BOTH)
    town["b"].accept()
    town.settle()
    other = "b" if who == "a" else "a"
    peer = town[who].peers[other]
    town[other].hangup()
    town.settle()
    before = list(town[who].log)
    town.cut = set()
    town[who].line.peer_changed(other, peer.generation, PeerState.UP, town.now)
    town[who].carry_out()
    town.settle()
    assert town[who].log == before and ends(town[who]) == [("CallNotConnected", EndReason.HANGUP, other)]
    assert town[who].capturing is None
    over(town)


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize("order", ["device first", "hang-up first"])
def test_m9_unplugged_against_hangup(kind: str, order: str) -> None:
    town = talking()
    before = len(town["b"].events)
    if order == "device first":
        town["a"].source_failed(kind, True)
    town["b"].hangup()
    town.up(town["b"])
    if order == "hang-up first":
        town["a"].source_failed(kind, True)
    town.settle()
    assert ends(town["a"]) == ends(town["b"]) == [("CallEnded", EndReason.HANGUP, "b")]
    assert town["b"].names()[before:] == ["CallEnded"], "what closes after the end is nobody's business"
    assert kinds(town) == [*TALK, "left b", "ended b"]
    over(town)


def test_m9_unplugged_and_muted_by_hand_stays_closed_until_both_are_undone() -> None:
    town = talking()
    town["a"].source_failed("audio", True)
    town["a"].set_media(audio=False)
    town["a"].source_failed("audio", False)
    town.settle()
    told = [event.available for event in town["b"].events if isinstance(event, UserAudioAvailable)]
    assert told == [True, False]
    town["a"].set_media(audio=True)
    town.settle()
    check_quiet(town)
    assert town["b"].got(UserAudioAvailable)[-1] == UserAudioAvailable("a", True)
    assert reasons(town) == [] and kinds(town) == TALK
    over(town)


def test_m9_unplugged_while_the_link_is_down() -> None:
    town = talking()
    town["a"].drop()
    town["a"].source_failed("video", True)
    town["a"].connect()
    town.settle()
    check_quiet(town)
    assert town["b"].got(UserVideoAvailable)[-1] == UserVideoAvailable("a", False)
    town["a"].drop()
    town["a"].source_failed("video", False)
    town["a"].connect()
    town.settle()
    assert town["b"].got(UserVideoAvailable)[-1] == UserVideoAvailable("a", True)
    assert town["a"].line.state is CallState.CONNECTED and not town["a"].got(CallReconnected, CallEnded)
    over(town)


def test_m9_unplugged_in_a_group_is_told_to_all() -> None:
    town = group()
    town["a"].source_failed("audio", True)
    town.settle()
    for user in "bc":
        assert town[user].got(UserAudioAvailable)[-1] == UserAudioAvailable("a", False)
        assert town[user].line.state is CallState.CONNECTED
    town["c"].hangup()
    town["a"].source_failed("audio", False)
    town.settle()
    assert town["b"].got(UserAudioAvailable)[-1] == UserAudioAvailable("a", True)
    assert town["c"].names()[-1] == "CallEnded"
    over(town)
