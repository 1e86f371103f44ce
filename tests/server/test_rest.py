"""REST: who gets in, what a body may be, how often, and what happens to running calls."""

from __future__ import annotations

import asyncio
import gzip
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.types import EndReason
from pycall.core.usersig import make_user_sig
from signaling_server.apps import Admin, App, Scope
from signaling_server.limits import Limits
from tests.server.office import END, INFO, base_of, done, query, refusal
from tests.server.raw import APP_ID, Room, case, new_call_id, talking, ticket

OpenRoom = Callable[..., Awaitable[Room]]
NOW = int(time.time())
OTHER_APP, OTHER_KEY = 1400000001, secrets.token_hex(32)
SECOND = App(app_id=OTHER_APP, secret_keys=(OTHER_KEY,))


# --- who gets in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sdkappid": ""}, (400, 60012)),
        ({"sdkappid": 7}, (401, 60006)),
        ({"sdkappid": "0"}, (401, 60006)),
        ({"sdkappid": "١٢"}, (401, 60006)),
        ({"sdkappid": "9" * 17}, (401, 60006)),
        ({"usersig": ""}, (401, 60004)),
        ({"usersig": "junk"}, (401, 60004)),
        ({"usersig": "x" * 3000}, (401, 60004)),
        ({"usersig": ticket("administrator", secret_key=OTHER_KEY)}, (401, 60004)),
        ({"usersig": ticket("administrator", app_id=OTHER_APP)}, (401, 60004)),
        ({"usersig": ticket("alice")}, (401, 60004)),
        ({"usersig": ticket("administrator", now=NOW - 100, expire=99)}, (401, 60005)),
        ({"identifier": "alice"}, (403, 60010)),
        ({"identifier": "Administrator"}, (403, 60010)),
        ({"identifier": "", "usersig": ticket("administrator")}, (401, 60004)),
        ({"identifier": "administrator' OR 1=1--", "usersig": "x"}, (401, 60004)),
        ({"identifier": "administrator\0", "usersig": "x"}, (401, 60004)),
        ({"random": "x"}, (400, 60002)),
        ({"random": 2**32}, (400, 60002)),
        ({"random": -1}, (400, 60002)),
        ({"contenttype": "xml"}, (400, 60002)),
    ],
    ids=case,
)
async def test_who_does_not_get_in(room: Room, changes: dict[str, Any], expected: tuple[int, int]) -> None:
    assert await refusal(room, INFO, {"CallId": new_call_id()}, **changes) == expected


@pytest.mark.parametrize("extra", ["&usersig=x", "&sdkappid=1", "&identifier=alice", "&random=1&random=2"])
async def test_nothing_may_be_said_twice(room: Room, extra: str) -> None:
    text = query() + extra
    assert await refusal(room, INFO, {"CallId": new_call_id()}, text=text) == (400, 60002)


@pytest.mark.parametrize("text", ["%ff", "sdkappid=%ff", "&".join(["a=1"] * 40), "x=" + "y" * 5000, "%00=%0d%0a"])
async def test_query_strings_that_are_none(room: Room, text: str) -> None:
    status, _ = await refusal(room, INFO, text=text)
    assert status == 400


async def test_what_is_optional_may_be_left_away_and_unknown_things_are_ignored(room: Room) -> None:
    body = {"CallId": new_call_id(), "Unknown": {"__proto__": 1}}
    assert await refusal(room, INFO, body, random="", contenttype="", more="x") == (404, 101004)


async def test_the_ticket_is_taken_from_the_query_only(room: Room) -> None:
    headers = {"Authorization": f"Bearer {ticket('administrator')}", "X-HTTP-Method-Override": "GET"}
    assert await refusal(room, INFO, {"CallId": new_call_id()}, usersig="", headers=headers) == (401, 60004)


async def test_a_key_that_is_being_rotated_is_good(open_room: OpenRoom) -> None:
    from tests.server.raw import KEY

    room = await open_room(secret_keys=(OTHER_KEY, KEY))
    for key in [KEY, OTHER_KEY]:
        sig = ticket("administrator", secret_key=key)
        assert await refusal(room, INFO, {"CallId": new_call_id()}, usersig=sig) == (404, 101004)


async def test_administrators_are_named_and_may_be_held_to_looking(open_room: OpenRoom) -> None:
    admins = (Admin("chief"), Admin("auditor", frozenset({Scope.READ})))
    room = await open_room(admins=admins)
    body = {"CallId": new_call_id()}
    assert await refusal(room, INFO, body) == (403, 60010)
    for path in [INFO, END]:
        assert await refusal(room, path, body, identifier="chief") == (404, 101004)
    assert await refusal(room, INFO, body, identifier="auditor") == (404, 101004)
    assert await refusal(room, END, body, identifier="auditor") == (403, 60010)


