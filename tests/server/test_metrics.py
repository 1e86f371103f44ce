"""`/metrics`, `/healthz` and `/readyz`: what an operator sees while people call, are refused, and when it ends."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client.parser import text_string_to_metric_families

from pycall.core import wire
from pycall.core.errors import ConfigError
from signaling_server.app import serve
from signaling_server.callback_rules import CallbackRules
from signaling_server.health import Health
from signaling_server.limits import Limits
from signaling_server.metrics import Metrics
from signaling_server.settings import Settings
from signaling_server.store import Store
from signaling_server.switchboard import Switchboard
from tests.server.raw import KEY, Room, room_of, talking
from tests.server.target import Target
from tests.server.test_webhooks import wanted

OpenRoom = Callable[..., Awaitable[Room]]
Samples = dict[str, float]


def http(room: Room, path: str, port: int | None = None) -> str:
    url = room.url.replace("ws://", "http://").replace("/ws", path)
    return url if port is None else re.sub(r":\d+", f":{port}", url)


async def metrics(room: Room, port: int | None = None) -> Samples:
    """`name{label,label}` to value."""
    async with room.session.get(http(room, "/metrics", port)) as response:
        assert response.status == 200 and response.content_type == "text/plain"
        text = await response.text()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(value for _, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def test_users_calls_and_results(room: Room) -> None:
    before = await metrics(room)
    assert (before["pycall_users_online"], before["pycall_calls{ringing}"]) == (0, 0)
    alice, bob, call_id = await talking(room)
    _carol = await room.user("carol")
    await alice.settle()
    now = await metrics(room)
    assert (now["pycall_users_online"], now["pycall_calls{talking}"], now["pycall_calls{ringing}"]) == (3, 1, 0)
    assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
    await bob.hear(wire.Ended)
    now = await metrics(room)
    assert now["pycall_calls{talking}"] == 0
    assert now["pycall_calls_ended_total{audio,hangup,NormalEnd}"] == 1
    assert now["pycall_call_setup_seconds_count{answer}"] == now["pycall_call_setup_seconds_count{connect}"] == 1
    assert now["pycall_call_setup_seconds_sum{answer}"] >= 0
    assert now["pycall_commit_seconds_count"] >= 5
    assert now["process_resident_memory_bytes"] > 1e6


async def test_what_is_refused(room: Room) -> None:
    alice = await room.user("alice")
    await alice.settle()  # refused: no such call
    stranger = await room.open()
    await stranger.say(wire.Ping(id=1))
    assert (await stranger.refused())[0] == "bad_message"
    now = await metrics(room)
    assert now["pycall_rejects_total{no_such_call,command}"] == 1
    assert now["pycall_rejects_total{bad_message,login}"] == 1


async def test_what_came_of_callbacks(open_room: OpenRoom, tmp_path: Path) -> None:
    target = Target()
    await target.start()
    await wanted(tmp_path / "calls.db", target.url, v1=["caller_start_call"], v4=["Call.CallbackAfterStartCall"])
    room = await open_room(callbacks=CallbackRules(allow_private=True))
    answers = iter([500, 410])

    async def answer(request: web.Request) -> web.StreamResponse:
        if "sdkappid" in request.query:
            return web.Response(status=200)
        return web.Response(status=next(answers))

    target.answer = answer
    await talking(room)
    await target.until(3)
    kinds = [f"pycall_callbacks_total{{{kind}}}" for kind in ("v1,delivered", "v4,failed", "v4,dead")]
    found: list[float | None] = []
    async with asyncio.timeout(8):
        while found != [1, 1, 1]:
            now = await metrics(room)
            found = [now.get(kind) for kind in kinds]
    await target.stop()


async def test_a_ring_that_nobody_answers_has_no_setup_time(room: Room) -> None:
    alice, bob = await room.user("alice"), await room.user("bob")
    call_id = await alice.invite("bob")
    await bob.hear(wire.Invited)
    assert (await metrics(room))["pycall_calls{ringing}"] == 1
    assert (await bob.ask(wire.Reject, call_id=call_id)).ok
    now = await metrics(room)
    assert now["pycall_calls_ended_total{audio,rejected,Reject}"] == 1
    assert now.get("pycall_call_setup_seconds_count{answer}", 0) == 0


async def test_messages_that_nobody_waits_for_are_counted_by_kind() -> None:
    switchboard, metrics_of = Switchboard(now=0.0), Metrics()
    metrics_of.watch(switchboard)
    for number in range(3):
        switchboard.receive(number, wire.Ping(id=1), 1.0)
    assert b'pycall_dropped_messages_total{kind="stale session"} 3.0' in await metrics_of.text()


async def test_the_loops_delay_is_measured(room: Room) -> None:
    async with asyncio.timeout(5):
        while (await metrics(room))["pycall_loop_delay_seconds_count"] == 0:
            pass


async def test_programs_that_come_through_a_proxy_see_no_metrics(room: Room) -> None:
    async with room.session.get(http(room, "/metrics"), headers={"X-Forwarded-For": "203.0.113.7"}) as response:
        assert response.status == 404


async def test_a_port_of_its_own(tmp_path: Path) -> None:
    settings = Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"), metrics_port=0)
    async with serve(settings) as server, room_of(server.url) as room:
        assert server.metrics_port not in (None, server.port)
        assert (await metrics(room, server.metrics_port))["pycall_users_online"] == 0
        for url in [http(room, "/metrics"), http(room, "/healthz", server.metrics_port)]:
            async with room.session.get(url) as response:
                assert response.status == 404


async def test_a_metrics_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"), metrics_port=port)
        with pytest.raises(ConfigError, match="--metrics-port"):
            async with serve(settings):
                raise AssertionError("two listeners on one port")


async def test_ready_until_it_stops(tmp_path: Path) -> None:
    """While the last client takes its time to go, the server is healthy but takes nobody."""
    limits = Limits(close_seconds=2.0)
    settings = Settings(secret_keys=(KEY,), port=0, db=str(tmp_path / "x.db"), limits=limits)
    stop = asyncio.Event()

    async def running(url: asyncio.Future[str]) -> None:
        async with serve(settings) as server:
            url.set_result(server.url)
            await stop.wait()

    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(running(url))
    async with room_of(await url) as room:
        alice = await room.user("alice")
        async with room.session.get(http(room, "/readyz")) as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        stop.set()
        goodbye = await alice.hear(wire.Goodbye)
        assert goodbye.retry
        async with room.session.get(http(room, "/readyz")) as response:
            assert (response.status, (await response.json())["reason"]) == (503, "the server is stopping")
        async with room.session.get(http(room, "/healthz")) as response:
            assert response.status == 200
        assert await alice.close_code() == 1012
        await asyncio.wait_for(task, 5)


async def test_health_is_red_once_nobody_judges_any_more(tmp_path: Path) -> None:
    store, ended = await Store.open(str(tmp_path / "x.db")), asyncio.Event()
    health, request = Health(store, ended), make_mocked_request("GET", "/")
    ended.set()
    for answer in [await health.handle(request), await health.handle_ready(request)]:
        assert answer.status == 503 and "restart the server" in (answer.text or "")
    await store.close()
