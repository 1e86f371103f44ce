"""REST: records of real calls, by id and by filter, in both generations."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.types import MediaType
from pycall.core.usersig import make_user_sig
from signaling_server.apps import App
from signaling_server.limits import Limits
from tests.server.office import ask, done, refusal
from tests.server.raw import APP_ID, LeapingClock, Raw, Room, new_call_id, talking

OpenRoom = Callable[..., Awaitable[Room]]
BY_ID, BY_FILTER = [f"/v4/call_record_http_srv/get_record_by_{name}" for name in ["callid", "filter"]]
V1_BY_ID, V1_BY_FILTER = "/v1/records/get_record_by_callId", "/v1/records/get_records_by_filter"
MILLISECONDS = 1_800_000_000_000
"""A time of January 2027 in the wrong unit."""
OTHER_APP, OTHER_KEY = 1400000001, secrets.token_hex(32)


async def v1(room: Room, path: str, body: Any, **options: Any) -> tuple[int, Any]:
    status, answer = await ask(room, path, body, **options)
    assert status == 200
    return answer["errorCode"], answer["data"]


async def ring(alice: Raw, bob: Raw, **options: Any) -> str:
    call_id = await alice.invite("bob", **options)
    await bob.hear(wire.Invited)
    await alice.hear(wire.Ringing)
    return call_id


async def rejected(alice: Raw, bob: Raw) -> str:
    call_id = await ring(alice, bob)
    assert (await bob.ask(wire.Reject, call_id=call_id)).ok
    await bob.hear(wire.Ended)
    await alice.hear(wire.Declined)
    await alice.hear(wire.Ended)
    return call_id


async def canceled(alice: Raw, bob: Raw) -> str:
    call_id = await ring(alice, bob, media=MediaType.VIDEO)
    assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
    await alice.hear(wire.Ended)
    await bob.hear(wire.Ended)
    return call_id


async def test_a_conversation_has_a_record_once_it_is_over(open_room: OpenRoom) -> None:
    clock = LeapingClock()
    room = await open_room(clock=clock)
    began = time.time()
    alice, bob, call_id = await talking(room)
    assert await refusal(room, BY_ID, {"CallId": call_id}) == (404, 101050)
    assert (await v1(room, V1_BY_ID, {"callId": call_id}))[0] == 70001
    clock.ahead = 90
    assert (await bob.ask(wire.Hangup, call_id=call_id)).ok
    await alice.hear(wire.Ended)
    record = (await done(room, BY_ID, {"CallId": call_id}))["CallRecord"]
    start, accept, end = record["StartTime"], record["AcceptTime"], record["EndTime"]
    assert began - 2 < start <= accept <= time.time() and 88 <= end - accept <= 95
    assert record == {
        "CallId": call_id, "Caller_Account": "alice", "MediaType": "Audio", "CallType": "SingleCall",
        "StartTime": start, "AcceptTime": accept, "EndTime": end, "CallResult": "NormalEnd",
        "CalleeList_Account": ["bob"], "RoomId": record["RoomId"], "RoomIdType": 1,
    }  # fmt: skip
    assert record["RoomId"].isdecimal()
    assert await v1(room, V1_BY_ID, {"callId": call_id}) == (0, {
        "callId": call_id, "sdkAppId": APP_ID, "mediaType": "audio", "roomId": record["RoomId"],
        "startCallTs": start, "acceptTs": accept, "endTs": end, "caller": "alice", "totalUserNumber": 2,
        "callType": "single", "callResult": "normal_end", "callees": ["bob"],
    })  # fmt: skip


async def test_records_by_result_kind_time_and_page(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(rest_rate=100))
    alice, bob = await room.user("alice"), await room.user("bob")
    refused = [await rejected(alice, bob) for _ in range(3)]
    gone = await canceled(alice, bob)
    everything = await done(room, BY_FILTER)
    assert (everything["TotalNum"], everything["Page"]) == (4, 1)
    assert [one["CallId"] for one in everything["CallRecordList"]] == [gone, *reversed(refused)]
    assert {one["AcceptTime"] for one in everything["CallRecordList"]} == {0}
    some = await done(room, BY_FILTER, {"CallResult": "Reject", "NumberPerPage": 2, "Page": 2})
    assert (some["TotalNum"], some["Page"]) == (3, 2)
    assert [one["CallId"] for one in some["CallRecordList"]] == [refused[0]]
    [one] = (await done(room, BY_FILTER, {"CallResult": "Cancel"}))["CallRecordList"]
    assert (one["CallId"], one["MediaType"]) == (gone, "Video")
    now = int(time.time())
    for body, count in [
        ({"CallType": "SingleCall"}, 4),
        ({"CallType": "MultiCall"}, 0),
        ({"CallResult": "Offline"}, 0),
        ({"EndTime": now - 3600}, 0),
        ({"StartTime": now + 3600}, 0),
        ({"StartTime": now - 60, "EndTime": now + 60}, 4),
        ({"StartTime": now + 60, "EndTime": now - 60}, 0),
        ({"StartTime": 0}, 4),
        ({"Page": 1_000_000, "NumberPerPage": 100}, 4),
    ]:
        answer = await done(room, BY_FILTER, body)
        assert answer["TotalNum"] == count, body
    number, data = await v1(
        room, V1_BY_FILTER, {"startTimestamp": now - 60, "callResult": "reject", "numberPerPage": 2}
    )
    assert (number, data["totalNum"], len(data["callRecordList"])) == (0, 3, 2)
    assert {one["callResult"] for one in data["callRecordList"]} == {"reject"}
    for body, count in [({"callType": "single"}, 4), ({"callType": "group"}, 0), ({"endTimestamp": now - 3600}, 0)]:
        assert (await v1(room, V1_BY_FILTER, {"startTimestamp": 0} | body))[1]["totalNum"] == count


@pytest.mark.parametrize(
    "body",
    [
        *[{"StartTime": value} for value in [-1, 1.5, "0", "2026-01-01", MILLISECONDS, 10**30, True, []]],
        *[{"EndTime": value} for value in [-1, "0", MILLISECONDS]],
        *[{"CallResult": value} for value in ["", "reject", "%", "Reject' OR '1'='1", 7, []]],
        *[{"CallType": value} for value in ["", "single", 3]],
        *[{"NumberPerPage": value} for value in [0, -1, 101, 10**9, "10", 1.5]],
        *[{"Page": value} for value in [0, -1, 10**9, "1"]],
    ],
    ids=str,
)
async def test_filters_that_are_none(room: Room, body: dict[str, Any]) -> None:
    assert await refusal(room, BY_FILTER, body) == (400, 101002)
    own = {name[0].lower() + name[1:]: value for name, value in body.items()}
    if "callResult" in own and own["callResult"] == "reject":
        own["callResult"] = "Reject"
    if "callType" in own and own["callType"] == "single":
        own["callType"] = "SingleCall"
    renamed = {"startTime": "startTimestamp", "endTime": "endTimestamp"}
    own = {"startTimestamp": 0} | {renamed.get(name, name): value for name, value in own.items()}
    assert await v1(room, V1_BY_FILTER, own) == (70001, "")


async def test_the_first_generation_asks_for_a_start(room: Room) -> None:
    assert await v1(room, V1_BY_FILTER, {}) == (70001, "")


@pytest.mark.parametrize("call_id", ["%", "_" * 32, "' OR 1=1--", "../x", "0" * 31 + "%", None, 7])
async def test_ids_are_compared_not_matched(room: Room, call_id: object) -> None:
    alice, bob = await room.user("alice"), await room.user("bob")
    await rejected(alice, bob)
    assert await refusal(room, BY_ID, {"CallId": call_id}) == (400, 101002)
    assert await v1(room, V1_BY_ID, {"callId": call_id}) == (70001, "")


async def test_another_app_finds_nothing(open_room: OpenRoom) -> None:
    room = await open_room(more_apps=(App(app_id=OTHER_APP, secret_keys=(OTHER_KEY,)),))
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await rejected(alice, bob)
    sig = make_user_sig(OTHER_APP, OTHER_KEY, "administrator", now=int(time.time()))
    other = {"sdkappid": OTHER_APP, "usersig": sig}
    assert await refusal(room, BY_ID, {"CallId": call_id}, **other) == (404, 101050)
    assert (await done(room, BY_FILTER, **other))["TotalNum"] == 0
    assert (await v1(room, V1_BY_FILTER, {"startTimestamp": 0}, **other))[1]["totalNum"] == 0
    assert await refusal(room, BY_ID, {"CallId": new_call_id()}) == (404, 101050)
    assert (await done(room, BY_FILTER))["TotalNum"] == 1


async def test_the_twenty_a_second_of_the_first_generation(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(rest_rate=1e-6))
    numbers = [(await v1(room, V1_BY_ID, {"callId": new_call_id()}))[0] for _ in range(21)]
    assert numbers == [70001] * 20 + [70005]
