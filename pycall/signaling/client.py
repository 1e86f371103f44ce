"""The client's side of signaling: sign in, stay signed in, and come back by itself when the connection is lost.

After a lost connection the first attempt comes almost at once, the next ones at random moments, less and less often
(`back_off`). A server that says goodbye without `retry` (signed in elsewhere, ticket no longer good) is obeyed: nothing
is tried again until the next `login`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

import aiohttp

from pycall.core.errors import LoginError, SignalingError
from pycall.core.types import CallId, UserId
from pycall.core.wire import PROTOCOL_VERSION, Goodbye, Login, Message, ServerMessage, Welcome

from .back_off import BackOff
from .connection import Connection, ServerAbsent, open_connection

log = logging.getLogger(__name__)

SETTLED_SECONDS = 5.0
"""A connection that lived this long was a good one, and the back-off begins anew."""


class SignalingClient:
    """One user's connection to the server. All callbacks come on the event loop and must return at once.

    `on_welcome` comes after each sign-in (the first and each return), before any later message; `on_lost` when the
    connection is gone and is being tried again; `on_goodbye` when the server closed it for good. One task owns it all.
    """

    def __init__(
        self,
        url: str,
        app_id: int,
        *,
        on_welcome: Callable[[Welcome], None],
        on_message: Callable[[ServerMessage], None],
        on_lost: Callable[[], None],
        on_goodbye: Callable[[Goodbye], None],
    ) -> None:
        self.url = url
        self.call_id: CallId | None = None
        """The call we believe in; named in the next login, so that the welcome says what has become of it."""
        self.several_devices = False
        self.self_info = ("", "")
        """Both are said with every login."""
        self._app_id = app_id
        self._device_id = secrets.token_hex(16)
        self._on_welcome = on_welcome
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_goodbye = on_goodbye
        self._session: aiohttp.ClientSession | None = None
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._credentials: tuple[UserId, str] = ("", "")

    async def login(self, user_id: UserId, user_sig: str) -> Welcome:
        """Sign in, and stay signed in from then on; a login while signed in replaces the connection.

        Raises `LoginError` if the server refuses, `SignalingError` if it cannot be reached; neither is tried again.
        """
        await self._stop()
        self._credentials = (user_id, user_sig)
        connection = await self._open()
        self._task = asyncio.create_task(self._stay(connection), name="signaling client")
        self._welcomed(connection)
        return connection.welcome

    def send(self, message: Message) -> bool:
        """Send one frame; False (and nothing sent) while there is no connection."""
        return self._connection is not None and self._connection.send(message)

    async def close(self) -> None:
        """Close the connection, within about a second; a later `login` is possible."""
        await self._stop()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _stop(self) -> None:
        task, self._task = self._task, None
        connection, self._connection = self._connection, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if connection is not None:  # the task may have been cancelled before it took the connection over
            await connection.close()

    async def _open(self) -> Connection:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        user_id, user_sig = self._credentials
        login = Login(
            version=PROTOCOL_VERSION,
            app_id=self._app_id,
            user_id=user_id,
            user_sig=user_sig,
            device_id=self._device_id,
            call_id=self.call_id,
            multi_device=self.several_devices,
            nickname=self.self_info[0],
            avatar=self.self_info[1],
        )
        return await open_connection(self._session, self.url, login)

    def _welcomed(self, connection: Connection) -> None:
        self._connection = connection
        self._on_welcome(connection.welcome)

    async def _stay(self, connection: Connection) -> None:
        """Serve this connection and those that follow it, until the server has no more use for us."""
        pauses = BackOff()
        following: Connection | None = connection
        try:
            while True:
                if following is not None and await self._serve(following):
                    pauses.settled()
                await asyncio.sleep(pauses.wait())
                following = await self._try_again(pauses)
        except LoginError as error:
            self._on_goodbye(Goodbye(code=error.code, message=error.message))

    async def _serve(self, connection: Connection) -> bool:
        """Until it is lost; True if it was a good one. Raises `LoginError` if the server says goodbye for good."""
        clock = asyncio.get_running_loop().time
        began = clock()
        goodbye = await connection.run(self._on_message)
        self._connection = None
        if goodbye is not None and not goodbye.retry:
            raise LoginError(goodbye.code, goodbye.message)
        self._on_lost()
        return clock() - began > SETTLED_SECONDS

    async def _try_again(self, pauses: BackOff) -> Connection | None:
        try:
            connection = await self._open()
        except SignalingError as error:
            if isinstance(error, ServerAbsent):
                pauses.nobody_listens()
            log.info("not signed in again yet: %s", error)
            return None
        self._welcomed(connection)
        return connection
