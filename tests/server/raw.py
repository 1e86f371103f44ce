"""A client that is nothing but a WebSocket: it says what a test tells it and hears what really comes."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from aiohttp import WSMsgType

from pycall.core import wire
from pycall.core.types import MediaType
from pycall.core.usersig import make_user_sig
from signaling_server.clock import Clock
from signaling_server.limits import Limits

APP_ID = 1400000000
KEY = secrets.token_hex(32)
SECONDS = 5.0
REQUESTS = itertools.count(1)
"""Never used twice: a device that comes back goes on counting."""
QUICK = Limits(login_seconds=0.3, heartbeat=0.4, close_seconds=0.3)

M = TypeVar("M", bound=wire.Message)


def ticket(user_id: str, **changes: Any) -> str:
    fields: dict[str, Any] = {"app_id": APP_ID, "secret_key": KEY, "user_id": user_id, "now": int(time.time())}
    fields |= changes
    return make_user_sig(
        fields.pop("app_id"), fields.pop("secret_key"), fields.pop("user_id"), now=fields.pop("now"), **fields
    )


def case(value: object) -> str:
    """What a case with these values is called, in every process the same, while each makes tickets of its own."""
    return re.sub("eJ[^']+", "a ticket", str(value))[:40]


def new_call_id() -> str:
    return secrets.token_hex(16)


class LeapingClock(Clock):
    """The server's clock, which a test may put forward."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


class Raw:
    """One WebSocket. Messages are heard in the order they come; none may be left out."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, sign: Callable[[str], str]) -> None:
        self.socket = socket
        self._sign = sign
        self.user_id = ""

    async def say(self, message: wire.Message) -> None:
        await self.socket.send_str(wire.encode(message))

    async def frame(self) -> aiohttp.WSMessage:
        return await asyncio.wait_for(self.socket.receive(), SECONDS)

    async def hear(self, kind: type[M]) -> M:
        """The next message, which must be of this kind."""
        frame = await self.frame()
        assert frame.type is WSMsgType.TEXT, (frame, self.socket.close_code)
        message = wire.decode_from_server(frame.data)
        assert isinstance(message, kind), message
        return message

    async def close_code(self) -> int | None:
        """The code that the server closes with, next."""
        frame = await self.frame()
        assert frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}, frame
        return self.socket.close_code

    async def refused(self) -> tuple[str, int | None]:
        """The goodbye's code and the close code."""
        goodbye = await self.hear(wire.Goodbye)
        return goodbye.code.value, await self.close_code()

    def login_of(self, user_id: str, device_id: str = "", **changes: Any) -> wire.Login:
        fields: dict[str, Any] = {"version": wire.PROTOCOL_VERSION, "app_id": APP_ID, "user_id": user_id}
        fields["device_id"] = device_id or f"device-of-{user_id}"
        if "user_sig" not in changes:
            fields["user_sig"] = self._sign(user_id)
        return wire.Login(**(fields | changes))

    async def login(self, user_id: str, device_id: str = "", **changes: Any) -> wire.Welcome:
        self.user_id = user_id
        await self.say(self.login_of(user_id, device_id, **changes))
        return await self.hear(wire.Welcome)

    async def ask(self, kind: type[wire.Command], **fields: Any) -> wire.Reply:
        """Send a command; its reply must be the next message."""
        number = next(REQUESTS)
        await self.say(kind(req_id=number, **fields))
        reply = await self.hear(wire.Reply)
        assert reply.req_id == number
        return reply

    async def settle(self) -> None:
        """Everything said before has been judged."""
        assert not (await self.ask(wire.Accept, call_id=new_call_id())).ok

    async def invite(self, callee: str, *, timeout: int = 30, media: MediaType = MediaType.AUDIO) -> str:
        call_id = new_call_id()
        reply = await self.ask(wire.Invite, call_id=call_id, callees=(callee,), media=media, timeout=timeout)
        assert reply.ok, reply
        return call_id

    def cut(self) -> None:
        """Drop the TCP connection without a word."""
        connection = self.socket._response.connection
        assert connection is not None and connection.transport is not None
        connection.transport.abort()

    async def gone(self) -> None:
        """The server is not there any more."""
        frame = await self.frame()
        assert frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR}, frame


class Room:
    """Opens clients of one server and closes them at the end."""

    def __init__(self, session: aiohttp.ClientSession, url: str, sign: Callable[[str], str]) -> None:
        self.session = session
        self.url = url
        self._sign = sign
        self._opened: list[Raw] = []

    async def open(self, url: str = "", headers: Mapping[str, str] | None = None, **options: Any) -> Raw:
        options = {"headers": headers, "max_msg_size": 1 << 20} | options
        raw = Raw(await self.session.ws_connect(url or self.url, **options), self._sign)
        self._opened.append(raw)
        return raw

    def close(self) -> None:
        """aiohttp leaves connections that broke under their reader to the garbage collector."""
        for raw in self._opened:
            raw.socket._response.close()

    async def user(self, user_id: str, **login: Any) -> Raw:
        raw = await self.open()
        await raw.login(user_id, **login)
        return raw


@asynccontextmanager
async def room_of(url: str, sign: Callable[[str], str] = ticket) -> AsyncIterator[Room]:
    async with aiohttp.ClientSession() as session:
        room = Room(session, url, sign)
        yield room
        room.close()


async def talking(room: Room, caller: str = "alice", callee: str = "bob") -> tuple[Raw, Raw, str]:
    """Two users in a call whose media is up."""
    a, b = await room.user(caller), await room.user(callee)
    call_id = await a.invite(callee)
    await b.hear(wire.Invited)
    await a.hear(wire.Ringing)
    assert (await b.ask(wire.Accept, call_id=call_id)).ok
    await a.hear(wire.Joined)
    for raw, other in [(a, callee), (b, caller)]:
        await raw.say(wire.PeerReport(call_id=call_id, user_id=other, up=True))
        await raw.settle()
    return a, b, call_id
