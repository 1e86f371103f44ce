"""REST: where callbacks go, in both generations, and letters that could not be delivered."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pycall.core.usersig import make_user_sig
from signaling_server.apps import Admin, App, Scope
from signaling_server.callbacks import V1_COMMANDS, V4_COMMANDS
from signaling_server.limits import Limits
from tests.server.office import ask, base_of, done, query, refusal
from tests.server.raw import APP_ID, Room, case, ticket

OpenRoom = Callable[..., Awaitable[Room]]
SET, GET, DELETE = [f"/v4/call_config/{verb}_callback" for verb in ["set", "get", "delete"]]
URL = "https://hooks.example.com/pycall?x=1"
OTHER_APP, OTHER_KEY = 1400000001, secrets.token_hex(32)


async def v1(room: Room, verb: str, body: Any = None, **options: Any) -> tuple[int, Any]:
    """The error code and the data."""
    status, answer = await ask(room, f"/v1/callback/{verb}", body, **options)
    assert status == 200, "always"
    assert set(answer) == {"errorCode", "errorMessage", "requestId", "data"}
    assert len(answer["requestId"]) == 32 and answer["errorMessage"]
    return answer["errorCode"], answer["data"]


async def test_the_first_generation(room: Room) -> None:
    first = {"address": URL, "actions": ["normal_end", "caller_start_call"]}
    second = {"address": "http://example.com", "actions": sorted(V1_COMMANDS)}
    for verb, body in [("get", {}), ("update", first), ("delete", {})]:
        assert await v1(room, verb, body) == (999, "")
    assert await v1(room, "set", first) == (0, first)
    assert await v1(room, "get") == (0, first)
    assert await v1(room, "update", second) == (0, second)
    assert await v1(room, "set", first) == (0, first)
    assert await v1(room, "get") == (0, first)
    assert await v1(room, "delete") == (0, "")
    assert await v1(room, "get") == (999, "")
    assert await v1(room, "delete") == (999, "")


async def test_the_fourth_generation_and_neither_sees_the_other(room: Room) -> None:
    for path in [GET, DELETE]:
        assert await refusal(room, path) == (404, 100301)
    target = {"Url": URL, "CallbackCommandList": sorted(V4_COMMANDS)}
    assert await done(room, SET, target) is None
    assert await done(room, GET) == target
    assert await v1(room, "get") == (999, "")
    await done(room, SET, target | {"CallbackCommandList": []})
    assert (await done(room, GET))["CallbackCommandList"] == []
    await done(room, DELETE)
    assert await refusal(room, GET) == (404, 100301)


async def test_two_at_once_leave_one_of_them(room: Room) -> None:
    targets = [{"Url": f"https://example.com/{n}", "CallbackCommandList": []} for n in range(20)]
    await asyncio.gather(*[done(room, SET, target) for target in targets])
    assert await done(room, GET) in targets


@pytest.mark.parametrize(
    "address",
    [
        "", "x", 7, None, [], "file:///etc/passwd", "gopher://example.com", "ftp://example.com", "ws://example.com",
        "data:text/plain,x", "javascript:alert(1)", "http://", "http:///x", "https://a:b@example.com", "http://a@b.com",
        "http://127.0.0.1/", "http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://017700000001/", "http://0/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://[::127.0.0.1]/", "http://[fec0::1]/", "http://169.254.169.254/latest", "http://10.0.0.1/",
        "http://100.64.0.1/", "http://192.168.1.1/", "http://192.0.0.192/", "http://198.18.0.1/", "http://224.0.0.1/",
        "http://255.255.255.255/", "http://0.0.0.0/", "http://[fe80::1%25eth0]/", "http://localhost/",
        "http://example.com:0/", "http://example.com:70000/", "http://exa mple.com/", "http://example.com/\r\nX: y",
        "http://é.example/", "https://example.com/" + "x" * 3000, "HTTP\0://example.com",
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
async def test_addresses_that_are_no_targets(room: Room, address: object) -> None:
    assert await refusal(room, SET, {"Url": address, "CallbackCommandList": []}) == (400, 100002)
    assert await v1(room, "set", {"address": address, "actions": []}) == (70001, "")


@pytest.mark.parametrize("commands", [None, "normal_end", ["x"], [7], {}, ["normal_end\n"], ["a" * 65], ["x"] * 1000])
async def test_commands_that_are_none(room: Room, commands: object) -> None:
    assert await refusal(room, SET, {"Url": URL, "CallbackCommandList": commands}) == (400, 100002)
    assert await v1(room, "set", {"address": URL, "actions": commands}) == (70001, "")


async def test_fields_that_are_missing(room: Room) -> None:
    assert await refusal(room, SET, {"Url": URL}) == (400, 100002)
    assert await v1(room, "set", {"address": URL}) == (70001, "")


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"sdkappid": ""}, 70001),
        ({"random": "x"}, 70001),
        ({"sdkappid": 7}, 70002),
        ({"usersig": "junk"}, 70002),
        ({"usersig": ticket("administrator", now=int(time.time()) - 100, expire=99)}, 70003),
        ({"identifier": "alice"}, 70004),
        ({"data": "{"}, 70009),
        ({"data": ""}, 70009),
        ({"data": "x" * 70_000}, 70009),
        ({"headers": {"Content-Type": "text/xml"}}, 70009),
    ],
    ids=case,
)
async def test_the_first_generation_refuses_with_200_and_its_numbers(
    room: Room, changes: dict[str, Any], number: int
) -> None:
    assert await v1(room, "get", **changes) == (number, "")


async def test_the_first_generation_has_its_rate(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(rest_rate=1e-6))
    numbers = [(await v1(room, "get"))[0] for _ in range(11)]
    assert numbers == [999] * 10 + [70005]


async def test_another_app_neither_sees_nor_changes_it(open_room: OpenRoom) -> None:
    room = await open_room(more_apps=(App(app_id=OTHER_APP, secret_keys=(OTHER_KEY,)),))
    other = {
        "sdkappid": OTHER_APP,
        "usersig": make_user_sig(OTHER_APP, OTHER_KEY, "administrator", now=int(time.time())),
    }
    target = {"Url": URL, "CallbackCommandList": []}
    await done(room, SET, target)
    assert await refusal(room, GET, **other) == (404, 100301)
    assert await refusal(room, DELETE, **other) == (404, 100301)
    await done(room, SET, target | {"Url": "https://example.com/other"}, **other)
    assert await done(room, GET) == target


async def test_who_may_only_look_changes_nothing(open_room: OpenRoom) -> None:
    room = await open_room(admins=(Admin("auditor", frozenset({Scope.READ})),), limits=Limits())
    target = {"Url": URL, "CallbackCommandList": []}
    assert await refusal(room, SET, target, identifier="auditor") == (403, 60010)
    assert await refusal(room, DELETE, identifier="auditor") == (403, 60010)
    assert await refusal(room, GET, identifier="auditor") == (404, 100301)
    assert await v1(room, "set", {"address": URL, "actions": []}, identifier="auditor") == (70004, "")


async def test_it_is_kept_over_a_restart(open_room: OpenRoom, tmp_path: Any) -> None:
    from signaling_server.app import serve
    from signaling_server.settings import Settings
    from tests.server.raw import KEY, room_of

    settings = Settings(secret_keys=(KEY,), app_id=APP_ID, port=0, db=str(tmp_path / "kept.db"))
    target = {"Url": URL, "CallbackCommandList": ["Call.CallbackAfterEndCall"]}
    async with serve(settings) as server, room_of(server.url) as room:
        await done(room, SET, target)
    async with serve(settings) as server, room_of(server.url) as room:
        assert await done(room, GET) == target


# --- dead letters -----------------------------------------------------------------------------------------------

LETTERS, RESEND = "/v4/call_config/get_dead_letters", "/v4/call_config/resend_dead_letters"


def bury(db: Path, app_id: int, count: int, *, died_at: float | None = 2.0) -> None:
    """Rows as they are left by a target that never answers."""
    row = (
        app_id,
        4,
        "event",
        "Call.CallbackAfterEndCall",
        "0" * 32,
        "{}",
        "192.0.2.1",
        "Web",
        1.0,
        1.0,
        9,
        "late",
        died_at,
    )
    names = "app_id,generation,event_id,command,call_id,body,address,platform,created_at,due_at,attempts,error,died_at"
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.executemany(f"INSERT INTO outbox ({names}) VALUES ({','.join('?' * 13)})", [row] * count)


async def test_dead_letters_are_listed_by_pages_and_sent_again(room: Room, tmp_path: Path) -> None:
    await asyncio.to_thread(bury, tmp_path / "calls.db", APP_ID, 12)
    await asyncio.to_thread(bury, tmp_path / "calls.db", OTHER_APP, 1)
    first = await done(room, LETTERS)
    assert (first["TotalNum"], first["Page"], len(first["LetterList"])) == (12, 1, 10)
    letter = first["LetterList"][0]
    assert (letter["Error"], letter["Generation"], letter["Attempts"], letter["DiedTime"]) == ("late", "v4", 9, 2.0)
    second = await done(room, LETTERS, {"Page": 2, "NumberPerPage": 10})
    assert len(second["LetterList"]) == 2
    ids = [one["Id"] for one in first["LetterList"] + second["LetterList"]]
    assert len(set(ids)) == 12
    assert await done(room, RESEND, {"IdList": [ids[0], 999_999]}) == {"IdList": [ids[0]]}
    assert (await done(room, LETTERS))["TotalNum"] == 11
    assert await done(room, RESEND, {"IdList": [ids[0]]}) == {"IdList": []}


@pytest.mark.parametrize("ids", [[], None, [0], [-1], ["1"], [1.5], [2**53], [True], [1] * 101])
async def test_letters_that_are_none(room: Room, ids: object) -> None:
    assert await refusal(room, RESEND, {"IdList": ids}) == (400, 100002)


@pytest.mark.parametrize(
    "page", [{"Page": 0}, {"Page": -1}, {"Page": "1"}, {"NumberPerPage": 0}, {"NumberPerPage": 10**9}]
)
async def test_pages_that_are_none(room: Room, page: dict[str, object]) -> None:
    assert await refusal(room, LETTERS, page) == (400, 100002)


async def test_a_token_in_the_address_is_shown_to_those_only_who_may_change_it(open_room: OpenRoom) -> None:
    room = await open_room(admins=(Admin(), Admin("auditor", frozenset({Scope.READ}))))
    for url, shown in [
        ("https://example.com/hook?token=mine&x=1", "https://example.com/hook?***"),
        ("https://example.com/hook#mine?x", "https://example.com/hook#***"),
        ("https://example.com/hook?", "https://example.com/hook?"),
    ]:
        await done(room, SET, {"Url": url, "CallbackCommandList": []})
        await v1(room, "set", {"address": url, "actions": []})
        assert (await done(room, GET))["Url"] == (await v1(room, "get"))[1]["address"] == url
        assert (await done(room, GET, identifier="auditor"))["Url"] == shown
        assert (await v1(room, "get", identifier="auditor"))[1] == {"address": shown, "actions": []}


# --- changed by two at once: ETag and If-Match ------------------------------------------------------------------


async def tag_of(room: Room, path: str) -> str:
    async with room.session.post(f"{base_of(room)}{path}?{query()}", json={}) as response:
        assert (await response.json()).get("ErrorCode", 0) == 0
        return response.headers["ETag"]


async def test_a_change_of_what_was_read_and_is_another_by_now_is_refused(room: Room) -> None:
    mine, yours = [{"Url": f"https://example.com/{n}", "CallbackCommandList": []} for n in range(2)]
    assert await refusal(room, SET, mine, headers={"If-Match": "*"}) == (412, 100002), "there is none yet"
    await done(room, SET, mine)
    read = await tag_of(room, GET)
    assert read.startswith('"') and read == await tag_of(room, GET)
    await done(room, SET, yours, headers={"If-Match": read})
    assert await refusal(room, SET, mine, headers={"If-Match": read}) == (412, 100002)
    assert await refusal(room, DELETE, headers={"If-Match": read}) == (412, 100002)
    assert await done(room, GET) == yours
    await done(room, SET, yours, headers={"If-Match": "*"})
    await done(room, DELETE, headers={"If-Match": await tag_of(room, GET)})
    assert await refusal(room, DELETE) == (404, 100301), "twice"


async def test_of_two_who_change_what_both_have_read_one_is_refused(room: Room) -> None:
    await done(room, SET, {"Url": URL, "CallbackCommandList": []})
    read = {"If-Match": await tag_of(room, GET)}
    both = [{"Url": f"https://example.com/{n}", "CallbackCommandList": []} for n in range(8)]
    answers = await asyncio.gather(*[ask(room, SET, target, headers=read) for target in both])
    assert sorted(status for status, _ in answers) == [200, *[412] * 7]
    assert await done(room, GET) == both[[status for status, _ in answers].index(200)]


async def test_the_first_generation_says_so_in_its_own_way(room: Room) -> None:
    target = {"address": URL, "actions": ["cancel"]}
    await v1(room, "set", target)
    read = await tag_of(room, "/v1/callback/get")
    assert await v1(room, "update", target | {"actions": []}, headers={"If-Match": read}) == (
        0,
        target | {"actions": []},
    )
    assert await v1(room, "update", target, headers={"If-Match": read}) == (70001, "")
    assert await v1(room, "delete", headers={"If-Match": read}) == (70001, "")
