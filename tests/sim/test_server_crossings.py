"""A server that dies, comes back, cannot write or is overrun, against what people do meanwhile, in both orders.

| row | here | elsewhere |
|---|---|---|
| V1 restart while it rings | one back, or both; cancelled | sim/test_server_crash, server/test_restart |
| V2 restart in a call | both orders; hung up meanwhile | sim/test_server_crash, server/test_restart |
| V3 killed between commit and telling | every verb of a call | sim/test_server_crash, load/test_crash |
| V4 killed between receiving and commit | every verb of a call | sim/test_server_crash, load/test_crash |
| V5 nothing can be written | no callback of what is not | sim/test_server_crash, server/test_storage |
| V6 told to stop | – | server/test_stop, server/test_restart |
| V7 two servers on one database | – | server/test_store, server/test_app |
| V8 all come back at once | forty in any order | signaling/test_client, server/test_admission |
| V9 the server stands still | – | server/test_rows_of_the_server |
| V10 a client that reads too slowly | – | server/test_sockets, signaling/test_client |
| T1 clocks of tickets | – | core/test_usersig |
| T2 clocks that differ or jump | clients' do not count | server/test_switchboard, server/test_rows_of_the_server |
| T3 keys are changed | – | core/test_usersig, server/test_rows_of_the_server |
| W1 order of callbacks | – | server/test_rows_of_the_server |
| W2 a target that is moved or deleted | – | server/test_courier |
| W3 records while calls end | – | server/test_records, server/test_rows_of_the_server |
| W4 a target that hangs | – | server/test_webhooks |
"""

from __future__ import annotations

import random

import pytest

from pycall.core.events import CallBegan, CallMediaChanged, CallReceived, UserInviting
from pycall.core.line import CallState
from pycall.core.types import EndReason, MediaType
from tests.sim.invariants import check_quiet
from tests.sim.stories import ends, kinds, over, reasons, ringing, talking
from tests.town import EPOCH, Town

START = ["started a", "received b"]
TALK = [*START, "accepted b"]


def back(town: Town, users: str = "ab") -> None:
    for user in users:
        town[user].connect()
        town.settle()


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_v1_restart_while_ringing_then_answered(order: str) -> None:
    town = ringing()
    town.restart_server(down_for=5)
    back(town, order)
    town["b"].accept()
    town.settle()
    check_quiet(town)
    assert len(town["b"].got(CallReceived)) == 1 and town["a"].got(CallBegan) and town["b"].got(CallBegan)
    assert kinds(town) == TALK and reasons(town) == []
    over(town)


