"""A WebSocket server that does exactly what a test tells it, so that the client meets every kind of server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from pycall.core.wire import Login, Message, Ping, Pong, Welcome, decode_from_client, encode

Answer = Callable[["Talk"], Awaitable[None]]


class Talk:
    """The server's end of one connection."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.request = request

    async def hear(self) -> Message:
        message = await asyncio.wait_for(self.socket.receive(), 5)
        assert message.type is WSMsgType.TEXT, message
        return decode_from_client(message.data)

    async def say(self, message: Message) -> None:
        await self.socket.send_str(encode(message))

    async def welcome(self, heartbeat: float = 10.0) -> Login:
        """Hear the login and let it in."""
        login = await self.hear()
        assert isinstance(login, Login)
        await self.say(Welcome(version=1, user_id=login.user_id, server_time=0.0, heartbeat=heartbeat))
        return login

    async def answer_pings(self) -> None:
        """Until the client closes."""
        async for message in self.socket:
            ping = decode_from_client(message.data)
            if isinstance(ping, Ping):
                await self.say(Pong(id=ping.id))

    def cut(self) -> None:
        """Drop the TCP connection without a word."""
        assert self.request.transport is not None
        self.request.transport.abort()


@asynccontextmanager
async def scripted(*answers: Answer, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback; the first connection is answered by the first function, and so on, the last one again.

    Gives the URL. A failed assertion in an answer fails the test when the server is left.
    """
    failures: list[BaseException] = []
    count = 0

    async def serve(request: web.Request) -> web.WebSocketResponse:
        nonlocal count
        answer = answers[min(count, len(answers) - 1)]
        count += 1
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        try:
            await answer(Talk(socket, request))
        except (AssertionError, TimeoutError) as error:
            failures.append(error)
        return socket

    app = web.Application()
    app.router.add_get("/ws", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    finally:
        await runner.cleanup()
    if failures:
        raise failures[0]
