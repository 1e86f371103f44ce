"""The WebSocket endpoint: lets clients sign in, holds the limits, and carries messages to and from the exchange."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSMsgType, web

from pycall.core.errors import ErrorCode, LoginError, RemoteProtocolError
from pycall.core.types import MAX_MESSAGE_BYTES
from pycall.core.usersig import check_user_sig
from pycall.core.wire import (
    PROTOCOL_VERSION,
    Goodbye,
    Login,
    Ping,
    Pong,
    Reply,
    Signal,
    Welcome,
    decode_from_client,
    req_id_of,
)

from .clock import Clock
from .exchange import Arrived, Exchange, Gone, Said
from .logs import log_about
from .metrics import Metrics
from .session import CLOSE_LATER, CLOSE_RESTART, CLOSE_TOO_BIG, Session
from .settings import Settings
from .switchboard import Close, SessionId, Tell

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.25
CLOSE_BINARY = 1003


class Sockets:
    """All sessions of this server."""

    def __init__(self, settings: Settings, clock: Clock, metrics: Metrics) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._clock = clock
        self._metrics = metrics
        self._numbers = itertools.count(1)
        self._sessions: dict[SessionId, Session] = {}
        self._waiting = 0
        self._open = True
        self._empty = asyncio.Event()
        self._exchange: Exchange | None = None

    def attach(self, exchange: Exchange) -> None:
        """Where inputs go; before the first client comes."""
        self._exchange = exchange

    def deliver(self, item: Tell | Close) -> None:
        """Tell or close one session; one that is gone meanwhile is not missed, its client catches up on return."""
        session = self._sessions.get(item.session)
        if session is None:
            return
        if isinstance(item, Close):
            session.goodbye(item.goodbye)
        elif isinstance(item.message, Welcome):
            session.send(msgspec.structs.replace(item.message, heartbeat=self._limits.heartbeat))
        else:
            session.send(item.message)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One WebSocket, from its handshake to its end."""
        self._check_origin(request)
        close_seconds = self._limits.close_seconds
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False, timeout=close_seconds)
        await socket.prepare(request)
        session = Session(next(self._numbers), socket, request, self._limits)
        log_about(session=session.number)
        self._sessions[session.number] = session
        self._empty.clear()
        session.start()
        try:
            async with session.reading():
                if await self._sign_in(session, socket):
                    await self._listen(session, socket)
        finally:
            await session.finish()
            del self._sessions[session.number]
            if not self._sessions:
                self._empty.set()
        return socket

    async def sweep(self) -> None:
        """Watch over all sessions until cancelled: late logins, silent clients, closes that hang."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            if now - last < 4 * SWEEP_SECONDS:  # else this process slept itself: read first, judge the next time
                for session in list(self._sessions.values()):
                    self._inspect(session, now)
            last = now

    async def shutdown(self) -> None:
        """Send everybody away to come back, and wait for it, at most two times `close_seconds`."""
        self._open = False
        for session in list(self._sessions.values()):
            session.goodbye(_goodbye(ErrorCode.UNREACHABLE, "the server restarts", retry=True), CLOSE_RESTART)
        await self._emptied()
        for session in list(self._sessions.values()):
            session.abort()
        await self._emptied()

    async def _emptied(self) -> None:
        if self._sessions:
            try:
                async with asyncio.timeout(self._limits.close_seconds):
                    await self._empty.wait()
            except TimeoutError:
                logger.warning("%d sessions do not close", len(self._sessions))

    def _check_origin(self, request: web.Request) -> None:
        """A browser tells which page connects; other clients tell nothing and are asked for their ticket only."""
        origin = request.headers.get("Origin")
        if origin is None or origin in self._settings.origins:
            return
        if urlsplit(origin).netloc != request.host or urlsplit(origin).scheme not in {"http", "https"}:
            raise web.HTTPForbidden

    # --- signing in ---------------------------------------------------------------------------------------------

    async def _sign_in(self, session: Session, socket: web.WebSocketResponse) -> bool:
        """True once signed in; else the goodbye is queued."""
        if self._waiting >= self._limits.waiting or not self._open:
            self._metrics.rejected("login", ErrorCode.TOO_MANY.value)
            session.goodbye(
                _goodbye(ErrorCode.TOO_MANY, "too many clients sign in; try later", retry=True), CLOSE_LATER
            )
            return False
        self._waiting += 1
        try:
            frame = await socket.receive()
        finally:
            self._waiting -= 1
        if frame.type not in {WSMsgType.TEXT, WSMsgType.BINARY} or session.closing:
            return False
        session.heard_at = time.monotonic()
        return await self._admit(session, frame.data)

    async def _admit(self, session: Session, data: str | bytes) -> bool:
        if len(data) > self._limits.login_bytes:
            self._metrics.rejected("login", ErrorCode.BAD_MESSAGE.value)
            session.goodbye(_goodbye(ErrorCode.BAD_MESSAGE, "the login is too long"), CLOSE_TOO_BIG)
            return False
        try:
            login = self._check_login(data)
        except (RemoteProtocolError, LoginError) as error:
            self._metrics.rejected("login", error.code.value)
            logger.info("login refused", extra={"session": session.number, "reason": error.code.value})
            session.goodbye(_goodbye(error.code, error.message[:200]))
            return False
        session.user_id = login.user_id
        log_about(user_id=login.user_id)
        await self._hand_in(Arrived(session.number, login))
        return True

    def _check_login(self, data: str | bytes) -> Login:
        login = decode_from_client(data)
        if not isinstance(login, Login) or isinstance(data, bytes):
            raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, "the first frame must be a login, as text")
        if login.version != PROTOCOL_VERSION:
            raise LoginError(ErrorCode.BAD_VERSION, f"this server speaks version {PROTOCOL_VERSION} of the protocol")
        if login.app_id != self._settings.app_id:
            raise LoginError(ErrorCode.SIG_WRONG_APP, f"this server is app {self._settings.app_id}")
        check_user_sig(
            login.user_sig,
            app_id=self._settings.app_id,
            secret_keys=self._settings.secret_keys,
            user_id=login.user_id,
            now=self._clock.now(),
        )
        return login

    # --- signed in ----------------------------------------------------------------------------------------------

    async def _listen(self, session: Session, socket: web.WebSocketResponse) -> None:
        """Take messages until the socket or the session ends, then tell that it is gone."""
        try:
            while not session.closing:
                frame = await socket.receive()
                if frame.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    return
                session.heard_at = time.monotonic()
                await self._take(session, frame.data)
        finally:
            await self._hand_in(Gone(session.number))

    async def _take(self, session: Session, data: str | bytes) -> None:
        try:
            if isinstance(data, bytes):
                raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, "messages are text frames")
            message = decode_from_client(data)
        except RemoteProtocolError as error:
            self._count_bad(session, data, error)
            return
        bucket = session.signals if isinstance(message, Signal) else session.messages
        if not bucket.take(session.heard_at):
            self._metrics.rejected("message", ErrorCode.TOO_MANY.value)
            session.goodbye(_goodbye(ErrorCode.TOO_MANY, "too many messages; slow down", retry=True))
        elif isinstance(message, Ping):
            session.send(Pong(id=message.id))
        else:
            await self._hand_in(Said(session.number, message))

    def _count_bad(self, session: Session, data: str | bytes, error: RemoteProtocolError) -> None:
        """A command that cannot be read is answered, if it has a number; too much garbage ends the session."""
        session.bad_frames += 1
        self._metrics.rejected("message", error.code.value)
        if session.bad_frames >= self._limits.bad_frames or not session.messages.take(session.heard_at):
            code = CLOSE_BINARY if isinstance(data, bytes) else None
            session.goodbye(_goodbye(ErrorCode.BAD_MESSAGE, error.message[:200]), code)
        elif (number := req_id_of(data)) is not None:
            session.send(Reply(req_id=number, ok=False, code=error.code, message=error.message[:200]))

    async def _hand_in(self, item: Arrived | Said | Gone) -> None:
        if self._exchange is not None:
            await self._exchange.put(item)

    def _inspect(self, session: Session, now: float) -> None:
        if session.user_id is None:
            if now - session.opened_at > self._limits.login_seconds and not session.closing:
                self._metrics.rejected("login", ErrorCode.TIMED_OUT.value)
                session.goodbye(_goodbye(ErrorCode.TIMED_OUT, "no login came in time", retry=True))
        elif now - session.heard_at > 1.5 * self._limits.heartbeat and not session.closing:
            logger.info("silent; dropped", extra={"session": session.number, "user_id": session.user_id})
            session.abort()


def _goodbye(code: ErrorCode, message: str, *, retry: bool = False) -> Goodbye:
    return Goodbye(code=code, message=message, retry=retry)
