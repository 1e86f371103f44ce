"""The user's own list of calls: asked for, filtered, and calls taken out of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pycall import CallError, ErrorCode, LoginError, RecentCallsFilter, RecordResult, Role, SignalingError
from pycall.core.events import SignalingLost
from pycall.core.types import CallId, MediaType, Scene
from tests.phones import Phone, ring
from tests.switchroom import Switchroom


async def test_each_side_finds_the_call_and_deletes_it_for_itself(alice: Phone, bob: Phone) -> None:
    received = await ring(alice, bob, MediaType.VIDEO)
    await alice.engine.hangup()
    await bob.ended()
    [mine], [theirs] = [await phone.engine.query_recent_calls() for phone in (alice, bob)]
    assert (mine.call_id, mine.inviter, mine.invitees) == (received.call_id, "alice", ("bob",))
    assert (mine.role, mine.result, mine.scene) == (Role.CALLER, RecordResult.OUTGOING, Scene.SINGLE)
    assert (mine.media, mine.total_time) == (MediaType.VIDEO, 0.0) and mine.begin_time > 1e9
    assert theirs == dataclasses.replace(mine, role=Role.CALLEE, result=RecordResult.MISSED)
    later = RecentCallsFilter(begin=mine.begin_time + 1)
    assert await alice.engine.query_recent_calls(later) == []
    assert await alice.engine.query_recent_calls(RecentCallsFilter(result=RecordResult.MISSED)) == []
    assert await alice.engine.query_recent_calls(RecentCallsFilter(end=mine.begin_time, limit=1)) == [mine]
    assert await alice.engine.delete_record_calls([CallId("0" * 32), mine.call_id]) == [mine.call_id]
    assert await alice.engine.query_recent_calls() == []
    assert await bob.engine.query_recent_calls() == [theirs]


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 1001},
        {"begin": -1.0},
        {"end": float("nan")},
        {"end": 1e12},
        {"result": 7},
        {"begin": "1"},
        {"end": True},
        {"limit": 1.5},
    ],
)
async def test_a_filter_that_means_nothing(alice: Phone, wrong: dict[str, float]) -> None:
    with pytest.raises(CallError) as caught:
        await alice.engine.query_recent_calls(RecentCallsFilter(**wrong))  # type: ignore[arg-type]
    assert caught.value.code is ErrorCode.BAD_ARGUMENT


@pytest.mark.parametrize("wrong", [False, 7, {"limit": 5}, "all"])
async def test_what_is_no_filter(alice: Phone, wrong: Any) -> None:
    with pytest.raises(CallError, match="RecentCallsFilter"):
        await alice.engine.query_recent_calls(wrong)


@pytest.mark.parametrize("wrong", [["x"], "x", None, 7, [None], [[]]])
async def test_ids_that_are_none(alice: Phone, wrong: Any) -> None:
    with pytest.raises(CallError, match="call id"):
        await alice.engine.delete_record_calls(wrong)
    assert await alice.engine.delete_record_calls([]) == []
    assert await alice.engine.delete_record_calls(CallId("0" * 32)) == []


async def test_nobody_is_signed_in_or_the_server_is_gone(alice: Phone, server: Switchroom) -> None:
    await server.stop()
    await alice.saw(SignalingLost)
    with pytest.raises(SignalingError):
        await alice.engine.query_recent_calls()
    await alice.engine.logout()
    with pytest.raises(LoginError):
        await alice.engine.query_recent_calls()