async def test_guessing_is_slowed_down_and_shut_out_is_nobody_with_a_good_ticket(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(failures=2))
    body = {"CallId": new_call_id()}
    for _ in range(2):
        assert await refusal(room, INFO, body, usersig="junk") == (401, 60004)
    assert await refusal(room, INFO, body, usersig="junk") == (429, 60007)
    assert await refusal(room, INFO, body) == (404, 101004)


async def test_another_apps_administrator_sees_nothing(open_room: OpenRoom) -> None:
    room = await open_room(more_apps=(SECOND,))
    _, _, call_id = await talking(room)
    sig = make_user_sig(OTHER_APP, OTHER_KEY, "administrator", now=NOW)
    for path in [INFO, END]:
        other = {"sdkappid": OTHER_APP, "usersig": sig}
        assert await refusal(room, path, {"CallId": call_id}, **other) == (404, 101004)
        assert await refusal(room, path, {"CallId": call_id}, usersig=sig) == (401, 60004)
    assert (await done(room, INFO, {"CallId": call_id}))["CallInfo"]["CallId"] == call_id


# --- methods, paths and headers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_not_allowed(room: Room, method: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with room.session.request(method, base_of(room) + INFO, headers=headers) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/v4//call_engine_http_srv/end_call", "/v4", "/v4/x/y", INFO + "/", INFO.upper()])
async def test_other_paths_are_not_there(room: Room, path: str) -> None:
    async with room.session.post(f"{base_of(room)}{path}?{query()}", data="{}") as response:
        assert (response.status, await response.json()) == (404, {"error": {"code": "not_found"}})


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({"Content-Type": "application/xml"}, b"<x/>"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"CallId=x"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
        ({"Content-Type": "application/json; charset=utf-16"}, "{}".encode("utf-16")),
        ({"Content-Type": 'application/json; charset=x"y'}, b"{}"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}", mtime=0)),
        ({"Content-Encoding": "gzip"}, gzip.compress(b" " * 20_000_000, mtime=0)),
        ({"Content-Encoding": "br"}, b"{}"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_bodies_of_another_kind(room: Room, headers: dict[str, str], data: bytes) -> None:
    assert (await refusal(room, INFO, headers=headers, data=data))[0] in {400, 415}


@pytest.mark.parametrize(
    "data", ["", " ", "{", "null", "[]", "7", "{}{}", "NaN", "[" * 30_000, "\ufeff{}", b"\xff\xfe"]
)
async def test_bodies_that_are_no_json_object(room: Room, data: str | bytes) -> None:
    status, number = await refusal(room, INFO, data=data)
    assert (status, number) in {(400, 60003), (400, 101002)}


@pytest.mark.parametrize(
    "call_id",
    [None, "", "x", 7, True, [], {}, "0" * 31, "0" * 33, "A" * 32, "../../etc/passwd", "%27 OR 1=1", "0" * 31 + "\0"],
)
async def test_call_ids_that_are_none(room: Room, call_id: object) -> None:
    for path in [INFO, END]:
        assert await refusal(room, path, {"CallId": call_id}) == (400, 101002)
        assert await refusal(room, path, {"callid": new_call_id()}) == (400, 101002)


async def test_a_body_over_the_limit(room: Room) -> None:
    body = {"CallId": new_call_id(), "pad": "x" * 65536}
    assert await refusal(room, INFO, body) == (413, 60002)

    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 4096

    assert await refusal(room, INFO, data=endless()) == (413, 60002)


async def raw_request(room: Room, head: str, body: bytes = b"") -> bytes:
    """Exactly these bytes; what comes back until the server closes."""
    host, port = room.url.removeprefix("ws://").removesuffix("/ws").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        return await asyncio.wait_for(reader.read(), 8)
    finally:
        writer.close()
        await writer.wait_closed()


def head(length: str, *more: str) -> str:
    lines = [f"POST {INFO}?{query()} HTTP/1.1", "Host: x", "Content-Type: application/json", length, *more]
    return "".join(f"{line}\n" for line in lines)


async def test_a_body_that_does_not_come_is_not_waited_for(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(body_seconds=0.3))
    for text, body in [(head("Content-Length: 100"), b"{"), (head("Transfer-Encoding: chunked"), b"1\r\n{\r\n")]:
        answer = await raw_request(room, text, body)
        assert answer.startswith(b"HTTP/1.1 408") and b'"ErrorCode":60008' in answer


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (head("Content-Length: 9999999999"), b"{}"),
        (head("Content-Length: -1"), b"{}"),
        (head("Content-Length: 2", "Content-Length: 3"), b"{} "),
        (head("Transfer-Encoding: chunked"), b"zz\r\n{}\r\n0\r\n\r\n"),
        (head("Content-Length: 2", "X: " + "y" * 9000), b"{}"),
        (head("Content-Length: 2", *[f"X{n}: y" for n in range(200)]), b"{}"),
        (f"POST {INFO}?{'x' * 9000} HTTP/1.1\nHost: x\nContent-Length: 2\n", b"{}"),
        ("BREW /pot HTCPCP/1.0\n", b""),
    ],
    ids=range(8),
)
async def test_http_that_lies_or_is_too_much(room: Room, text: str, body: bytes) -> None:
    status = int((await raw_request(room, text, body)).split()[1])
    assert 400 <= status < 500
    await room.user("alice")


