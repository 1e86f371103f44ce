"""What TUICallEngine and TRTCCalling share: one CallEngine behind documented names, made when it is first needed.

The documents name an SDKAppID and no server. Here its URL is, in this order: the option `server`; the EngineConfig
given as the option `config`; the environment's PYCALL_URL or PYCALL_SERVER; this machine.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pycall import CallEngine, CallState
from pycall.compat.callfacts import CallFacts, CallMemory
from pycall.compat.codes import TUICallError, TUIErrorCode, documented
from pycall.compat.emitter import Emitter
from pycall.compat.enums import STATUS_NAME
from pycall.compat.payload import Payload, folded
from pycall.config import EngineConfig
from pycall.core.errors import PyCallError
from pycall.core.events import Event, KickedOffline, UserSigExpired
from pycall.core.types import MediaType

T = TypeVar("T")
CLOSE_SECONDS = 1.0
"""How long verbs still under way may take to end when the engine is destroyed."""
_BELL = "compat bell"
_CLOSING = frozenset(["compat destroyInstance", "compat destroyed", "compat logout"])


class Handset(ABC):
    """Signed in as one user. Subclasses name the verbs; nothing here is documented by itself but `on` and `off`."""

    def __init__(self, options: Mapping[str, Any] | None = None, *, names: Collection[str], **more: Any) -> None:
        self._app_id: object = None
        self._server: str | None = None
        self._config: EngineConfig | None = None
        self._engine: CallEngine | None = None
        self.configure({**(options or {}), **more})
        self._emitter = Emitter(names)
        self._emitters = [self._emitter]
        self._memory = CallMemory()
        self._own = ""
        self._ready = False
        self._watchers: list[Callable[[Event, CallFacts], None]] = []
        self._verbs: set[asyncio.Task[Any]] = set()
        self.under_way: set[str] = set()
        """Verbs that wait for their answer and may not be asked twice."""

    def configure(self, options: Mapping[str, Any]) -> None:
        """Take options; they count when the engine is made. Raises `TUICallError` (-1202) for an unknown one."""
        given = {"sdkappid" if folded(name) == "sdkappid" else name: value for name, value in options.items()}
        self._app_id = given.pop("sdkappid", self._app_id)
        self._server = given.pop("server", self._server)
        self._config = given.pop("config", self._config)
        given.pop("tim", None)
        if given:
            raise TUICallError(TUIErrorCode.PARAM_INVALID, f"no option is called {next(iter(given))}")

    # --- listening -----------------------------------------------------------------------------------------------

    def on(self, event: str, callback: Callable[..., object], context: object = None) -> None:
        """Call `callback(payload)` for each such event; `context` only tells equal callbacks apart for `off`."""
        self._emitter.on(event, callback, context)

    def off(self, event: str, callback: Callable[..., object] | None = None, context: object = None) -> None:
        """End what `on` began; without a callback, all of that event."""
        self._emitter.off(event, callback, context)

    def watch(self, watcher: Callable[[Event, CallFacts], None], emitter: Emitter) -> None:
        """Call `watcher(event, facts)` for each event of the engine, before anybody listening by name.

        What is told beside these goes to `emitter`, too.
        """
        self._watchers.append(watcher)
        self._emitters.append(emitter)

    # --- what it stands on ---------------------------------------------------------------------------------------

    @property
    def line_state(self) -> CallState | None:
        """Where the call stands."""
        return None if self._engine is None else self._engine.state

    @property
    def is_ready(self) -> bool:
        """Somebody is signed in."""
        return self._engine is not None and self._engine.signed_in

    @property
    def own_id(self) -> str:
        """Who signed in last."""
        return self._own

    @property
    def status(self) -> STATUS_NAME:
        """`idle`, `calling` or `connected`."""
        if self.line_state is None:
            return STATUS_NAME.IDLE
        talking = (CallState.CONNECTED, CallState.RECONNECTING)
        return STATUS_NAME.CONNECTED if self.line_state in talking else STATUS_NAME.CALLING

    @property
    def engine(self) -> CallEngine:
        """The CallEngine itself; made now if there is none yet. Raises `TUICallError` for options that cannot be."""
        if self._engine is None:
            engine = self._engine = self._made()
            engine.on(Event, lambda event: self._heard(engine, event))
        return self._engine

    def begin(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a verb; it is cancelled if the engine is destroyed before it ends."""
        task = asyncio.get_running_loop().create_task(work, name=f"compat {name}")
        self._verbs.add(task)
        task.add_done_callback(self._verbs.discard)
        return task

    def _made(self) -> CallEngine:
        try:
            config = self._config or EngineConfig(server=_server_of_environment() or EngineConfig().server)
            if self._server is not None:
                config = replace(config, server=self._server)
            if self._app_id is not None:
                config = replace(config, app_id=self._app_id)  # type: ignore[arg-type]
            return CallEngine(config)
        except PyCallError as error:
            raise documented(error) from error

    def _heard(self, engine: CallEngine, event: Event) -> None:
        for one in self._memory.see(event, engine):
            for watcher in self._watchers:
                watcher(one, self._memory.facts)
            self._tell(one)
        if isinstance(event, KickedOffline | UserSigExpired):
            self._say_ready(False)

    def _say_ready(self, ready: bool) -> None:
        """Tell once when calls become possible and when they are no longer."""
        if ready is not self._ready:
            self._ready = ready
            self._say("sdkReady" if ready else "sdkNotReady", Payload())

    def _say(self, name: str, payload: Payload) -> None:
        """Tell something that is no event of the engine's, here and to whoever shares it."""
        for emitter in self._emitters:
            emitter.emit(name, payload)

    @abstractmethod
    def _tell(self, event: Event) -> None:
        """Pass an event on under its documented names."""

    # --- signing in and out --------------------------------------------------------------------------------------

    async def _sign_in(self, user_id: str, user_sig: str, app_id: int | None = None) -> None:
        if app_id is not None and app_id != self._app_id:
            await self._use_app(app_id)
        await self.engine.login(user_id, user_sig)
        self._own = user_id
        self._say_ready(True)

    async def _use_app(self, app_id: int) -> None:
        """Another application needs an engine of its own; only while nobody is signed in."""
        if self.is_ready:
            raise TUICallError(TUIErrorCode.REQUEST_REFUSED, "signed in with another SDKAppID; log out first")
        self._app_id = app_id
        await self._close_engine()

    async def _sign_out(self) -> None:
        if self._engine is not None and self._engine.signed_in:
            await self._engine.logout()
            self._say_ready(False)

    async def _close_engine(self) -> None:
        if self._engine is not None:
            await self._engine.aclose()
            self._engine = None
            self._say_ready(False)

    async def _release(self) -> None:
        """Hang up, sign out, close every device and end every verb but those that ask for this."""
        await self._close_engine()
        others = [task for task in self._verbs if task.get_name() not in _CLOSING]
        for task in others:
            if task.get_name() != _BELL:  # a loudspeaker is let go of in peace
                task.cancel()
        if others:
            await asyncio.wait(others, timeout=CLOSE_SECONDS)

    def _switch_failed(self, wanted: MediaType, error: PyCallError) -> None:
        """Tell that switching the call to voice or video did not work, as the documents do: by the error event."""
        codes = (TUIErrorCode.SWITCH_TO_AUDIO_CALL_FAILED, TUIErrorCode.SWITCH_TO_VIDEO_CALL_FAILED)
        self._say("onError", Payload(code=int(codes[wanted.has_video]), message=error.message))


def _server_of_environment() -> str | None:
    return os.environ.get("PYCALL_URL") or os.environ.get("PYCALL_SERVER")
