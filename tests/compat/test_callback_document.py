"""The request that the document "Call Event Callback" shows, as a real server sends it for a real call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from signaling_server.callback_rules import CallbackRules
from signaling_server.callbacks import V1_COMMANDS, Callbacks, Generation
from signaling_server.store import Store
from tests.compat.desk import talk, tui
from tests.server.target import Letter, Target
from tests.switchroom import APP_ID, Switchroom

FIELDS = {"UserId", "RoomId", "TotalNum", "MediaType", "CallType", "CallId", "Role", "Event", "CallResult", "EventTime"}
EVENTS = {
    "alice": ["start_call", "call_accepted", "call_end"],
    "bob": ["receive_call", "accept_call", "call_end"],
}


@pytest_asyncio.fixture
async def target() -> AsyncIterator[Target]:
    it = Target()
    await it.start()
    yield it
    await it.stop()


@pytest_asyncio.fixture
async def server(tmp_path: Path, target: Target) -> AsyncIterator[Switchroom]:
    """One whose administrator has set the callback's URL."""
    db = tmp_path / "calls.db"
    store = await Store.open(str(db), app_id=APP_ID)
    await Callbacks(store, allow_private=True).set(Generation.V1, target.url, V1_COMMANDS)
    await store.close()
    async with Switchroom(db, callbacks=CallbackRules(allow_private=True)) as room:
        yield room


async def letters(target: Target, count: int) -> list[Letter]:
    return [one for one in await target.until(count) if "Event" in one.body]


async def test_what_the_backend_is_told_of_a_call(server: Switchroom, target: Target) -> None:
    before = int(time.time())
    async with tui(server, "alice") as alice, tui(server, "bob") as bob:
        await talk(alice, bob)
        call_id = alice.engine.engine.call_id
        await alice.engine.hangup()
        await bob.saw("onCallEnd")
        came = await letters(target, 7)
    for letter in came:
        _check_query(letter)
        body = letter.body
        assert FIELDS <= set(body) <= FIELDS | {"StartCallTs", "AcceptTs", "EndTs"}
        assert (body["CallId"], body["MediaType"], body["CallType"], body["TotalNum"]) == (
            call_id,
            "audio",
            "single",
            2,
        )
        assert letter.command == f"{body['Role']}_{body['Event']}"
        assert body["Role"] == ("caller" if body["UserId"] == "alice" else "callee")
        assert before <= body["EventTime"] <= time.time() + 1
    for user, expected in EVENTS.items():
        assert sorted(one.body["Event"] for one in came if one.body["UserId"] == user) == sorted(expected)
    _check_times(next(one.body for one in came if one.body["Event"] == "call_end"))


def _check_query(letter: Letter) -> None:
    """POST /?sdkappid=...&command=...&contenttype=json&clientip=127.0.0.1&optplatform=...; the app checks the first."""
    query = letter.query
    assert int(query["sdkappid"]) == APP_ID
    assert set(query) >= {"sdkappid", "command", "contenttype", "clientip", "optplatform"}
    assert (query["contenttype"], query["clientip"]) == ("json", "127.0.0.1")


def _check_times(body: dict[str, Any]) -> None:
    assert body["StartCallTs"] <= body["AcceptTs"] <= body["EndTs"]


async def test_a_refused_call_is_told_from_both_ends(server: Switchroom, target: Target) -> None:
    async with tui(server, "alice") as alice, tui(server, "bob") as bob:
        await alice.engine.call({"userID": "bob", "type": 2})
        await bob.saw("onCallReceived")
        await bob.engine.reject()
        await alice.saw("onCallNotConnected")
        came = await letters(target, 5)
    told = sorted(f"{one.command} {one.body['MediaType']}" for one in came)
    assert told == [
        "callee_receive_call video",
        "callee_reject_call video",
        "caller_call_rejected video",
        "caller_start_call video",
    ]
