"""A phone that is nothing but a WebSocket: thousands of them fit into one process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import secrets
import time
from collections.abc import Callable

import aiohttp
from aiohttp import WSMsgType

from pycall.core import wire

from .server import APP_ID, ServerProcess

PER_ADDRESS = 15
"""Users who share one address of 127.0.0.0/8, so that limits by address hold nobody back."""
ANSWER_SECONDS = 10.0


class Lost(Exception):
    """The connection is gone, or an answer did not come in time."""


class Absent(Lost):
    """Nobody listens at the server's address."""


class Refused(Exception):
    """The server said no; with its code."""


class Phone:
    """One user. `ask` waits for the reply to a command, `heard` for a message of some call."""

    def __init__(self, server: ServerProcess, user_id: str, session: aiohttp.ClientSession) -> None:
        self.user_id = user_id
        self.device_id = secrets.token_hex(16)
        self.welcome: wire.Welcome | None = None
        self.on_lost: Callable[[Phone], None] = lambda _: None
        self.on_message: Callable[[wire.Message], None] = lambda _: None
        self._server = server
        self._session = session
        self._ticket = server.ticket(user_id)
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[wire.Reply]] = {}
        self._waits: dict[tuple[type[wire.Message], str], asyncio.Future[float]] = {}
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    async def login(self, call_id: str | None = None) -> wire.Welcome:
        """Connect and sign in; raises Lost (Absent) or Refused."""
        login = wire.Login(
            version=wire.PROTOCOL_VERSION,
            app_id=APP_ID,
            user_id=self.user_id,
            user_sig=self._ticket,
            device_id=self.device_id,
            call_id=call_id,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._socket = await self._session.ws_connect(self._server.url, max_msg_size=1 << 20)
                await self._socket.send_str(wire.encode(login))
                frame = await self._socket.receive()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            absent = isinstance(error, aiohttp.ClientOSError) and error.errno == errno.ECONNREFUSED
            raise (Absent if absent else Lost)(type(error).__name__) from error
        if frame.type is not WSMsgType.TEXT:
            raise Lost("closed before the welcome")
        message = wire.decode_from_server(frame.data)
        if not isinstance(message, wire.Welcome):
            raise Refused(getattr(message, "code", message))
        self.welcome = message
        self._reader = asyncio.create_task(self._read(self._socket))
        return message

    async def close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if self._socket is not None:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await self._socket.close()

    async def say(self, message: wire.Message) -> None:
        if self._socket is None:
            raise Lost("not connected")
        try:
            await self._socket.send_str(wire.encode(message))
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(type(error).__name__) from error

    async def ask(self, kind: type[wire.Command], **fields: object) -> wire.Reply:
        """Send a command; raises Refused if it is refused, Lost if no reply comes."""
        number = next(self._numbers)
        future = self._replies[number] = asyncio.get_running_loop().create_future()
        try:
            await self.say(kind(req_id=number, **fields))
            reply = await asyncio.wait_for(future, ANSWER_SECONDS)
        except TimeoutError as error:
            raise Lost("no reply") from error
        finally:
            self._replies.pop(number, None)
        if not reply.ok:
            raise Refused(None if reply.code is None else reply.code.value)
        return reply

    def expect(self, kind: type[wire.Message], call_id: str) -> asyncio.Future[float]:
        """When a message of this kind about this call comes (`time.perf_counter`)."""
        return self._waits.setdefault((kind, call_id), asyncio.get_running_loop().create_future())

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                self._take(wire.decode_from_server(frame.data))
        for future in [*self._replies.values(), *self._waits.values()]:
            if not future.done():
                future.set_exception(Lost("the connection is gone"))
                future.exception()  # somebody may have given up waiting
        self._waits.clear()
        self.welcome = None
        if self._reader is not None:
            self.on_lost(self)

    def _take(self, message: wire.Message) -> None:
        self.on_message(message)
        if isinstance(message, wire.Reply):
            reply = self._replies.get(message.req_id)
            if reply is not None and not reply.done():
                reply.set_result(message)
            return
        call_id = message.call.call_id if isinstance(message, wire.Invited) else getattr(message, "call_id", "")
        future = self._waits.pop((type(message), call_id), None)
        if future is not None and not future.done():
            future.set_result(time.perf_counter())


class Crowd:
    """Phones of one server, each at an address of its own in 127.0.0.0/8 that it shares with a few others."""

    def __init__(self, server: ServerProcess) -> None:
        self.phones: list[Phone] = []
        self._server = server
        self._sessions: list[aiohttp.ClientSession] = []
        self._pings: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Crowd:
        self._pings = asyncio.create_task(self._keep_alive())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pings is not None:
            self._pings.cancel()
            await asyncio.gather(self._pings, return_exceptions=True)
        for start in range(0, len(self.phones), 200):
            await asyncio.gather(*(phone.close() for phone in self.phones[start : start + 200]))
        for session in self._sessions:
            await session.close()

    def phone(self, user_id: str) -> Phone:
        """One more, not signed in yet."""
        if len(self.phones) % PER_ADDRESS == 0:
            number = len(self._sessions) + 1
            address = (f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}", 0)
            connector = aiohttp.TCPConnector(local_addr=address, limit=0)
            self._sessions.append(aiohttp.ClientSession(connector=connector))
        phone = Phone(self._server, user_id, self._sessions[-1])
        self.phones.append(phone)
        return phone

    async def sign_in(self, count: int, name: str = "user", at_once: int = 100) -> list[Phone]:
        """That many phones, signed in."""
        phones = [self.phone(f"{name}-{len(self.phones)}") for _ in range(count)]
        for start in range(0, count, at_once):
            await asyncio.gather(*(phone.login() for phone in phones[start : start + at_once]))
        return phones

    async def _keep_alive(self) -> None:
        """Everybody's pings, spread evenly over the heartbeat."""
        while True:
            begun = time.perf_counter()
            for number, phone in enumerate(list(self.phones)):
                if phone.welcome is not None:
                    with contextlib.suppress(Lost):
                        await phone.say(wire.Ping(id=number))
                if number % 10 == 9:
                    ahead = number / len(self.phones) * wire.HEARTBEAT_SECONDS * 0.9
                    await asyncio.sleep(max(0.0, begun + ahead - time.perf_counter()))
            await asyncio.sleep(max(0.05, begun + wire.HEARTBEAT_SECONDS * 0.9 - time.perf_counter()))
