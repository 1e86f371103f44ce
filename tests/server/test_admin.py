"""The admin page's endpoints: who gets in, what they tell, and that nothing of another app or of a stranger does."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pycall.core import wire
from pycall.core.usersig import make_user_sig
from signaling_server.apps import Admin, App, Scope
from tests.server.raw import APP_ID, KEY, Room, talking, ticket

OpenRoom = Callable[..., Awaitable[Room]]
PAGES = Path(__file__).parents[2] / "signaling_server" / "pages"
OTHER_KEY = KEY[::-1]


def header(identifier: str = "administrator", app_id: int = APP_ID, sig: str = "") -> str:
    return f"UserSig {app_id}:{identifier}:{sig or ticket(identifier)}"


async def ask(room: Room, path: str, body: Any = None, *, sign: str | None = None) -> tuple[int, Any]:
    """GET, or POST if there is a body."""
    url = room.url.replace("ws", "http", 1).removesuffix("/ws") + f"/admin/api/{path}"
    headers = {"Authorization": header() if sign is None else sign}
    method = "GET" if body is None else "POST"
    async with room.session.request(method, url, json=body, headers=headers) as response:
        assert (
            response.headers["Cache-Control"] == "no-store" and response.headers["X-Content-Type-Options"] == "nosniff"
        )
        return response.status, await response.json()


async def told(room: Room, path: str, body: Any = None) -> Any:
    status, answer = await ask(room, path, body)
    assert status == 200, answer
    return answer


async def refused(room: Room, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
    status, answer = await ask(room, path, body, **options)
    assert "\n" not in answer["error"]["message"] and "Traceback" not in answer["error"]["message"]
    return status, answer["error"]["code"]


# --- signing in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sign",
    [
        "",
        "Bearer x",
        "UserSig",
        f"UserSig {APP_ID}:administrator:",
        f"UserSig {APP_ID}:administrator:x y",
        "UserSig a:b:c",
    ],
)
async def test_nobody_gets_in_without_a_ticket(room: Room, sign: str) -> None:
    for path in ["me", "now", "hours", "records", "callbacks", "dead"]:
        assert await refused(room, path, sign=sign) == (401, "ticket")


async def test_a_ticket_must_be_good_and_an_administrators(room: Room) -> None:
    forged = make_user_sig(APP_ID, OTHER_KEY, "administrator", now=1)
    assert (await refused(room, "me", sign=header(sig=forged)))[0] == 401
    assert (await refused(room, "me", sign=header(sig=ticket("alice"))))[0] == 401
    assert (await refused(room, "me", sign=header(sig=ticket("administrator", now=1000, expire=60)))) == (
        401,
        "expired",
    )
    assert (await refused(room, "me", sign=header(app_id=7)))[0] == 401
    assert await refused(room, "now", sign=header("alice")) == (403, "not_admin")
    assert await told(room, "me") == {"app_id": APP_ID, "identifier": "administrator", "scopes": ["read", "write"]}


async def test_who_may_only_look_changes_nothing(open_room: OpenRoom) -> None:
    room = await open_room(admins=(Admin("auditor", frozenset({Scope.READ})),))
    sign = header("auditor")
    assert (await ask(room, "me", sign=sign))[1]["scopes"] == ["read"]
    assert (await ask(room, "records", sign=sign))[0] == 200
    changes: list[tuple[str, dict[str, Any]]] = [
        ("callbacks/set", {"generation": 4, "url": "http://127.0.0.1:9/"}),
        ("callbacks/delete", {"generation": 4}),
        ("dead/resend", {"ids": [1]}),
        ("calls/end", {"call_id": "0" * 32}),
    ]
    for path, body in changes:
        assert await refused(room, path, body, sign=sign) == (403, "not_admin")


async def test_who_may_only_look_does_not_see_a_token_in_the_address_of_callbacks(open_room: OpenRoom) -> None:
    room = await open_room(admins=(Admin(), Admin("auditor", frozenset({Scope.READ}))))
    url = "https://example.com/hook?token=mine"
    await told(room, "callbacks/set", {"generation": 4, "url": url})
    assert (await told(room, "callbacks"))["targets"][1]["url"] == url
    _, seen = await ask(room, "callbacks", sign=header("auditor"))
    assert seen["targets"][1]["url"] == "https://example.com/hook?***" and "mine" not in str(seen)


async def test_guessing_tickets_is_stopped(room: Room) -> None:
    codes = [(await refused(room, "me", sign=header(sig="x")))[0] for _ in range(12)]
    assert codes[0] == 401 and codes[-1] == 429


# --- what it tells ----------------------------------------------------------------------------------------------


async def test_calls_now_and_their_end(room: Room) -> None:
    alice, bob, call_id = await talking(room)
    now = await told(room, "now")
    assert (now["users_online"], now["states"]) == (2, {"ringing": 0, "connecting": 0, "talking": 1})
    [call] = now["calls"]
    assert (call["call_id"], call["caller"], call["others"], call["state"]) == (call_id, "alice", ["bob"], "talking")
    assert 0 <= now["server_time"] - call["since"] < 10 and now["more"] == 0
    assert now["outbox"] == {"waiting": 0, "dead": 0}
    assert await told(room, "calls/end", {"call_id": call_id}) == {}
    for raw in [alice, bob]:
        assert (await raw.hear(wire.Ended)).reason.value == "ended_by_server"
    assert (await told(room, "now"))["calls"] == []
    assert (await refused(room, "calls/end", {"call_id": call_id}))[0] == 404


async def make_records(room: Room, rejected: int) -> str:
    """One conversation, and then calls that were refused; the conversation's id."""
    alice, bob, call_id = await talking(room)
    assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
    await bob.hear(wire.Ended)
    await alice.hear(wire.Ended)
    for _ in range(rejected):
        one = await alice.invite("bob")
        await bob.hear(wire.Invited)
        await alice.hear(wire.Ringing)
        assert (await bob.ask(wire.Reject, call_id=one)).ok
        await bob.hear(wire.Ended)
        await alice.hear(wire.Declined)
        await alice.hear(wire.Ended)
    return call_id