async def test_who_asks_first_whether_to_send_is_told_to_go_on(room: Room) -> None:
    text = head("Content-Length: 2", "Expect: 100-continue", "Connection: close")
    answer = await raw_request(room, text, b"{}")
    assert answer.startswith(b"HTTP/1.1 100") and b"HTTP/1.1 400" in answer and b"101002" in answer
    answer = await raw_request(room, head("Content-Length: 2", "Expect: tea", "Connection: close"), b"{}")
    assert answer.startswith(b"HTTP/1.1 417")


# --- rates ------------------------------------------------------------------------------------------------------


async def test_each_command_has_its_rate_per_app(open_room: OpenRoom) -> None:
    room = await open_room(more_apps=(SECOND,), limits=Limits(rest_rate=1e-6))
    sig = make_user_sig(OTHER_APP, OTHER_KEY, "administrator", now=NOW)
    body = {"CallId": new_call_id()}
    text = query()
    answers = [await refusal(room, INFO, body, text=text) for _ in range(201)]
    assert answers == [(404, 101004)] * 200 + [(429, 60011)]
    assert await refusal(room, INFO, body, sdkappid=OTHER_APP, usersig=sig) == (404, 101004)
    assert await refusal(room, END, body) == (404, 101004)


# --- running calls ----------------------------------------------------------------------------------------------


async def test_a_call_is_seen_while_it_rings_and_while_it_runs(room: Room) -> None:
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    seen = await done(room, INFO, {"CallId": call_id})
    assert seen["CallInfo"] | {"RoomId": ""} == {
        "CallId": call_id, "MediaType": "Audio", "ChatGroupId": "", "RoomId": "", "RoomIdType": 1,
    }  # fmt: skip
    assert seen["CallInfo"]["RoomId"].isdecimal()
    assert seen["UserList"] == [
        {"User_Account": "alice", "Status": "Calling"}, {"User_Account": "bob", "Status": "Waiting"},
    ]  # fmt: skip
    assert (await bob.ask(wire.Accept, call_id=call_id)).ok
    seen = await done(room, INFO, {"CallId": call_id})
    assert [user["Status"] for user in seen["UserList"]] == ["Calling", "Calling"]
    assert (await bob.ask(wire.Hangup, call_id=call_id)).ok
    assert await refusal(room, INFO, {"CallId": call_id}) == (404, 101004)


async def test_the_back_office_ends_a_call(room: Room) -> None:
    alice, bob, call_id = await talking(room)
    assert await done(room, END, {"CallId": call_id}) is None
    for raw in [alice, bob]:
        ended = await raw.hear(wire.Ended)
        assert (ended.call_id, ended.reason, ended.user_id) == (call_id, EndReason.ENDED_BY_SERVER, "administrator")
    assert await refusal(room, END, {"CallId": call_id}) == (404, 101004)
    assert await refusal(room, END, {"CallId": new_call_id()}) == (404, 101004)
    assert (await alice.invite("bob")) != call_id


async def test_what_administrators_change_is_written_down(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    _, _, call_id = await talking(room)
    with caplog.at_level("INFO", logger="signaling_server.audit"):
        await done(room, INFO, {"CallId": call_id})
        await done(room, END, {"CallId": call_id})
    [line] = [record.getMessage() for record in caplog.records if record.name == "signaling_server.audit"]
    assert line == f"{END} by administrator of app {APP_ID} from 127.0.0.1"


async def test_the_document_names_every_operation(room: Room) -> None:
    async with room.session.get(base_of(room) + "/openapi.json") as response:
        document = json.loads(await response.text())
    assert document["openapi"].startswith("3.1")
    for path in document["paths"]:
        async with room.session.post(base_of(room) + path, data="{}") as response:
            assert response.status in {200, 400}
            answer = await response.json()
            assert answer.get("ErrorCode") == 60012 or answer.get("errorCode") == 70001
