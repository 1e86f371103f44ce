"""The server dies and comes back with nothing but what it had stored; or it cannot store.

| what happens                       | test                                                |
|------------------------------------|-----------------------------------------------------|
| dies while it rings                | test_v1_*                                           |
| dies while they talk               | test_v2_*                                           |
| dies between storing and telling   | test_v3_*                                           |
| dies between hearing and storing   | test_v4_*                                           |
| cannot store                       | test_v5_*; real disks: tests/server/test_storage.py |
| stops, stands still, all come back | test_what_fails.py, test_v6_* to test_v10_*         |
"""

from __future__ import annotations

import pytest

from pycall.core.errors import ErrorCode
from pycall.core.events import CallBegan, CallReceived
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, over, reasons, ringing, talking
from tests.town import Town


def back(town: Town, users: str = "ab") -> None:
    for user in users:
        town[user].connect()
    town.settle()


def test_v1_restart_while_ringing() -> None:
    town = ringing()
    town.advance(10)
    town.restart_server(down_for=5)
    back(town)
    check_quiet(town)
    assert len(town["b"].got(CallReceived)) == 1
    town.advance(14)
    assert town["b"].line.state is CallState.RINGING
    town.advance(2)
    assert reasons(town) == [EndReason.NO_ANSWER] * 2
    over(town)


def test_v1_restart_while_ringing_and_then_accepted() -> None:
    town = ringing()
    town.restart_server(down_for=5)
    back(town)
    town["b"].accept()
    town.settle()
    assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    over(town)


def test_v1_time_was_up_while_the_server_was_down() -> None:
    town = ringing()
    town.restart_server(down_for=31)
    back(town)
    town.advance(0.1)
    assert reasons(town) == [EndReason.NO_ANSWER] * 2
    assert len(town.records) == 1 and town.records[0].reason is EndReason.NO_ANSWER
    over(town)


def test_v2_restart_while_talking() -> None:
    town = talking()
    town.advance(10)
    town.restart_server(down_for=20)
    town.advance(10)
    back(town)
    check_quiet(town)
    town.advance(120)
    assert reasons(town) == [] and town["a"].line.state is CallState.CONNECTED
    town["a"].hangup()
    town.settle()
    assert town.records[0].duration == 160
    over(town)


@pytest.mark.parametrize("media", [True, False])
def test_v2_one_does_not_come_back(media: bool) -> None:
    town = talking()
    town.restart_server(down_for=1)
    if not media:
        town.cut = {("a", "b"), ("b", "a")}
    back(town, "a")
    town.advance(28)
    assert reasons(town) == []
    town.advance(35 if media else 3)
    assert reasons(town, "a") == [EndReason.OFFLINE]
    back(town, "b")
    assert reasons(town, "b") == [EndReason.OFFLINE]
    over(town)


def test_v2_restart_before_media_is_up() -> None:
    town = ringing()
    town.cut = {("a", "b"), ("b", "a")}
    town["b"].accept()
    town.settle()
    town.restart_server(down_for=2)
    back(town)
    town.cut = set()
    town.advance(8)
    assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    over(town)


@pytest.mark.parametrize("verb", ["accept", "reject", "hangup", "dial"])
def test_v3_killed_between_commit_and_telling(verb: str) -> None:
    town = ringing() if verb != "dial" else Town("a", "b")
    who = "b" if verb in ("accept", "reject") else "a"
    town[who].dial("b") if verb == "dial" else getattr(town[who], verb)()
    town.up(town[who])
    town.restart_server()
    back(town)
    check_quiet(town)
    expected = {"accept": [], "reject": [EndReason.REJECTED] * 2, "hangup": [EndReason.CANCELED] * 2, "dial": []}
    assert reasons(town) == expected[verb]
    assert len(town["b"].got(CallReceived)) == 1
    if verb == "accept":
        assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    if verb == "reject":
        assert "UserRejected" in town["a"].names(), "what the declining message would have said is said all the same"
    over(town)


@pytest.mark.parametrize("verb", ["accept", "reject", "hangup", "dial"])
def test_v4_killed_between_receiving_and_commit(verb: str) -> None:
    town = ringing() if verb != "dial" else Town("a", "b")
    who = "b" if verb in ("accept", "reject") else "a"
    req_id = town[who].dial("b") if verb == "dial" else getattr(town[who], verb)()
    town.restart_server()
    back(town)
    check_quiet(town)
    assert town[who].answers[req_id] is None and len(town["b"].got(CallReceived)) == 1
    if verb == "accept":
        assert town["a"].got(CallBegan) and town["b"].got(CallBegan)
    over(town)
    assert len(town.records) == 1


def test_the_server_has_lost_everything() -> None:
    town = talking()
    town.stored.clear()
    town.restart_server()
    back(town)
    assert reasons(town) == [EndReason.UNKNOWN] * 2
    town.records.clear()
    over(town)


@pytest.mark.parametrize("verb", ["dial", "accept", "reject", "hangup", "switch"])
def test_v5_disk_full(verb: str) -> None:
    town = {"dial": lambda: Town("a", "b"), "accept": ringing, "reject": ringing}.get(verb, talking)()
    who = "b" if verb in ("accept", "reject") else "a"
    before = (town["a"].names(), town["b"].names())
    town.disk_full = True
    if verb == "dial":
        req_id = town[who].dial("b")
    elif verb == "switch":
        req_id = town[who].switch(MediaType.AUDIO)
    else:
        req_id = getattr(town[who], verb)()
    town.settle()
    assert (town["a"].names(), town["b"].names()) == before, "nothing has happened"
    if verb in ("dial", "accept", "switch"):
        assert town[who].answers[req_id] is ErrorCode.STORAGE
        check_quiet(town)
    town.disk_full = False
    town.advance(2)
    if verb in ("reject", "hangup"):
        assert len(ends(town["a"])) == len(ends(town["b"])) == 1, "leaving is asked for again"
    if verb == "accept":
        assert town["b"].line.state is CallState.RINGING
        town["b"].accept()
        town.settle()
        assert town["a"].got(CallBegan)
    over(town)


def test_v5_a_timer_that_cannot_be_stored_is_tried_again() -> None:
    town = ringing()
    town.disk_full = True
    town.advance(33)
    assert reasons(town) == []
    town.disk_full = False
    town.advance(1)
    assert reasons(town) == [EndReason.NO_ANSWER] * 2
    over(town)


def test_v5_a_socket_that_went_while_nothing_could_be_stored_stays_gone() -> None:
    town = talking()
    town.disk_full = True
    town["b"].drop()
    town["a"].switch(MediaType.AUDIO)
    town.settle()
    town.disk_full = False
    assert town.switchboard.online == 3
    town.advance(61)
    assert reasons(town, "a") == [EndReason.OFFLINE]
    over(town)
