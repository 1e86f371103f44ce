"""Signing in, limits and bad frames, over real WebSockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from pycall.core import wire
from pycall.core.errors import ErrorCode
from signaling_server.limits import Limits
from tests.server.raw import APP_ID, KEY, QUICK, Raw, Room, case, new_call_id, talking, ticket

OpenRoom = Callable[..., Awaitable[Room]]
NOW = int(time.time())


def login_frame(**changes: Any) -> str:
    fields = {"type": "login", "version": 1, "app_id": APP_ID, "user_id": "alice", "device_id": "d"}
    return json.dumps(fields | {"user_sig": ticket("alice")} | changes)


# --- signing in -------------------------------------------------------------------------------------------------


async def test_a_good_ticket_is_welcomed(room: Room) -> None:
    raw = await room.open()
    welcome = await raw.login("alice")
    assert (welcome.version, welcome.user_id, welcome.heartbeat) == (1, "alice", wire.HEARTBEAT_SECONDS)
    assert welcome.call is None and welcome.ended is None
    assert abs(welcome.server_time - time.time()) < 5


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"user_sig": ""}, "sig_malformed"),
        ({"user_sig": "not a ticket"}, "sig_malformed"),
        ({"user_sig": "A" * 3000}, "sig_malformed"),
        ({"user_sig": ticket("alice", now=NOW + 3600)}, "sig_malformed"),
        ({"user_sig": ticket("alice", now=NOW - 100, expire=99)}, "sig_expired"),
        ({"user_sig": ticket("alice", secret_key="somebody else's key")}, "sig_invalid"),
        ({"user_sig": ticket("bob")}, "sig_wrong_user"),
        ({"user_id": "Alice"}, "sig_wrong_user"),
        ({"user_sig": ticket("alice", app_id=1)}, "sig_wrong_app"),
        ({"app_id": 1}, "sig_wrong_app"),
    ],
    ids=case,
)
async def test_every_wrong_ticket_is_told_apart(room: Room, changes: dict[str, Any], code: str) -> None:
    raw = await room.open()
    await raw.socket.send_str(login_frame(**changes))
    assert await raw.refused() == (code, 4401)


@pytest.mark.parametrize(
    ("frame", "code", "close_code"),
    [
        (login_frame(version=99), "bad_version", 4400),
        (login_frame(user_id="a b"), "bad_message", 1007),
        (login_frame(device_id=""), "bad_message", 1007),
        (login_frame(pad="x" * 9000), "bad_message", 1009),
        ('{"type":"ping","id":1}', "bad_message", 1007),
        ("{", "bad_message", 1007),
        ("", "bad_message", 1007),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_first_frames_that_are_no_login(room: Room, frame: str, code: str, close_code: int) -> None:
    raw = await room.open()
    await raw.socket.send_str(frame)
    assert await raw.refused() == (code, close_code)


async def test_a_binary_login_is_refused(room: Room) -> None:
    raw = await room.open()
    await raw.socket.send_bytes(login_frame().encode())
    assert (await raw.refused())[0] == "bad_message"


async def test_who_does_not_sign_in_in_time_is_closed(open_room: OpenRoom) -> None:
    room = await open_room(limits=QUICK)
    raw = await room.open()
    assert await raw.refused() == ("timed_out", 4408)


async def test_only_so_many_may_be_about_to_sign_in(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(waiting=2))
    first, second, third = [await room.open() for _ in range(3)]
    assert await third.refused() == ("too_many", 1013)
    await first.login("alice")
    await (await room.open()).login("bob")
    await second.login("carol")


async def test_a_silent_client_is_dropped_and_a_pinging_one_is_not(open_room: OpenRoom) -> None:
    room = await open_room(limits=QUICK)
    silent, lively = await room.user("alice"), await room.user("bob")
    dropped = asyncio.create_task(silent.frame())
    for number in range(1000):
        await lively.say(wire.Ping(id=number))
        assert (await lively.hear(wire.Pong)).id == number
        if (await asyncio.wait([dropped], timeout=0.1))[0]:
            break
    assert (await dropped).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
    await lively.say(wire.Ping(id=0))
    await lively.hear(wire.Pong)
    assert len([task for task in asyncio.all_tasks() if task.get_name().endswith("-writer")]) == 1


async def test_a_server_that_stood_still_reads_before_it_takes_anybody_for_dead(open_room: OpenRoom) -> None:
    room = await open_room(limits=QUICK)
    users = [await room.user(f"user-{number}") for number in range(20)]
    for _ in range(3):
        for number, user in enumerate(users):
            await user.say(wire.Ping(id=number))
        time.sleep(2 * QUICK.heartbeat)  # noqa: ASYNC251 - that the server stands still too is the point
        for number, user in enumerate(users):
            assert (await user.hear(wire.Pong)).id == number


async def test_a_second_login_elsewhere_kicks_the_first(room: Room) -> None:
    first = await room.user("alice", device_id="one")
    second = await room.user("alice", device_id="two")
    assert await first.refused() == ("kicked", 4409)
    await second.say(wire.Ping(id=1))
    await second.hear(wire.Pong)


async def test_the_same_device_resumes_its_call(room: Room) -> None:
    alice, bob, call_id = await talking(room)
    alice.cut()
    again = await room.open()
    welcome = await again.login("alice", call_id=call_id)
    assert welcome.call is not None and welcome.call.call_id == call_id
    assert (await again.ask(wire.Hangup, call_id=call_id)).ok
    assert (await bob.hear(wire.Ended)).user_id == "alice"


async def test_logout_is_answered_and_closed(room: Room) -> None:
    alice = await room.user("alice")
    assert (await alice.ask(wire.Logout)).ok
    assert await alice.refused() == ("not_logged_in", 1000)


# --- frames -----------------------------------------------------------------------------------------------------


async def test_a_frame_over_64_kib_closes_with_1009(room: Room) -> None:
    raw = await room.user("alice")
    await raw.socket.send_str('{"type":"ping","id":1,"pad":"' + "x" * 65536 + '"}')
    assert await raw.close_code() == 1009


@pytest.mark.parametrize("frame", ["{", "[" * 60000, '{"type":"bogus"}', "\0", '{"type":"ping","id":true}'], ids=len)
async def test_garbage_ends_the_session_at_the_fifth_frame(room: Room, frame: str) -> None:
    raw = await room.user("alice")
    for _ in range(4):
        await raw.socket.send_str(frame)
    await raw.say(wire.Ping(id=7))
    assert (await raw.hear(wire.Pong)).id == 7
    await raw.socket.send_str(frame)
    assert await raw.refused() == ("bad_message", 1007)


async def test_binary_frames_end_the_session_with_1003(room: Room) -> None:
    raw = await room.user("alice")
    for _ in range(5):
        await raw.socket.send_bytes(b'{"type":"ping","id":1}')
    assert await raw.refused() == ("bad_message", 1003)


async def test_an_unreadable_command_is_answered_by_its_number(room: Room) -> None:
    raw = await room.user("alice")
    call = {"type": "invite", "req_id": 9, "call_id": new_call_id(), "callees": ["b"], "media": "audio", "timeout": -1}
    await raw.socket.send_str(json.dumps(call))
    reply = await raw.hear(wire.Reply)
    assert (reply.req_id, reply.ok, reply.code) == (9, False, ErrorCode.BAD_MESSAGE)
    assert "timeout" in reply.message


async def test_text_that_is_no_utf8_closes_with_1007(room: Room) -> None:
    raw = await room.user("alice")
    await raw.socket._writer.send_frame(b"\xff\xfe", WSMsgType.TEXT)
    assert await raw.close_code() == 1007


@pytest.mark.parametrize(("kind", "burst"), [("ping", 100), ("signal", 200)])
async def test_too_many_messages(room: Room, kind: str, burst: int) -> None:
    raw = await room.user("alice")
    signal = wire.Signal(call_id=new_call_id(), to="bob", kind="candidate")
    message = wire.Ping(id=1) if kind == "ping" else signal
    for _ in range(burst):
        await raw.say(message)
    for _ in range(burst if kind == "ping" else 0):
        await raw.hear(wire.Pong)
    for _ in range(50):
        await raw.say(message)
    codes = []
    while (frame := await raw.frame()).type is WSMsgType.TEXT:
        codes.append(json.loads(frame.data).get("code"))
    assert codes[-1] == "too_many"
    assert raw.socket.close_code == 4429


async def test_a_slow_client_is_cut_and_holds_up_nobody(open_room: OpenRoom, caplog: pytest.LogCaptureFixture) -> None:
    room = await open_room(limits=Limits(signal_rate=10_000, signal_burst=10_000, close_seconds=0.3))
    alice, bob, call_id = await talking(room)
    signal = wire.Signal(call_id=call_id, to="bob", kind="offer", sdp="x" * 40_000)
    bob.socket._response.connection.transport.pause_reading()  # type: ignore[union-attr]
    carol = await room.user("carol")
    for number in range(400):
        await alice.say(signal)
        if number % 20 == 0:
            await carol.say(wire.Ping(id=number))
            await carol.hear(wire.Pong)
    bob.socket._response.connection.transport.resume_reading()  # type: ignore[union-attr]
    heard = 0
    while (await bob.frame()).type is WSMsgType.TEXT:
        heard += 1
    assert heard < 400
    assert "does not keep up" in caplog.text
    welcome = await (await room.open()).login("bob", call_id=call_id)
    assert welcome.call is not None, "the call goes on when the slow one comes back"


# --- HTTP -------------------------------------------------------------------------------------------------------


async def get(room: Room, path: str, **options: Any) -> tuple[int, Any]:
    base = room.url.replace("ws://", "http://").removesuffix("/ws")
    async with room.session.request(options.pop("method", "GET"), base + path, **options) as response:
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return response.status, await response.json()


async def test_health_and_errors_are_json(room: Room) -> None:
    assert await get(room, "/healthz") == (200, {"status": "ok"})
    assert await get(room, "/nothing/here") == (404, {"error": {"code": "not_found"}})
    assert await get(room, "/ws", method="POST") == (405, {"error": {"code": "method_not_allowed"}})
    assert (await get(room, "/ws"))[0] == 400


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "", "file://", "https://a.ex:1"]
)
async def test_foreign_pages_may_not_connect(
    open_room: OpenRoom, origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "signaling_server.sockets")
    room = await open_room(origins=("https://a.ex",))
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await room.open(headers={"Origin": origin})
    assert caught.value.status == 403
    assert f"a page of {origin} may not connect; if it should: --origin" in caplog.text
    async with room.session.get(room.url.replace("ws", "http", 1).removesuffix("/ws") + "/metrics") as response:
        assert 'pycall_rejects_total{reason="origin",what="login"} 1.0' in await response.text()


async def test_the_own_page_and_listed_pages_may_connect(open_room: OpenRoom) -> None:
    room = await open_room(origins=("https://a.ex",))
    own = room.url.replace("ws://", "http://").removesuffix("/ws")
    for origin in [own, "https://a.ex"]:
        raw: Raw = await room.open(headers={"Origin": origin})
        await raw.login("alice")


async def test_compression_is_not_negotiated(room: Room) -> None:
    socket = await room.session.ws_connect(room.url, compress=15)
    assert socket.compress == 0
    await socket.close()


def test_the_key_of_these_tests_is_not_shown() -> None:
    from signaling_server.settings import Settings

    assert KEY not in repr(Settings(secret_keys=(KEY,)))
