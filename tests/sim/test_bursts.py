"""C14: microphones and cameras in bursts: five notifications a second, the last value everywhere, nothing left over."""

from __future__ import annotations

from collections import defaultdict

import pytest

from pycall.core.events import UserAudioAvailable, UserJoined, UserVideoAvailable
from pycall.core.types import EndReason, MediaType
from pycall.core.wire import MediaSet, SetMedia
from tests.sim.crowd import talking as crowd
from tests.sim.invariants import check_always, check_quiet
from tests.sim.stories import over, reasons, talking
from tests.town import Phone, Town

PER_SECOND = 5


class Watch:
    """When each user was told of each other's microphone or camera."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.before = {phone: len(phone.log) for phone in town.phones.values()}
        self.at: dict[tuple[str, str], list[float]] = defaultdict(list)

    def look(self) -> None:
        for phone, before in self.before.items():
            for event in phone.log[before:]:
                if isinstance(event, UserAudioAvailable | UserVideoAvailable):
                    self.at[phone.name, event.user_id].append(self.town.now)
            self.before[phone] = len(phone.log)

    def advance(self, seconds: float) -> None:
        self.town.settle()
        self.look()
        self.town.advance(seconds, each=self.look)
        self.look()

    def most(self, watcher: str, user: str) -> int:
        """In any second; the server's clock counts in steps of 0.2 microseconds."""
        times = self.at[watcher, user]
        return max((sum(at <= other < at + 1.0 - 1e-6 for other in times) for at in times), default=0)


def toggle(phone: Phone, index: int, kind: str) -> None:
    audio = index % 2 == 1 if kind in ("audio", "both") else None
    video = index % 2 == 1 if kind in ("video", "both") else None
    phone.set_media(audio=audio, video=video)


def nothing_waits(town: Town) -> None:
    assert not town.switchboard._book.held


@pytest.mark.parametrize("kind", ["audio", "video", "both"])
@pytest.mark.parametrize("gap", [0.0, 0.01, 0.19, 0.21, 0.5])
def test_c14_never_more_than_five_a_second(kind: str, gap: float) -> None:
    town = talking()
    watch = Watch(town)
    for index in range(31):
        toggle(town["a"], index, kind)
        watch.advance(gap)
    watch.advance(1.0)
    check_quiet(town)
    nothing_waits(town)
    assert 2 <= watch.most("b", "a") <= PER_SECOND
    view = {member.user_id: member for member in town["b"].line.members}["a"]
    assert view.audio is (kind == "video") and view.video is (kind == "audio")
    if gap == 0.5 and kind != "both":
        assert len(watch.at["b", "a"]) == 31, "who is slow enough is heard every time"
    over(town)


def test_c14_the_last_value_is_told_within_a_second() -> None:
    town = talking()
    for index in range(30):
        toggle(town["a"], index, "audio")
    town.settle()
    heard = [event.available for event in town["b"].events if isinstance(event, UserAudioAvailable)]
    assert heard == [True, False, True, False, True, False] and town["a"].line.audio_open
    assert town.switchboard.deadline() == town.unix + 1.0
    town.advance(0.999)
    assert town["b"].got(UserAudioAvailable)[-1] == UserAudioAvailable("a", False)
    town.advance(0.001)
    assert town["b"].got(UserAudioAvailable)[-1] == UserAudioAvailable("a", True)
    assert town.switchboard.deadline() is None
    over(town)