@pytest.mark.parametrize("who", "ab")
def test_v1_only_one_comes_back_to_the_ring(who: str) -> None:
    town = ringing()
    town.restart_server(down_for=5)
    back(town, who)
    town.advance(61)
    (record,) = town.records
    assert record.reason is EndReason.NO_ANSWER and record.ended_by == "b"
    assert len(ends(town["a"])) == len(ends(town["b"])) == 1
    assert len([kind for kind in kinds(town) if kind.startswith("ended")]) == 1
    over(town)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_v1_cancelled_while_the_server_was_down(order: str) -> None:
    town = ringing()
    town.restart_server(down_for=1)
    req_id = town["a"].hangup()
    back(town, order)
    check_quiet(town)
    assert town["a"].answers[req_id] is None and reasons(town) == [EndReason.CANCELED] * 2
    assert kinds(town) == [*START, "canceled b", "ended a"]
    over(town)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_v2_both_come_back_to_the_call(order: str) -> None:
    town = talking()
    town.restart_server(down_for=10)
    back(town, order)
    town.advance(60)
    check_quiet(town)
    assert reasons(town) == [] and kinds(town) == TALK and len(town["a"].got(CallBegan)) == 1
    over(town)


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("who", ["a", "b", "ab"])
def test_v2_hung_up_while_the_server_was_down(who: str, order: str) -> None:
    town = talking()
    town.restart_server(down_for=2)
    for user in who:
        town[user].hangup()
    back(town, order)
    check_quiet(town)
    assert reasons(town) == [EndReason.HANGUP] * 2
    (record,) = town.records
    assert record.reason is EndReason.HANGUP and record.ended_by in who
    assert kinds(town) == [*TALK, f"left {record.ended_by}", f"ended {record.ended_by}"]
    over(town)


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("verb", ["switch", "hangup", "logout", "invite"])
def test_v3_v4_killed_before_and_after_the_commit(verb: str, committed: bool) -> None:
    town = talking()
    asked = {
        "switch": lambda: town["a"].switch(MediaType.AUDIO),
        "hangup": town["a"].hangup,
        "logout": town["a"].logout,
        "invite": lambda: town["a"].invite("c"),
    }
    req_id = asked[verb]()
    if committed:
        town.up(town["a"])
    town.restart_server()
    for user in "abc":
        back(town, user)
    check_quiet(town)
    assert town["a"].answers[req_id] is None
    if verb == "switch":
        assert len(town["a"].got(CallMediaChanged)) == len(town["b"].got(CallMediaChanged)) == 1
        assert kinds(town) == TALK
    elif verb == "invite":
        assert len(town["c"].got(CallReceived)) == len(town["b"].got(UserInviting)) == 1
        assert kinds(town) == [*TALK, "invited a", "received c"]
    else:
        assert reasons(town) == [EndReason.HANGUP] * 2 and kinds(town) == [*TALK, "left a", "ended a"]
    over(town)


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_v3_invited_once_though_the_answer_was_lost_and_they_have_answered(verb: str, restart: bool) -> None:
    town = talking()
    req_id = town["a"].invite("c")
    town.up(town["a"])
    if restart:
        town.restart_server()
        back(town, "bc")
    else:
        town["a"].drop()
        town.settle()
    getattr(town["c"], verb)()
    town.settle()
    back(town, "a")
    check_quiet(town)
    assert town["a"].answers[req_id] is None and town["a"].answer(req_id).users == ("c",)
    assert len(town["c"].got(CallReceived)) == 1
    assert kinds(town) == [*TALK, "invited a", "received c", "accepted c" if verb == "accept" else "rejected c"]
    over(town)


@pytest.mark.parametrize("verb", ["accept", "reject", "hangup"])
def test_v5_what_could_not_be_written_is_told_to_nobody_outside(verb: str) -> None:
    town = ringing()
    town.disk_full = True
    getattr(town["a" if verb == "hangup" else "b"], verb)()
    town.settle()
    assert kinds(town) == START and town.records == []
    town.disk_full = False
    town.advance(2)
    if verb == "accept":
        town["b"].accept()
        town.settle()
    expected = {"accept": ["accepted b"], "reject": ["rejected b", "ended b"], "hangup": ["canceled b", "ended a"]}
    assert kinds(town) == [*START, *expected[verb]], "and then once"
    over(town)


@pytest.mark.parametrize("seed", range(3))
def test_v8_forty_come_back_in_any_order(seed: int) -> None:
    chance = random.Random(seed)
    users = [f"u{number}" for number in range(40)]
    town = Town(*users)
    for caller, callee in zip(users[::2], users[1::2], strict=True):
        town[caller].dial(callee)
        town.settle()
        if chance.random() < 0.7:
            town[callee].accept()
    town.settle()
    before = {user: town[user].line.state for user in users}
    town.restart_server(down_for=3)
    for user in chance.sample(users, len(users)):
        town[user].connect()
    town.settle()
    check_quiet(town)
    assert {user: town[user].line.state for user in users} == before and town.records == []
    assert all(len(town[user].got(CallReceived)) == 1 for user in users[1::2])
    assert all(town[user].got(CallBegan) for user in users if before[user] is CallState.CONNECTED)
    over(town)


def test_t2_times_are_the_servers_and_durations_are_what_passed() -> None:
    town = ringing()
    town.advance(4)
    town["b"].accept()
    town.settle()
    town.advance(56)
    town["a"].hangup()
    town.settle()
    (record,) = town.records
    assert (record.created_at, record.accepted_at, record.ended_at) == (EPOCH, EPOCH + 4, EPOCH + 60)
    assert record.duration == 56
    assert [getattr(end, "duration", None) for user in "ab" for end in town[user].events[-1:]] == [56, 56]
    over(town)
