"""Callbacks from the call to the target: what arrives, in both generations, signed, and never instead of the call."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from aiohttp import web

from pycall.core import wire
from pycall.core.webhook import webhook_secret
from signaling_server.app import serve
from signaling_server.callback_rules import CallbackRules
from signaling_server.callbacks import V1_COMMANDS, V4_COMMANDS, Callbacks, Generation
from signaling_server.settings import Settings
from signaling_server.store import Store
from tests.server.raw import APP_ID, KEY, Raw, Room, room_of, talking
from tests.server.target import Letter, Target, status
from tests.server.test_sockets import get

OpenRoom = Callable[..., Awaitable[Room]]

V1, V4 = Generation.V1, Generation.V4
SECRET = webhook_secret(KEY, APP_ID)


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    it = Target()
    await it.start()
    yield it
    await it.stop()


async def wanted(db: Path, url: str, v1: Iterable[str] = V1_COMMANDS, v4: Iterable[str] = V4_COMMANDS) -> None:
    """What an administrator would have set while the server ran before."""
    store = await Store.open(str(db), app_id=APP_ID)
    callbacks = Callbacks(store, allow_private=True)
    await callbacks.set(V1, url, v1)
    await callbacks.set(V4, url, v4)
    await store.close()


@pytest.fixture
async def hooked(tmp_path: Path, target: Target, open_room: OpenRoom) -> Room:
    """A server whose callbacks of both generations go to the target."""
    await wanted(tmp_path / "calls.db", target.url)
    return await open_room(callbacks=CallbackRules(allow_private=True))


def lines(letters: list[Letter]) -> list[str]:
    """Command, user and result of v1; command and who did what of v4. Order of arrival is not promised: sorted."""
    return sorted(line(letter) for letter in letters)


def line(letter: Letter) -> str:
    body = letter.body
    if "sdkappid" in letter.query:
        return " ".join([letter.command, body["UserId"], body["CallResult"] or "-"])
    changed = [f"{one['User_Account']}:{one['ActionType']}" for one in body.get("ChangedUserList", ())]
    return " ".join([letter.command.removeprefix("Call.CallbackAfter"), *changed, body.get("CallResult", "")]).strip()


async def rung(room: Room) -> tuple[Raw, Raw, str]:
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    return alice, bob, call_id


STARTED = ["StartCall", "callee_receive_call bob -", "caller_start_call alice -"]
ANSWERED = ["MemberChanged bob:Accept", "callee_accept_call bob -", "caller_call_accepted alice -"]


async def test_a_conversation(hooked: Room, target: Target) -> None:
    alice, _, call_id = await talking(hooked)
    await alice.ask(wire.Hangup, call_id=call_id)
    letters = await target.until(11)
    ends = ["EndCall NormalEnd", "MemberChanged alice:Hangup", "normal_end alice normal_end"]
    ends += ["caller_call_end alice normal_end", "callee_call_end bob normal_end"]
    assert lines(letters) == sorted(STARTED + ANSWERED + ends)
    assert len({letter.id for letter in letters}) == 11
    assert all(letter.check(SECRET) == letter.id for letter in letters)


async def test_what_a_callback_of_the_first_generation_says(hooked: Room, target: Target) -> None:
    alice, _, call_id = await talking(hooked)
    await alice.ask(wire.Hangup, call_id=call_id)
    [end] = [letter for letter in await target.until(11) if letter.command == "callee_call_end"]
    [begin] = [letter for letter in target.letters if letter.command == "caller_start_call"]
    assert end.path == "/hook" and end.headers["Content-Type"] == "application/json"
    assert begin.query == {
        "sdkappid": str(APP_ID),
        "command": "caller_start_call",
        "contenttype": "json",
        "clientip": "127.0.0.1",
        "optplatform": "Unknown",
    }
    now = time.time()
    times = [end.body.pop(name) for name in ("EventTime", "StartCallTs", "AcceptTs", "EndTs")]
    assert all(isinstance(one, int) and now - 10 <= one <= now for one in times)
    room_id = begin.body["RoomId"]
    assert room_id.isdecimal()
    about = {"RoomId": room_id, "TotalNum": 2, "MediaType": "audio", "CallType": "single", "CallId": call_id}
    assert end.body == about | {"UserId": "bob", "Role": "callee", "Event": "call_end", "CallResult": "normal_end"}
    begin.body.pop("EventTime")
    assert begin.body == about | {"UserId": "alice", "Role": "caller", "Event": "start_call", "CallResult": ""}


async def test_what_callbacks_of_the_fourth_generation_say(hooked: Room, target: Target) -> None:
    alice, _, call_id = await talking(hooked)
    await alice.ask(wire.Hangup, call_id=call_id)
    by_command = {line(letter): letter for letter in await target.until(11)}
    start, end = by_command["StartCall"], by_command["EndCall NormalEnd"]
    assert start.query["SdkAppid"] == str(APP_ID) and start.query["ClientIP"] == "127.0.0.1"
    assert start.query["OptPlatform"] == "Unknown" and start.query["contenttype"] == "json"
    assert time.time() * 1000 - 10_000 <= start.body["EventTime"] <= time.time() * 1000
    room_id = start.body["CallInfo"]["RoomId"]
    assert start.body["CallInfo"] == {
        "CallId": call_id, "CallMediaType": "Audio", "ChatGroupId": "", "RoomId": room_id, "RoomIdType": 1,
    }  # fmt: skip
    assert start.body["UserList"] == [
        {"User_Account": "alice", "Status": "Calling"},
        {"User_Account": "bob", "Status": "Waiting"},
    ]
    times = [end.body.pop(name) for name in ("StartTime", "AcceptTime", "EndTime", "EventTime")]
    assert times == sorted(times) and times[0] > 1_600_000_000_000
    assert end.body == {
        "CallId": call_id, "Caller_Account": "alice", "MediaType": "Audio", "CallType": "SingleCall",
        "CallResult": "NormalEnd", "CalleeList_Account": ["bob"], "RoomId": room_id, "RoomIdType": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("who", "command", "expected"),
    [
        ("alice", wire.Hangup, ["EndCall Cancel", "MemberChanged bob:Cancel_Invite", "callee_call_canceled bob cancel",
                                "caller_cancel_call alice cancel", "cancel alice cancel"]),
        ("bob", wire.Reject, ["EndCall Reject", "MemberChanged bob:Reject", "callee_reject_call bob reject",
                              "caller_call_rejected alice reject", "reject bob reject"]),
        ("ignoring bob", wire.Reject, ["EndCall CallBusy", "MemberChanged bob:Reject", "call_busy bob call_busy",
                                       "callee_ignore_call bob call_busy", "caller_call_busy alice call_busy"]),
    ],
)  # fmt: skip
async def test_calls_that_never_begin(
    hooked: Room, target: Target, who: str, command: type[wire.Command], expected: list[str]
) -> None:
    alice, bob, call_id = await rung(hooked)
    if who == "alice":
        await alice.hear(wire.Ringing)
        await alice.ask(command, call_id=call_id)
    else:
        await bob.ask(command, call_id=call_id, busy=who != "bob")
    assert lines(await target.until(len(STARTED) + len(expected))) == sorted(STARTED + expected)


async def test_no_answer(hooked: Room, target: Target) -> None:
    alice, _ = await hooked.user("alice"), await hooked.user("bob")
    await alice.invite("bob", timeout=1)
    expected = ["EndCall NotAnswer", "MemberChanged bob:NotAnswer", "callee_not_answer_call bob not_answer"]
    expected += ["caller_call_missed alice not_answer", "not_answer bob not_answer"]
    assert lines(await target.until(8)) == sorted(STARTED + expected)


async def test_a_busy_line(hooked: Room, target: Target) -> None:
    await talking(hooked)
    carol = await hooked.user("carol")
    await carol.invite("alice")
    expected = ["EndCall CallBusy", "MemberChanged alice:Reject", "StartCall", "call_busy alice call_busy"]
    expected += ["caller_call_busy carol call_busy", "caller_start_call carol -"]
    assert lines(await target.until(12)) == sorted(STARTED + ANSWERED + expected)


async def test_only_commands_that_are_wanted_are_sent(tmp_path: Path, target: Target, open_room: OpenRoom) -> None:
    await wanted(tmp_path / "calls.db", target.url + "?key=a%20b", ["normal_end"], [])
    room = await open_room(callbacks=CallbackRules(allow_private=True))
    alice, _, call_id = await talking(room)
    await alice.ask(wire.Hangup, call_id=call_id)
    [letter] = await target.until(1)
    assert letter.command == "normal_end" and letter.query["key"] == "a b"


async def test_what_fails_is_tried_again_at_the_documented_times(hooked: Room, target: Target) -> None:
    target.answer = status(500)
    await hooked.user("bob")
    alice = await hooked.user("alice")
    await alice.invite("bob")
    letters = await target.until(3 * 4, seconds=12)
    for command in {letter.command for letter in letters}:
        mine = [letter for letter in letters if letter.command == command]
        assert len({letter.id for letter in mine}) == 1 and len({letter.raw for letter in mine}) == 1
        gaps = [after.at - before.at for before, after in zip(mine, mine[1:], strict=False)]
        assert all(gap >= least - 0.05 for gap, least in zip(gaps, (0.0, 1.0, 1.0), strict=False))
    target.answer = None
    seen = {letter.id for letter in letters}
    taken = (await target.until(15, seconds=12))[12:]
    assert {letter.id for letter in taken} == seen


async def test_a_call_never_waits_for_a_target_that_hangs(hooked: Room, target: Target) -> None:
    stuck = asyncio.Event()

    async def hang(_request: web.Request) -> web.StreamResponse:
        await stuck.wait()
        return web.Response()

    target.answer = hang
    async with asyncio.timeout(5):
        alice, _, call_id = await talking(hooked)
        assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
    await target.until(4 + 5)  # all of the fourth generation, and as many of the first as are sent at once
    stuck.set()
    await target.until(11)


async def test_callbacks_outlive_the_server(tmp_path: Path, target: Target, open_room: OpenRoom) -> None:
    db = tmp_path / "calls.db"
    await wanted(db, target.url)
    await target.stop()
    settings = Settings(
        secret_keys=(KEY,), app_id=APP_ID, port=0, db=str(db), callbacks=CallbackRules(allow_private=True)
    )
    async with serve(settings) as server, room_of(server.url) as room:
        alice, _, call_id = await talking(room)
        await alice.ask(wire.Hangup, call_id=call_id)
    await target.start()
    await open_room(callbacks=CallbackRules(allow_private=True))
    assert len({letter.id for letter in await target.until(11, seconds=15)}) == 11


async def test_private_addresses_are_not_dialed_unless_allowed(
    tmp_path: Path, target: Target, open_room: OpenRoom
) -> None:
    db = tmp_path / "calls.db"
    await wanted(db, target.url)
    room = await open_room()
    alice, _, call_id = await talking(room)
    await alice.ask(wire.Hangup, call_id=call_id)
    errors: set[str] = set()
    async with asyncio.timeout(10):
        while len(errors) < 1:
            await get(room, "/healthz")
            with sqlite3.connect(db) as connection:
                errors = {text for (text,) in connection.execute("SELECT error FROM outbox WHERE error != ''")}
            connection.close()
    assert all("private network" in error for error in errors) and target.letters == []
