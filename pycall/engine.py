"""CallEngine, the public face of pycall: verbs in, typed events out. It checks arguments and holds no call state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from os import fspath
from types import TracebackType
from typing import TypeVar

from pycall.arguments import check_listener, check_login, check_wait, checked_event_types
from pycall.call_verbs import CallVerbs
from pycall.config import EngineConfig
from pycall.core.errors import ErrorCode, LoginError
from pycall.core.events import Event
from pycall.core.types import UserId
from pycall.driver import Driver
from pycall.gear import Gear
from pycall.listeners import Listeners
from pycall.media.profiles import profile
from pycall.media.sink import as_audio_sink, as_video_sink
from pycall.media_verbs import MediaVerbs
from pycall.memory import hold_together
from pycall.record_verbs import RecordVerbs

E = TypeVar("E", bound=Event)


class CallEngine(CallVerbs, RecordVerbs, MediaVerbs):
    """One user's phone: sign in, call, be called, talk.

        async with CallEngine(EngineConfig(audio_source="tone:440", audio_sink="null")) as engine:
            await engine.login("alice", user_sig)
            await engine.call("bob", MediaType.AUDIO)
            await engine.wait_for(CallEnded)

    Every verb waits for the server's answer and raises: `LoginError` if nobody is signed in, `CallError` if it is
    refused (bad argument, wrong state, unknown user ...; `LocalProtocolError` is one), `MediaError` if a source or sink
    cannot be, `SignalingError` if the server does not answer. How a call ends is an event with a reason, no error.
    All methods belong to one event loop. Leaving the `async with` hangs up, signs out and releases everything.
    """

    def __init__(self, config: EngineConfig | None = None) -> None:
        """Opens nothing yet."""
        config = config or EngineConfig()
        hold_together()
        self._listeners = Listeners()
        super().__init__(Driver(config, _gear(config), self._listeners.announce))

    async def __aenter__(self) -> CallEngine:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Hang up, sign out, release every device, end every task and thread. May be called twice."""
        if self._closed:
            return
        self._closed = True
        await self._driver.aclose()
        await self._listeners.aclose()

    # --- signing in and out --------------------------------------------------------------------------------------

    async def login(self, user_id: UserId, user_sig: str) -> None:
        """Sign in; afterwards pycall keeps the connection and brings it back by itself.

        Signed in already, the same user renews the ticket; a running call goes on. Raises `LoginError` if the server
        refuses, `SignalingError` if it cannot be reached, `MediaError` (NO_SUCH_FILE, BAD_FILE) if a `file:` source
        cannot be played: a bot should not learn that from its first caller.
        """
        check_login(user_id, user_sig)
        self._must_be_open()
        if self.user_id not in (None, user_id) and (self._driver.signed_in or self.state is not None):
            raise LoginError(ErrorCode.WRONG_STATE, f"signed in as {self.user_id}; log out first")
        with self._one("login"):
            await self._driver.login(user_id, user_sig)

    async def logout(self) -> None:
        """Leave any call and sign out. Does nothing if nobody is signed in."""
        with self._one("logout"):
            await self._driver.logout()

    # --- events --------------------------------------------------------------------------------------------------

    def on(self, event_type: type[E], listener: Callable[[E], object]) -> Callable[[], None]:
        """Call `listener(event)` for each event of this type (`Event`: for all); gives a function that ends it.

        Plain or async. Listeners run one after the other in the order of registration, an async one to its end; one
        that raises is logged and harms nobody. They run beside the call: a slow one delays only other listeners.
        Raises `CallError` for what is no event type, or cannot be called.
        """
        check_listener(event_type, listener)
        return self._listeners.on(event_type, listener)

    def events(self) -> AsyncIterator[Event]:
        """Every event from now on, until the engine closes: `async for event in engine.events()`.

        At most 1024 wait to be read; then the oldest volume, quality or statistics event is dropped first.
        """
        return self._listeners.events()

    async def wait_for(self, event_type: type[E] | tuple[type[E], ...], timeout: float | None = None) -> E:
        """The next event of this type, or of one of these; raises `TimeoutError` after `timeout` seconds, if any."""
        types = checked_event_types(event_type)
        check_wait(timeout)
        return await self._listeners.wait_for(types, timeout)


def _gear(config: EngineConfig) -> Gear:
    """The settings' sources and sinks; whether they can be was checked by the settings themselves."""
    return Gear(
        config.audio_source,
        config.video_source,
        as_audio_sink(config.audio_sink),
        as_video_sink(config.video_sink),
        profile(config.video_profile),
        record=None if config.record is None else fspath(config.record),
        channels=2 if config.audio_profile == "music" else 1,
    )