async def test_records_with_filters_and_pages(room: Room) -> None:
    talked = await make_records(room, 4)
    everything = await told(room, "records?per_page=3")
    assert everything["total"] == 5 and len(everything["records"]) == 3
    last = await told(room, "records?per_page=3&page=2")
    assert last["records"][-1]["call_id"] == talked and last["records"][-1]["result"] == "NormalEnd"
    assert (await told(room, "records?result=Reject"))["total"] == 4
    assert (await told(room, "records?kind=MultiCall"))["total"] == 0
    start = last["records"][-1]["started_at"]
    assert (await told(room, f"records?start={start + 0.0001}"))["total"] == 4
    assert (await told(room, f"records?end={start}"))["total"] == 1
    for query in ["page=0", "per_page=101", "result=Nothing", "start=x", "end=-1", "kind=9", "page=1e9"]:
        assert await refused(room, f"records?{query}") == (400, "parameter")


async def test_calls_and_quality_by_the_hour(room: Room) -> None:
    await make_records(room, 2)
    found = (await told(room, "hours?hours=3"))["hours"]
    assert len(found) == 3 and all(hour["start"] % 3600 == 0 for hour in found)
    results = [hour["results"] for hour in found]
    assert sum(one.get("NormalEnd", 0) for one in results) == 1 and sum(one.get("Reject", 0) for one in results) == 2
    [hour] = [hour for hour in found if hour["connect_median"] is not None]
    assert 0 <= hour["connect_median"] <= hour["connect_slow"] < 10 and hour["cut"] == 0
    assert await refused(room, "hours?hours=1000") == (400, "parameter")


async def test_callbacks_are_set_and_deleted(open_room: OpenRoom) -> None:
    from signaling_server.callback_rules import CallbackRules

    room = await open_room(callbacks=CallbackRules(allow_private=True))
    assert [one["url"] for one in (await told(room, "callbacks"))["targets"]] == ["", ""]
    await told(room, "callbacks/set", {"generation": 4, "url": "http://127.0.0.1:9/hook"})
    one = {"generation": 1, "url": "http://127.0.0.1:9/old", "commands": ["caller_start_call"]}
    await told(room, "callbacks/set", one)
    v1, v4 = (await told(room, "callbacks"))["targets"]
    assert (v1["url"], v1["commands"]) == ("http://127.0.0.1:9/old", ["caller_start_call"])
    assert (v4["url"], sorted(v4["commands"])) == ("http://127.0.0.1:9/hook", v4["known"])
    await told(room, "callbacks/delete", {"generation": 4})
    assert (await refused(room, "callbacks/delete", {"generation": 4}))[0] == 404
    for body in [
        {"generation": 4, "url": "ftp://x"},
        {"generation": 4, "url": "http://x/", "commands": ["no_such"]},
        {"generation": 2, "url": "http://x/"},
        {"url": "http://x/"},
        [],
    ]:
        assert (await refused(room, "callbacks/set", body))[0] == 400


async def test_another_app_sees_nothing_of_it(open_room: OpenRoom) -> None:
    room = await open_room(more_apps=(App(app_id=77, secret_keys=(OTHER_KEY,)),))
    await talking(room)
    sig = make_user_sig(77, OTHER_KEY, "administrator", now=int(time.time()))
    status, now = await ask(room, "now", sign=header(app_id=77, sig=sig))
    assert (status, now["users_online"], now["calls"]) == (200, 0, [])
    assert (await ask(room, "me", sign=header(app_id=77)))[0] == 401


# --- the page ---------------------------------------------------------------------------------------------------


async def test_the_page_runs_nothing_but_its_own_files(room: Room) -> None:
    base = room.url.replace("ws", "http", 1).removesuffix("/ws")
    for path, kind in [
        ("/admin", "text/html"),
        ("/admin/admin.js", "text/javascript"),
        ("/admin/admin.css", "text/css"),
    ]:
        async with room.session.get(base + path) as response:
            assert (response.status, response.content_type) == (200, kind)
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    html = (PAGES / "admin.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|<style", html)
    assert "innerHTML" not in "".join(file.read_text() for file in PAGES.glob("*.js"))
