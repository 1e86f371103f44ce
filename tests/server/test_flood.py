"""Somebody who wants to bring the server down: whatever they do, two others call each other meanwhile."""

from __future__ import annotations

import asyncio
import base64
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from pycall.core import wire
from pycall.core.errors import ErrorCode
from pycall.core.types import MediaType
from signaling_server.limits import Limits
from tests.server.bytes import below
from tests.server.office import INFO, ask, base_of, query
from tests.server.raw import Raw, Room, new_call_id

OpenRoom = Callable[..., Awaitable[Room]]
STRICT = Limits(login_seconds=5.0, body_seconds=5.0, close_seconds=0.3)


async def they_can_call(room: Room, alice: Raw, bob: Raw) -> None:
    """Dial, answer and hang up, in the time that people wait for."""
    async with asyncio.timeout(5):
        call_id = await alice.invite("bob")
        await bob.hear(wire.Invited)
        await alice.hear(wire.Ringing)
        assert (await bob.ask(wire.Accept, call_id=call_id)).ok
        await alice.hear(wire.Joined)
        assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
        await alice.hear(wire.Ended)
        await bob.hear(wire.Ended)


@asynccontextmanager
async def bystanders(room: Room) -> AsyncIterator[tuple[Raw, Raw]]:
    """Two who can call each other before the flood and after it."""
    alice, bob = await room.user("alice"), await room.user("bob")
    await they_can_call(room, alice, bob)
    yield alice, bob
    await they_can_call(room, alice, bob)
    carol = await room.user("carol")
    await carol.settle()


async def test_sockets_that_say_nothing(open_room: OpenRoom) -> None:
    room = await open_room(limits=STRICT)
    async with bystanders(room), AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(below(room.url)) for _ in range(250)]
        refused = [raw for raw in silent[200:] if await raw.close_code() == 1013]
        assert len(refused) == 50
        for raw in silent[:100]:
            raw.writer.transport.abort()
        await until_open(room)


async def until_open(room: Room) -> None:
    """Somebody gets in again once some of the silent ones are gone."""
    async with asyncio.timeout(5):
        while True:
            raw = await room.open()
            await raw.say(raw.login_of("dave"))
            if isinstance(wire.decode_from_server((await raw.frame()).data), wire.Welcome):
                return


async def test_half_requests_and_slow_bodies(open_room: OpenRoom) -> None:
    room = await open_room(limits=STRICT)
    host, port = base_of(room).removeprefix("http://").rsplit(":", 1)
    async with bystanders(room):
        halves = [await asyncio.open_connection(host, int(port)) for _ in range(100)]
        head = f"POST {INFO}?{query()} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n"
        for place, (_, writer) in enumerate(halves):
            writer.write(head.encode() + (b"\r\n{" if place % 2 else b""))
        for _, writer in halves:
            await writer.drain()
        status, _ = await ask(room, INFO, {"CallId": new_call_id()})
        assert status == 404
        for _, writer in halves:
            writer.transport.abort()


async def test_tickets_that_are_bombs(open_room: OpenRoom) -> None:
    room = await open_room(limits=STRICT)
    packed = zlib.compress(b"\0" * 1_400_000, 9)
    bomb = base64.b64encode(packed).decode().translate(str.maketrans("+/=", "*-_"))
    assert len(bomb) < 2048
    async with bystanders(room):
        for number in range(60):
            raw = await room.open()
            await raw.say(raw.login_of("mallory", user_sig=bomb))
            code, close_code = await raw.refused()
            assert (code, close_code) == (("sig_malformed", 4401) if number < 10 else ("too_many", 4429))


async def test_scans_of_the_rest_interface(open_room: OpenRoom) -> None:
    room = await open_room(limits=STRICT)
    async with bystanders(room):
        texts = [query(usersig="junk"), query(sdkappid=7), "", "%ff", query(identifier="alice")]
        answers = await asyncio.gather(*[ask(room, INFO, {}, text=texts[n % 5]) for n in range(300)])
        assert {status for status, _ in answers} <= {400, 401, 403, 429}
        assert 429 in {status for status, _ in answers}


async def test_one_user_dials_and_hangs_up_without_end(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(message_rate=1000, message_burst=1000, calls_per_user=20))
    async with bystanders(room):
        mallory, victim = await room.user("mallory"), await room.user("victim")
        began = 0
        for _ in range(60):
            call_id = new_call_id()
            fields: dict[str, Any] = {"callees": ("victim",), "media": MediaType.AUDIO, "timeout": 30}
            reply = await mallory.ask(wire.Invite, call_id=call_id, **fields)
            if not reply.ok:
                assert reply.code is ErrorCode.TOO_MANY and reply.retry_after
                continue
            began += 1
            await mallory.hear(wire.Ringing)
            assert (await mallory.ask(wire.Hangup, call_id=call_id)).ok
            await mallory.hear(wire.Ended)
            await victim.hear(wire.Invited)
            await victim.hear(wire.Ended)
        assert 20 <= began < 40
        await victim.settle()


async def test_one_user_comes_and_goes_without_end(open_room: OpenRoom) -> None:
    room = await open_room(limits=STRICT)
    async with bystanders(room):
        for number in range(60):
            raw = await room.open()
            await raw.login("mallory", device_id=f"d{number}")
            assert (await raw.ask(wire.Logout)).ok
            await raw.refused()


async def test_big_messages_as_fast_as_they_go(open_room: OpenRoom) -> None:
    room = await open_room(limits=STRICT)
    async with bystanders(room):
        mallory = await room.user("mallory")
        pad = "x" * 60_000
        sent = 0
        try:
            for number in range(400):
                await mallory.socket.send_str(f'{{"type":"ping","id":{number},"pad":"{pad}"}}')
                sent += 1
        except (aiohttp.ClientError, ConnectionError):
            pass
        assert sent >= 100
        codes = set()
        while (frame := await mallory.frame()).type is aiohttp.WSMsgType.TEXT:
            codes.add(type(wire.decode_from_server(frame.data)))
        assert mallory.socket.close_code in {4429, 1006} and codes <= {wire.Pong, wire.Goodbye}


@pytest.mark.parametrize("junk", ["{", '{"type":"invite","req_id":1}', "[" * 9000])
async def test_garbage_from_many(open_room: OpenRoom, junk: str) -> None:
    room = await open_room(limits=STRICT)
    async with bystanders(room):
        for number in range(20):
            raw = await room.user(f"mallory{number}")
            for _ in range(5):
                await raw.socket.send_str(junk)
            while (await raw.frame()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert raw.socket.close_code == 1007


async def test_headers_that_never_end_and_connections_that_idle(
    open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signaling_server.listening.KEEP_ALIVE_SECONDS", 0.5)
    room = await open_room()
    host, port = base_of(room).removeprefix("http://").rsplit(":", 1)
    for start in [
        b"",
        b"GET /healthz HT",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    ]:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(start)
        async with asyncio.timeout(5):
            told = await reader.read()
        assert told == b"" or told.startswith((b"HTTP/1.1 200", b"HTTP/1.1 408")), start
        writer.close()
        await writer.wait_closed()
