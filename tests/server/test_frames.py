"""Frames as no client should send them: each has one answer, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable

import pytest

from pycall.core import wire
from signaling_server.limits import Limits
from tests.server.bytes import BINARY, CLOSE, CONTINUE, PING, PONG, TEXT, Bytes, below, frame
from tests.server.raw import APP_ID, QUICK, Room, ticket

OpenRoom = Callable[..., Awaitable[Room]]
PINGED = frame(TEXT, b'{"type":"ping","id":1}')


def login(user_id: str = "alice") -> bytes:
    fields = {"type": "login", "version": 1, "app_id": APP_ID, "user_id": user_id, "device_id": "d"}
    return json.dumps(fields | {"user_sig": ticket(user_id)}).encode()


async def signed_in(raw: Bytes, user_id: str = "alice") -> None:
    await raw.send(frame(TEXT, login(user_id)))
    opcode, data = await raw.frame()
    assert opcode == TEXT and json.loads(data)["type"] == "welcome"


async def still_there(raw: Bytes) -> None:
    await raw.send(PINGED)
    opcode, data = await raw.frame()
    assert opcode == TEXT and json.loads(data) == {"type": "pong", "id": 1}


@pytest.mark.parametrize(
    ("frames", "codes"),
    [
        ([frame(TEXT, b"{}", reserved=4)], {1002}),
        ([frame(TEXT, zlib.compress(b"\0" * 10_000_000), reserved=4)], {1002}),
        ([frame(TEXT, b"{}", reserved=2)], {1002}),
        ([frame(0x3, b"{}")], {1002}),
        ([frame(0xB, b"{}")], {1002}),
        ([frame(PING, b"x" * 126)], {1002}),
        ([frame(CLOSE, b"\x03\xe8" + b"x" * 124)], {1002}),
        ([frame(PING, b"x", fin=False)], {1002}),
        ([frame(CONTINUE, b"x")], {1002, 1007}),
        ([frame(TEXT, b"{", fin=False), frame(TEXT, b"}")], {1002}),
        ([frame(TEXT, b"\xff\xfe")], {1007}),
        ([frame(TEXT, b"\xed\xa0\x80")], {1007}),
        ([frame(CLOSE, b"\x03")], {1002}),
        ([frame(CLOSE, b"\0\0")], {1002}),
        ([frame(CLOSE, (999).to_bytes(2, "big"))], {1002}),
        ([frame(CLOSE, (1005).to_bytes(2, "big"))], {1002}),
        ([frame(CLOSE, b"\x03\xe8\xff")], {1007}),
        ([frame(TEXT, b"x" * 65537)], {1009}),
        ([frame(TEXT, b"x" * 40_000, fin=False), frame(CONTINUE, b"x" * 40_000)], {1009}),
        ([b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"], {1002, 1009}),
        ([frame(TEXT, b"[" * 60_000)], {1007}),
        ([frame(BINARY, b"x")] * 5, {1003}),
        ([frame(CLOSE, b"\x03\xe8")], {1000}),
        ([frame(CLOSE)], {1000}),
    ],
    ids=range(24),
)
async def test_each_has_one_answer(open_room: OpenRoom, frames: list[bytes], codes: set[int]) -> None:
    room = await open_room(limits=Limits(bad_frames=1, close_seconds=0.5))
    bystander = await room.user("bob")
    async with below(room.url) as raw:
        await signed_in(raw)
        await raw.send(*frames)
        assert await raw.close_code() in codes
    await bystander.say(wire.Ping(id=7))
    assert (await bystander.hear(wire.Pong)).id == 7


async def test_what_is_allowed_if_odd(room: Room) -> None:
    async with below(room.url) as raw:
        text = login()
        await raw.send(frame(PING, b"early"), frame(PONG, b"unasked"))
        assert await raw.frame() == (PONG, b"early")
        pieces = [text[place : place + 7] for place in range(0, len(text), 7)]
        frames = [frame(CONTINUE, piece, fin=False) for piece in pieces]
        frames[0] = frame(TEXT, pieces[0], fin=False)
        await raw.send(*frames[:5], frame(PING, b"between"), *frames[5:], frame(CONTINUE, b"", fin=True))
        assert await raw.frame() == (PONG, b"between")
        opcode, data = await raw.frame()
        assert opcode == TEXT and json.loads(data)["type"] == "welcome"
        await still_there(raw)


async def test_compression_that_is_offered_is_not_taken(room: Room) -> None:
    async with below(room.url, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits") as raw:
        await signed_in(raw)


async def test_a_message_that_never_ends_is_not_waited_for(open_room: OpenRoom) -> None:
    room = await open_room(limits=QUICK)
    async with below(room.url) as raw:
        await raw.send(frame(TEXT, b"{", fin=False))
        feeding = asyncio.create_task(feed(raw))
        assert await raw.close_code() in {None, 4408}
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    async with below(room.url) as raw:
        await signed_in(raw, "bob")
        await raw.send(frame(TEXT, b"{", fin=False))
        feeding = asyncio.create_task(feed(raw))
        assert await raw.close_code() is None
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def feed(raw: Bytes) -> None:
    """Empty pieces for ever, every few milliseconds."""
    while True:
        await raw.send(frame(CONTINUE, b"", fin=False))
        await asyncio.sleep(0.01)


async def test_ten_thousand_tiny_fragments_are_one_message(room: Room) -> None:
    async with below(room.url) as raw:
        await signed_in(raw)
        pieces = [frame(CONTINUE, b"", fin=False)] * 10_000
        await raw.send(frame(TEXT, b'{"type":"ping",', fin=False), *pieces, frame(CONTINUE, b'"id":1}'))
        assert json.loads((await raw.frame())[1]) == {"type": "pong", "id": 1}


@pytest.mark.parametrize("kind", [PING, PONG])
async def test_a_flood_of_pings_is_ended(room: Room, kind: int) -> None:
    async with below(room.url) as raw:
        await signed_in(raw)
        await raw.send(*[frame(kind, b"x")] * 400)
        assert await raw.close_code() == 4429


async def test_pings_without_a_login_are_no_login(open_room: OpenRoom) -> None:
    room = await open_room(limits=Limits(login_seconds=0.3, close_seconds=0.3))
    async with below(room.url) as raw:
        await raw.send(frame(PING, b"x"))
        assert await raw.frame() == (PONG, b"x")
        assert await raw.close_code() == 4408
