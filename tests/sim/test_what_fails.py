"""What fails under a call: a device, a relay's permission, the server's own time. The call goes on; all are told once.

| what fails                                     | test                                                      |
|------------------------------------------------|-----------------------------------------------------------|
| a microphone or camera dies, and comes back    | test_m9_a_dead_device_is_a_closed_one_to_the_others       |
| a device dies and its user mutes it            | test_m9_a_dead_device_against_a_mute                      |
| a device dies and the other hangs up           | test_m9_a_dead_device_against_hangup                      |
| a camera dies and the other switches to voice  | test_m9_a_dead_camera_against_a_switch_to_voice           |
| a device dies while the link is down           | test_m9_a_device_that_died_while_the_link_was_down        |
| a device is dead before somebody joins         | test_m9_a_newcomer_sees_that_a_device_is_dead             |
| a relay takes nothing any more                 | test_m7_a_relay_whose_permission_ran_out_is_replaced      |
| the same, with the link down                   | test_m7_no_new_permission_while_the_link_is_down          |
| the server is stopped in good order            | test_v6_all_are_sent_away_to_come_back                    |
| nine come back at once                         | test_v8_all_come_back_in_any_order                        |
| the server stood still                         | test_v9_the_server_stood_still                            |
| a client does not keep up                      | test_v10_a_client_that_is_cut_for_being_slow_resumes      |

With real sockets and media: strays on a media port in tests/rtc/test_transport.py, credentials that expire in
tests/server/test_turn.py and test_tickets.py, microphones pulled out in tests/engine/test_devices.py, a server that
stops in tests/server/test_stop.py, one that stands still and clients that are slow in tests/server/test_sockets.py,
two servers on one database in tests/server/test_store.py, the back-off in tests/signaling/test_client.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from pycall.core.errors import ErrorCode
from pycall.core.events import (
    CallBegan,
    CallReceived,
    CallReconnected,
    CallReconnecting,
    KickedOffline,
    SignalingLost,
    SignalingRestored,
    UserAudioAvailable,
    UserVideoAvailable,
)
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType
from pycall.core.wire import Goodbye
from tests.sim import crowd
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over, reasons, ringing, talking
from tests.town import Peer, Phone, Town

KINDS = ["audio", "video"]


def available(phone: Phone, kind: str) -> list[bool]:
    """What this phone was told about that of the others, in order."""
    events = phone.got(UserAudioAvailable if kind == "audio" else UserVideoAvailable)
    return [event.available for event in events if isinstance(event, UserAudioAvailable | UserVideoAvailable)]


def close(phone: Phone, kind: str) -> int:
    return phone.set_media(audio=False) if kind == "audio" else phone.set_media(video=False)


# --- devices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", "ab")
def test_m9_a_dead_device_is_a_closed_one_to_the_others(kind: str, who: str) -> None:
    town = talking()
    other = "b" if who == "a" else "a"
    before = town[who].names()
    for dead in (True, False, True):
        town[who].source_failed(kind, dead)
        town.settle()
        check_quiet(town)
        assert available(town[other], kind)[-1] is not dead
    assert available(town[other], kind) == [True, False, True, False]
    assert available(town[other], "video" if kind == "audio" else "audio") == [True], "the other device is well"
    assert town[who].names() == before and town[who].line.state is CallState.CONNECTED
    over(town)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mute_first", [True, False])
def test_m9_a_dead_device_against_a_mute(kind: str, mute_first: bool) -> None:
    town = talking()
    steps: list[Callable[[], object]] = [lambda: close(town["a"], kind), lambda: town["a"].source_failed(kind, True)]
    for step in steps if mute_first else reversed(steps):
        step()
    town.settle()
    check_quiet(town)
    assert available(town["b"], kind) == [True, False], "told once"
    town["a"].source_failed(kind, False)
    town.settle()
    assert available(town["b"], kind) == [True, False], "it works again, and is closed"
    town["a"].set_media(**{kind: True})
    town.settle()
    assert available(town["b"], kind) == [True, False, True]
    over(town)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", "ab")
def test_m9_a_dead_device_against_hangup(kind: str, first: str) -> None:
    town = talking()
    town["a"].source_failed(kind, True)
    town["b"].hangup()
    town.up(town[first])
    town.settle()
    for user in "ab":
        assert ends(town[user]) == [("CallEnded", EndReason.HANGUP, "b")] and town[user].capturing is None
    town["a"].dial("b")
    town.settle()
    town["b"].accept()
    town.settle()
    check_quiet(town)
    assert len(town["b"].got(CallBegan)) == 2
    over(town)


@pytest.mark.parametrize("first", "ab")
def test_m9_a_dead_camera_against_a_switch_to_voice(first: str) -> None:
    town = talking()
    town["a"].source_failed("video", True)
    town["b"].switch(MediaType.AUDIO)
    town.up(town[first])
    town.settle()
    check_quiet(town)
    assert available(town["b"], "video") == [True, False], "told once, whichever came first"
    assert town["a"].capturing is town["b"].capturing is MediaType.AUDIO
    assert ErrorCode.STORAGE not in town["a"].answers.values() and reasons(town) == []
    over(town)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("back", [True, False])
def test_m9_a_device_that_died_while_the_link_was_down(kind: str, back: bool) -> None:
    town = talking()
    town["a"].drop()
    town["a"].source_failed(kind, True)
    if back:
        town["a"].source_failed(kind, False)
    town.advance(5)
    assert available(town["b"], kind) == [True]
    town["a"].connect()
    town.settle()
    check_quiet(town)
    assert available(town["b"], kind) == ([True] if back else [True, False])
    over(town)


@pytest.mark.parametrize("first", ["dead", "joined"])
def test_m9_a_newcomer_sees_that_a_device_is_dead(first: str) -> None:
    town = crowd.ringing("bc")
    town["b"].accept()
    town.settle()
    town["a"].source_failed("video", True)
    town["c"].accept()
    town.up(town["a" if first == "dead" else "c"])
    town.settle()
    check_quiet(town)
    views = {member.user_id: (member.audio, member.video) for member in town["c"].line.members}
    assert views == {"a": (True, False), "b": (True, True), "c": (True, True)}
    seen = [event for event in town["c"].got(UserVideoAvailable) if getattr(event, "user_id", "") == "a"]
    assert UserVideoAvailable("a", True) not in seen[-1:]
    assert town["b"].got(UserVideoAvailable)[:2] == [UserVideoAvailable("a", True), UserVideoAvailable("a", False)]
    over(town)


# --- relays -----------------------------------------------------------------------------------------------------


class Relayed(Town):
    """All media goes through a relay, which takes nothing more of connections made before `renewed` is set."""

    expired = False

    def carries(self, near: Peer, sender: str, receiver: Phone) -> bool:
        stale = self.expired and near.generation == 0
        return not stale and super().carries(near, sender, receiver)


def relayed() -> Relayed:
    town = Relayed("a", "b")
    town["a"].dial("b")
    town.settle()
    town["b"].accept()
    town.settle()
    return town


def test_m7_a_relay_whose_permission_ran_out_is_replaced() -> None:
    town = relayed()
    town.advance(100)
    town.expired = True
    town.advance(10)
    check_quiet(town)
    for user in "ab":
        assert town[user].names()[-2:] == ["CallReconnecting", "CallReconnected"]
        assert town[user].line.state is CallState.CONNECTED
    assert town["a"].peers["b"].generation == town["b"].peers["a"].generation > 0
    town.advance(600)
    assert ends(town["a"]) == ends(town["b"]) == []
    over(town)


@pytest.mark.parametrize("who", "ab")
@pytest.mark.parametrize("in_time", [True, False])
def test_m7_no_new_permission_while_the_link_is_down(who: str, in_time: bool) -> None:
    town = relayed()
    town[who].drop()
    town.expired = True
    town.advance(10 if in_time else 30)
    assert len(town["a"].got(CallReconnecting)) == len(town["b"].got(CallReconnecting)) == 1
    town[who].connect()
    town.settle()
    town.advance(10)
    if in_time:
        assert town["a"].got(CallReconnected) and town["b"].got(CallReconnected) and reasons(town) == []
    else:
        assert ends(town["a"]) == ends(town["b"]) == [("CallEnded", EndReason.OFFLINE, who)]
    over(town)


# --- the server -------------------------------------------------------------------------------------------------


def send_away(town: Town) -> None:
    """A server that stops says goodbye to everybody; the next one finds what was stored."""
    for phone in list(town.sessions.values()):
        phone.take(Goodbye(code=ErrorCode.UNREACHABLE, message="the server restarts", retry=True))
    town.restart_server()


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("state", ["ringing", "talking"])
def test_v6_all_are_sent_away_to_come_back(order: str, state: str) -> None:
    town = ringing() if state == "ringing" else talking()
    before = {user: town[user].names() for user in "ab"}
    send_away(town)
    for user in order:
        assert town[user].connect_wanted, "nobody was kicked"
        town.advance(1)
        town[user].connect()
        town.settle()
    check_quiet(town)
    for user in "ab":
        assert town[user].names() == [*before[user], "SignalingLost", "SignalingRestored"]
        assert town[user].got(KickedOffline) == []
    if state == "ringing":
        town["b"].accept()
        town.settle()
    town.advance(120)
    assert all(len(town[user].got(CallBegan)) == 1 for user in "ab") and reasons(town) == []
    over(town)


@pytest.mark.parametrize("seed", range(5))
def test_v8_all_come_back_in_any_order(seed: int) -> None:
    """Nine in a call and a ring beside it; each comes back at a moment of their own."""
    town = crowd.talking("bcdefghi", "abcdefghijk", media=MediaType.AUDIO)
    town["j"].dial("k")
    town.settle()
    town.restart_server()
    users = list(town.phones)
    random.Random(seed).shuffle(users)
    for user in users:
        town[user].connect()
        town.advance(0.8)
    check_quiet(town)
    for phone in town.phones.values():
        assert len(phone.got(SignalingLost)) == len(phone.got(SignalingRestored)) == 1
        assert ends(phone) == [] and not phone.got(CallReconnecting)
    assert all(len(town[user].peers) == 8 for user in "abcdefghi")
    assert len(town["k"].got(CallReceived)) == 1 and town["k"].line.state is CallState.RINGING
    over(town)


@pytest.mark.parametrize("in_time", [True, False])
def test_v9_the_server_stood_still(in_time: bool) -> None:
    """For 12 s it did nothing: what had arrived is judged in its order, and nobody is taken for dead."""
    town = talking()
    town["c"].dial("d", timeout=20)
    town.settle()
    town.advance(5 if in_time else 10)
    for phone in town.phones.values():
        phone.hold_up = True
    town["d"].accept()
    town["a"].set_media(audio=False)
    town["b"].switch(MediaType.AUDIO)
    town.now += 12
    if not in_time:
        town._ring_server()
    town.release()
    check_quiet(town)
    assert reasons(town) == [] and town["a"].line.media is MediaType.AUDIO
    if in_time:
        assert town["c"].line.state is town["d"].line.state is CallState.CONNECTED
    else:
        assert ends(town["c"]) == ends(town["d"]) == [("CallNotConnected", EndReason.NO_ANSWER, "d")]
    over(town)


@pytest.mark.parametrize("who", "ab")
def test_v10_a_client_that_is_cut_for_being_slow_resumes(who: str) -> None:
    town = talking()
    other = "b" if who == "a" else "a"
    town[who].hold_down = True
    for index in range(300):
        town[other].set_media(audio=index % 2 == 1, video=index % 3 == 0)
        town.advance(0.5)
    assert len(town[who].down) == 300
    town[who].drop()
    town.advance(3)
    town[who].connect()
    town.settle()
    check_quiet(town)
    assert available(town[who], "audio") == [True], "what was missed is one picture of how it is now"
    assert available(town[who], "video") == [True, False]
    assert town[who].got(SignalingLost) and town[who].got(SignalingRestored) and reasons(town) == []
    over(town)
