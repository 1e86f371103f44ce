"""The WebSocket endpoint: lets clients sign in, holds the limits, and carries messages to and from the exchange."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Mapping

from aiohttp import WSMessage, WSMsgType, web

from pycall.core.errors import ErrorCode, LoginError, RemoteProtocolError
from pycall.core.types import MAX_MESSAGE_BYTES
from pycall.core.wire import (
    DeleteRecords,
    Login,
    Ping,
    Pong,
    QueryRecords,
    Reply,
    Signal,
    Welcome,
    decode_from_client,
    req_id_of,
)

from .addresses import client_address, networks_of, through_unnamed
from .admission import Admission, Admitted, Failures
from .clock import Clock
from .closing import CLOSE_BINARY, CLOSE_LATER, CLOSE_RESTART, CLOSE_TOO_BIG, goodbye_of
from .crowd import Crowd
from .exchange import Arrived, Gone, Said
from .logs import log_about
from .metrics import Metrics
from .origins import check_origin
from .own_records import answer_about_records
from .session import Session
from .settings import Settings
from .switchboard import Close, SessionId, Tell
from .tenants import Tenant
from .tickets import Tickets

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.25


class Sockets:
    """All sessions of this server, of whatever app."""

    def __init__(self, settings: Settings, clock: Clock, failures: Failures, metrics: Metrics) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._clock = clock
        self._metrics = metrics
        self._admission = Admission(settings, clock, failures)
        self._tickets = Tickets(settings, clock, self._admission)
        self._crowd = Crowd(settings.limits)
        self._proxies = networks_of(settings.proxies)
        self._numbers = itertools.count(1)
        self._sessions: dict[SessionId, Session] = {}
        self._open = True
        self._empty = asyncio.Event()
        self._tenants: Mapping[int, Tenant] = {}
        self._proxy_told = False

    def attach(self, tenants: Mapping[int, Tenant]) -> None:
        """Where inputs go, by app; before the first client comes."""
        self._tenants = tenants

    def deliver(self, item: Tell | Close) -> None:
        """Tell or close one session; one that is gone meanwhile is not missed, its client catches up on return."""
        session = self._sessions.get(item.session)
        if session is None:
            return
        if isinstance(item, Close):
            session.goodbye(item.goodbye)
        elif isinstance(item.message, Welcome):
            session.send(self._tickets.completed(session, item.message))
        else:
            session.send(item.message)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One WebSocket, from its handshake to its end."""
        self._check_origin(request)
        close_seconds = self._limits.close_seconds
        socket = web.WebSocketResponse(
            max_msg_size=MAX_MESSAGE_BYTES, compress=False, autoping=False, timeout=close_seconds
        )
        await socket.prepare(request)
        self._tell_of_proxy(request)
        address = client_address(request, self._proxies)
        session = Session(next(self._numbers), socket, request, self._limits, address)
        log_about(session=session.number)
        self._enter(session)
        session.start()
        try:
            async with session.reading():
                if await self._sign_in(session, socket):
                    await self._listen(session, socket)
        finally:
            await session.finish()
            self._leave(session)
        return socket

    def _check_origin(self, request: web.Request) -> None:
        try:
            check_origin(request, self._settings.origins)
        except web.HTTPForbidden:
            self._metrics.rejected("login", "origin")
            logger.info("a page of %.100s may not connect; if it should: --origin", request.headers["Origin"])
            raise

    def _tell_of_proxy(self, request: web.Request) -> None:
        """Once: limits by address do not work like this, and callbacks tell the proxy's address."""
        if not self._proxy_told and through_unnamed(request, self._proxies):
            self._proxy_told = True
            logger.warning(
                "clients come through a proxy at %s; name it with --proxy, to tell them apart", request.remote
            )

    def _enter(self, session: Session) -> None:
        self._sessions[session.number] = session
        self._crowd.enter(session.address)
        self._empty.clear()

    def _leave(self, session: Session) -> None:
        del self._sessions[session.number]
        user = None if session.tenant is None else (session.tenant.app.app_id, session.user_id)
        self._crowd.leave(session.address, user)
        if not self._sessions:
            self._empty.set()

    async def sweep(self) -> None:
        """Watch over all sessions until cancelled: late logins, silent clients, closes that hang."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            if now - last < 4 * SWEEP_SECONDS:  # else this process slept itself: read first, judge the next time
                wall = self._clock.now()
                for session in list(self._sessions.values()):
                    self._inspect(session, now, wall)
            last = now

    async def shutdown(self) -> None:
        """Send everybody away to come back, and wait for it, at most two times `close_seconds`."""
        self._open = False
        for session in list(self._sessions.values()):
            session.goodbye(goodbye_of(ErrorCode.UNREACHABLE, "the server restarts", retry=True), CLOSE_RESTART)
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

    # --- signing in ---------------------------------------------------------------------------------------------

    async def _sign_in(self, session: Session, socket: web.WebSocketResponse) -> bool:
        """True once signed in; else the goodbye is queued."""
        if not self._open or self._crowd.is_full(session.address):
            self._send_away(session, "too many clients; try later")
            return False
        self._crowd.waiting += 1
        try:
            frame = await self._receive(session, socket)
        finally:
            self._crowd.waiting -= 1
        if frame.type not in {WSMsgType.TEXT, WSMsgType.BINARY} or session.closing:
            return False
        session.heard_at = time.monotonic()
        return await self._admit(session, frame.data)

    def _send_away(self, session: Session, message: str) -> None:
        self._metrics.rejected("login", ErrorCode.TOO_MANY.value)
        session.goodbye(goodbye_of(ErrorCode.TOO_MANY, message, retry=True), CLOSE_LATER)

    def _refuse(self, session: Session, code: ErrorCode, message: str, close_code: int | None = None) -> None:
        self._metrics.rejected("login", code.value)
        session.goodbye(goodbye_of(code, message), close_code)

    async def _admit(self, session: Session, data: str | bytes) -> bool:
        if len(data) > self._limits.login_bytes:
            self._refuse(session, ErrorCode.BAD_MESSAGE, "the login is too long", CLOSE_TOO_BIG)
            return False
        try:
            admitted = self._admission.admit(data, session.address)
        except (RemoteProtocolError, LoginError) as error:
            logger.info("login refused", extra={"session": session.number, "reason": error.code.value})
            self._refuse(session, error.code, error.message)
            return False
        if not self._crowd.sign_in((admitted.app.app_id, admitted.login.user_id)):
            self._send_away(session, "too many connections of this user; try later")
            return False
        self._take_in(session, self._tenants[admitted.app.app_id], admitted)
        await self._hand_in(session, Arrived(session.number, admitted.login, session.origin))
        return True

    def _take_in(self, session: Session, tenant: Tenant, admitted: Admitted) -> None:
        session.tenant = tenant
        session.user_id = admitted.login.user_id
        session.device_id = admitted.login.device_id
        session.expires_at = admitted.expires_at
        log_about(user_id=admitted.login.user_id, app_id=admitted.login.app_id)

    # --- signed in ----------------------------------------------------------------------------------------------

    async def _listen(self, session: Session, socket: web.WebSocketResponse) -> None:
        """Take messages until the socket or the session ends, then tell that it is gone."""
        try:
            while not session.closing:
                frame = await self._receive(session, socket)
                if frame.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    return
                session.heard_at = time.monotonic()
                await self._take(session, frame.data)
        finally:
            await self._hand_in(session, Gone(session.number, session.fell_silent))

    async def _receive(self, session: Session, socket: web.WebSocketResponse) -> WSMessage:
        """The next frame that is no ping; pings of the WebSocket count as messages, so that nobody is flooded."""
        while True:
            frame = await socket.receive()
            if frame.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):
                    await socket.pong(frame.data)
            elif frame.type is not WSMsgType.PONG:
                return frame
            if not session.messages.take(time.monotonic()):
                self._slow_down(session)
                return frame

    def _slow_down(self, session: Session) -> None:
        self._metrics.rejected("message", ErrorCode.TOO_MANY.value)
        session.goodbye(goodbye_of(ErrorCode.TOO_MANY, "too many messages; slow down", retry=True))

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
            self._slow_down(session)
        elif isinstance(message, Ping):
            session.send(Pong(id=message.id))
        elif isinstance(message, QueryRecords | DeleteRecords):
            await self._answer_records(session, message)
        elif isinstance(message, Login):
            session.send(self._tickets.renewed(session, message))
        elif (refusal := self._tickets.refusal(session, message)) is not None:
            self._metrics.rejected("command", "unknown" if refusal.code is None else refusal.code.value)
            session.send(refusal)
        else:
            await self._hand_in(session, Said(session.number, message))

    async def _answer_records(self, session: Session, message: QueryRecords | DeleteRecords) -> None:
        """One after the other for each session: the next message is read when this one is answered."""
        if session.tenant is not None and session.user_id is not None:
            session.send(await answer_about_records(session.tenant.records, session.user_id, message))

    def _count_bad(self, session: Session, data: str | bytes, error: RemoteProtocolError) -> None:
        """A command that cannot be read is answered, if it has a number; too much garbage ends the session."""
        session.bad_frames += 1
        self._metrics.rejected("message", error.code.value)
        if session.bad_frames >= self._limits.bad_frames or not session.messages.take(session.heard_at):
            code = CLOSE_BINARY if isinstance(data, bytes) else None
            session.goodbye(goodbye_of(ErrorCode.BAD_MESSAGE, error.message), code)
        elif (number := req_id_of(data)) is not None:
            session.send(Reply(req_id=number, ok=False, code=error.code, message=error.message[:200]))

    async def _hand_in(self, session: Session, item: Arrived | Said | Gone) -> None:
        if session.tenant is not None:
            await session.tenant.exchange.put(item)

    # --- watching -----------------------------------------------------------------------------------------------

    def _inspect(self, session: Session, now: float, wall: float) -> None:
        if session.closing:
            return
        if session.user_id is None:
            if now - session.opened_at > self._limits.login_seconds:
                self._metrics.rejected("login", ErrorCode.TIMED_OUT.value)
                session.goodbye(goodbye_of(ErrorCode.TIMED_OUT, "no login came in time", retry=True))
        elif now - session.heard_at > 1.5 * self._limits.heartbeat:
            logger.info("silent; dropped", extra={"session": session.number, "user_id": session.user_id})
            session.fell_silent = True
            session.abort()
        elif wall >= session.look_at:
            self._tickets.inspect(session, wall)
