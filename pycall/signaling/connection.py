"""One WebSocket to the server, signed in: frames in and out, heartbeats, and the moment at which it is dead."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Any, Literal

import aiohttp

from pycall.core.errors import ErrorCode, LoginError, RemoteProtocolError, SignalingError
from pycall.core.types import MAX_MESSAGE_BYTES
from pycall.core.wire import Goodbye, Login, Message, Ping, Pong, ServerMessage, Welcome, decode_from_server, encode

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""For the TCP, TLS and WebSocket handshakes and the server's word on the login together."""
CLOSE_SECONDS = 1.0
"""For the closing handshake; a server that is gone must not hold us up."""
SEND_QUEUE = 256
"""Frames waiting to be written. A call is set up with about forty; more than this means that nothing is read."""
SILENCE_FACTOR = 1.5
"""Of the heartbeat: the server answers each ping, so nothing in this time means that the socket is dead."""
SILENCE_SLACK = 0.5
"""Seconds added to it for a busy machine."""
_NO_ROOT = frozenset({18, 19, 20, 21})
"""OpenSSL's verify codes for a certificate, or a chain, that leads to no root known here."""

ADDRESS_SECONDS = 0.25
"""Between two looks at whether our address is still ours (7 µs): media that moves waits for us to carry its offer."""

Socket = aiohttp.ClientWebSocketResponse[Literal[True]]


class ServerAbsent(SignalingError):
    """The machine is there, and nobody listens at that port: the server is not running, or just now starts again."""