def test_c14_several_at_once_in_a_call_of_many() -> None:
    town = crowd("bcd")
    watch = Watch(town)
    for index in range(45):
        for user in "abc":
            toggle(town[user], index if user != "b" else index // 3, "audio" if user == "a" else "both")
        watch.advance(0.05)
    watch.advance(1.0)
    check_quiet(town)
    nothing_waits(town)
    for user in "abc":
        for watcher in "abcd":
            assert watcher == user or 2 <= watch.most(watcher, user) <= PER_SECOND, "each has five of their own"
    over(town)


@pytest.mark.parametrize("who", "ab")
@pytest.mark.parametrize("end", ["hangup", "logout", "crash", "kick", "ban"])
def test_c14_the_call_ends_while_something_waits(end: str, who: str) -> None:
    town = talking()
    for index in range(20):
        toggle(town["a"], index, "both")
    town.settle()
    assert town.switchboard._book.held
    if end in ("kick", "ban"):
        assert getattr(town, end)(who)
    else:
        getattr(town[who], end)()
    town.settle()
    town.advance(20)
    nothing_waits(town)
    assert not town.switchboard._book.bursts and len(town.records) == 1
    over(town)


@pytest.mark.parametrize("who", "ab")
def test_c14_one_of_many_leaves_while_something_waits(who: str) -> None:
    town = crowd("bc")
    for index in range(20):
        toggle(town["a"], index, "audio")
    town.settle()
    town[who].hangup()
    town.settle()
    before = town["c"].names()
    town.advance(2)
    told = town["c"].names()[len(before) :]
    assert told == (["UserAudioAvailable"] if who == "b" else [])
    check_quiet(town)
    nothing_waits(town)
    over(town)


def test_c14_somebody_joins_while_something_waits() -> None:
    """The newcomer's picture is newer than the others'; in the end all have the same, whatever came between."""
    town = crowd("bc", group="team")
    for index in range(7):
        toggle(town["a"], index, "audio")
    town.settle()
    town["d"].join_room(town["a"].line.room_id or 0, "team")
    town.settle()
    toggle(town["a"], 1, "audio")
    town.settle()
    assert town["d"].got(UserJoined)
    town.advance(2)
    check_quiet(town)
    for user in "bcd":
        assert {member.user_id: member.audio for member in town[user].line.members}["a"] is True
    over(town)


@pytest.mark.parametrize("link", ["drop", "restart"])
def test_c14_the_link_is_lost_while_something_waits(link: str) -> None:
    town = talking()
    for index in range(20):
        toggle(town["a"], index, "both")
    town.settle()
    if link == "restart":
        town.restart_server()
    else:
        town["b"].drop()
    for user in "ab":
        if town[user].session is None:
            town[user].connect()
    town.advance(2)
    check_quiet(town)
    nothing_waits(town)
    assert town["b"].got(UserVideoAvailable)[-1] == UserVideoAvailable("a", True) and reasons(town) == []
    over(town)


def test_c14_against_a_switch_to_voice_and_back() -> None:
    town = talking()
    for index in range(20):
        toggle(town["a"], index, "both" if town["a"].line.media is MediaType.VIDEO else "audio")
        if index in (5, 15):
            town["b"].switch(MediaType.AUDIO)
        if index == 10:
            town["b"].switch(MediaType.VIDEO)
        town.settle()
    town.advance(2)
    check_quiet(town)
    nothing_waits(town)
    assert town["a"].line.media is MediaType.AUDIO
    over(town)


def test_c14_what_waits_while_nothing_can_be_stored() -> None:
    town = talking()
    for index in range(20):
        toggle(town["a"], index, "audio")
    town.settle()
    town.disk_full = True
    town.advance(5)
    check_always(town)
    town.disk_full = False
    town.advance(2)
    check_quiet(town)
    nothing_waits(town)
    assert reasons(town) == [] and town["b"].got(UserAudioAvailable)[-1] == UserAudioAvailable("a", True)
    over(town)


def test_c14_on_the_wire_what_is_told_grows() -> None:
    """A message that waited has a number of its own, so nobody takes it for an old one."""
    town = talking()
    session = town["a"].session
    call_id = town["a"].line.call_id
    assert session is not None and call_id is not None
    town["b"].hold_down = True
    for index in range(20):
        town.deliver(
            town["a"], session, SetMedia(req_id=900 + index, call_id=call_id, audio=index % 2 == 1, video=False)
        )
    town.advance(3)
    heard = [message for message in town["b"].down if isinstance(message, MediaSet)]
    numbers = [message.seq for message in heard]
    assert numbers == sorted(set(numbers)) and heard[-1].audio and len(heard) == 5
    record = town.stored[call_id]
    assert record.seq == numbers[-1]
    town["b"].hold_down = False
    town.settle()
    town["a"].hangup()
    town.settle()
    assert set(reasons(town)) == {EndReason.HANGUP}