class Connection:
    """A signed-in WebSocket. `run()` owns it: when that returns, it is closed."""

    def __init__(self, socket: Socket, welcome: Welcome) -> None:
        self.welcome = welcome
        self._socket = socket
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(SEND_QUEUE)
        self._patience = asyncio.timeout(None)
        self._dead = False

    def send(self, message: Message) -> bool:
        """Put one frame into the queue; False if the connection is dead. A full queue makes it so."""
        if self._dead:
            return False
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            log.warning("the server takes nothing any more: %d frames wait; connecting anew", SEND_QUEUE)
            self._give_up()
            return False
        return True

    async def run(self, on_message: Callable[[ServerMessage], None]) -> Goodbye | None:
        """Carry frames until the connection is dead; gives the server's goodbye if there was one."""
        tasks = [
            asyncio.create_task(self._write(), name="signaling writer"),
            asyncio.create_task(self._ping(), name="signaling heartbeat"),
            asyncio.create_task(self._watch_address(), name="signaling address"),
        ]
        try:
            return await self._read(on_message)
        finally:
            self._dead = True
            for task in tasks:
                task.cancel()
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:  # also if we are cancelled just now
                await self.close()

    async def close(self) -> None:
        """For a connection that `run()` never took over."""
        self._dead = True
        await _close(self._socket)

    def _give_up(self) -> None:
        self._dead = True
        if self._patience.when() is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def _read(self, on_message: Callable[[ServerMessage], None]) -> Goodbye | None:
        silence = self.welcome.heartbeat * SILENCE_FACTOR + SILENCE_SLACK
        loop = asyncio.get_running_loop()
        try:
            async with self._patience:
                while not self._dead:
                    self._patience.reschedule(loop.time() + silence)
                    frame = await self._socket.receive()
                    if frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR):
                        return None
                    message = _decoded(frame)
                    if isinstance(message, Goodbye):
                        return message
                    if message is not None and not isinstance(message, Pong):
                        on_message(message)
        except TimeoutError:
            if not self._dead:
                log.info("nothing from the server for %.1f s: the connection is dead", silence)
        return None

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send_str(encode(await self._waiting.get()))
        except (aiohttp.ClientError, ConnectionError) as error:
            log.debug("writing to the server ended: %s", error)

    async def _watch_address(self) -> None:
        """A socket whose own address is gone, after a change of network, would only notice by the next silence."""
        while not self._dead:
            await asyncio.sleep(ADDRESS_SECONDS)
            own = self._socket.get_extra_info("sockname")
            if own is not None and not _still_ours(own):
                log.info("the address %s is gone; connecting anew", own[0])
                self._give_up()

    async def _ping(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(self.welcome.heartbeat)
            number += 1
            self.send(Ping(id=number))


def _still_ours(address: tuple[Any, ...]) -> bool:
    """Whether a socket may still be bound to this address: (host, port, ...)."""
    try:
        with socket.socket(socket.AF_INET6 if len(address) == 4 else socket.AF_INET) as probe:
            probe.bind((address[0], 0, *address[2:]))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True


async def open_connection(session: aiohttp.ClientSession, url: str, login: Login) -> Connection:
    """Connect and sign in. Raises `LoginError` if the server refuses us for good, else `SignalingError`."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            socket = await _connect(session, url)
            return await _sign_in(socket, url, login)
    except TimeoutError:
        raise SignalingError(ErrorCode.UNREACHABLE, f"{url} does not answer; is it a pycall server?") from None


async def _connect(session: aiohttp.ClientSession, url: str) -> Socket:
    try:
        return await session.ws_connect(
            url,
            max_msg_size=MAX_MESSAGE_BYTES + 1,
            compress=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            decode_text=True,
        )
    except (aiohttp.ClientError, OSError, ValueError) as error:
        refused = isinstance(error, aiohttp.ClientOSError) and error.errno == errno.ECONNREFUSED
        kind = ServerAbsent if refused else SignalingError
        raise kind(ErrorCode.UNREACHABLE, _explain(url, error)) from error


def _explain(url: str, error: Exception) -> str:
    """One line for people: what is wrong with this address and what to do."""
    match error:
        case aiohttp.WSServerHandshakeError():
            return f"{url} answered HTTP {error.status}, not a WebSocket; check the address (the path is usually /ws)"
        case aiohttp.InvalidURL():
            return f"{url!r} is not an address of a server; use ws://HOST:PORT/ws or wss://HOST/ws"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {url} is not trusted: {error.certificate_error}{_trust(error)}"
        case aiohttp.ClientSSLError():
            return f"no TLS connection to {url}; a server without a certificate is reached with ws://"
        case aiohttp.ClientConnectorDNSError():
            return f"no such host: {url}; check the name in the address"
        case _ if _hung_up(error) and url.startswith("ws:"):
            return f"{url} hung up without a word; a server that speaks TLS (with a certificate) is reached with wss://"
        case _:
            return f"no server at {url}; check the address, or start one on this machine with `pycall serve --dev`"


def _trust(error: aiohttp.ClientConnectorCertificateError) -> str:
    """How to, where nothing but a root is missing."""
    missing = getattr(error.certificate_error, "verify_code", 0) in _NO_ROOT
    return "; if it, or its authority, is your own, name its file: SSL_CERT_FILE=ca.pem" if missing else ""


def _hung_up(error: Exception) -> bool:
    """The other side took the connection, and closed it when it heard what we speak."""
    reset = isinstance(error, aiohttp.ClientOSError) and error.errno in {errno.ECONNRESET, errno.EPIPE}
    return reset or isinstance(error, aiohttp.ServerDisconnectedError)


async def _sign_in(socket: Socket, url: str, login: Login) -> Connection:
    signed_in = False
    try:
        await socket.send_str(encode(login))
        answer = await _first_answer(socket, url)
        if isinstance(answer, Goodbye):
            raise _refusal(answer)
        signed_in = True
        return Connection(socket, answer)
    except (aiohttp.ClientError, ConnectionError) as error:
        raise SignalingError(ErrorCode.UNREACHABLE, f"{url} closed the connection during the login") from error
    finally:
        if not signed_in:
            await _close(socket)


async def _close(socket: Socket) -> None:
    """With the closing handshake if the other side still answers."""
    try:
        await socket.close()
    finally:
        # aiohttp leaves a connection that broke under its reader to the garbage collector.
        socket._response.close()


async def _first_answer(socket: Socket, url: str) -> Welcome | Goodbye:
    frame = await socket.receive()
    message = _decoded(frame)
    if isinstance(message, Welcome | Goodbye):
        return message
    raise SignalingError(ErrorCode.UNREACHABLE, f"{url} is no pycall server: it did not answer the login")


def _refusal(goodbye: Goodbye) -> LoginError | SignalingError:
    """With `retry` the server only has no room or no storage just now; without, our login is no good."""
    kind = SignalingError if goodbye.retry else LoginError
    return kind(goodbye.code, goodbye.message)


def _decoded(frame: aiohttp.WSMessage) -> ServerMessage | None:
    """The message in a frame; None, with a warning, for anything a server should not send."""
    if frame.type is not aiohttp.WSMsgType.TEXT:
        return None
    try:
        return decode_from_server(frame.data)
    except RemoteProtocolError as error:
        log.warning("a frame of the server was dropped: %s", error)
        return None
