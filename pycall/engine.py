"""CallEngine, the public face of pycall: verbs in, typed events out. It checks arguments and holds no call state."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

from pycall.arguments import (
    check_login,
    check_ring,
    check_user_data,
    checked_callees,
    checked_media,
    checked_profile,
)
from pycall.call_media import Gear
from pycall.config import EngineConfig
from pycall.core.call import CallState
from pycall.core.errors import CallError, ConfigError, ErrorCode, LoginError, PyCallError, SignalingError
from pycall.core.events import Event
from pycall.core.types import DEFAULT_RING_SECONDS, CallId, MediaType, UserId
from pycall.driver import Driver
from pycall.line_view import LineView
from pycall.listeners import Listeners
from pycall.media.source import AudioSource, VideoSource
from pycall.rtc.servers import ice_servers as check_servers

E = TypeVar("E", bound=Event)


class CallEngine(LineView):
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
        """Raises `ConfigError`; opens nothing yet."""
        config = config or EngineConfig()
        check_servers(config.ice_servers)
        self.config = config
        self._listeners = Listeners()
        self._gear = _gear(config)
        self._driver = Driver(config, self._gear, self._listeners.announce)
        super().__init__(self._driver)
        self._busy: set[str] = set()
        self._closed = False

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
        refuses, `SignalingError` if it cannot be reached.
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

    # --- calling -------------------------------------------------------------------------------------------------

    async def call(
        self,
        callees: UserId | Iterable[UserId],
        media: MediaType = MediaType.AUDIO,
        *,
        timeout: int = DEFAULT_RING_SECONDS,
        user_data: str = "",
    ) -> CallId:
        """Call somebody; it rings for `timeout` whole seconds (0: for ever). Gives the call's id.

        `user_data` (at most 4 KiB) reaches the callee with `CallReceived`. If both sides call each other at once, the
        two calls become one and its id is given.
        """
        self._must_be_signed_in()
        wanted = checked_callees(callees, self.user_id)
        kind = checked_media(media)
        check_ring(timeout)
        check_user_data(user_data)
        with self._one("call"):
            await self._driver.check(kind)
            return await self._dial(wanted, kind, timeout, user_data)

    async def _dial(self, callees: tuple[UserId, ...], media: MediaType, timeout: int, user_data: str) -> CallId:
        call_id = CallId(secrets.token_hex(16))
        line = self._driver.line
        try:
            answer = await self._driver.ask(
                lambda now: line.dial(call_id, callees, media, timeout=timeout, user_data=user_data, now=now)
            )
        except (SignalingError, asyncio.CancelledError):
            self._driver.leave()  # a call that nobody waits for must not go on ringing
            raise
        return answer or call_id

    async def accept(self) -> None:
        """Answer the ringing call. Microphone and (in a video call) camera open once the server has agreed."""
        self._must_be_signed_in()
        with self._one("accept"):
            if self.state is CallState.RINGING:
                await self._driver.check(self.media or MediaType.AUDIO)
            await self._driver.ask(self._driver.line.accept)

    async def reject(self) -> None:
        """Refuse the ringing call."""
        self._must_be_signed_in()
        with self._one("reject"):
            await self._driver.ask(self._driver.line.reject)

    async def ignore(self) -> None:
        """Refuse the ringing call as if the line were busy."""
        self._must_be_signed_in()
        with self._one("ignore"):
            await self._driver.ask(lambda now: self._driver.line.reject(now, busy=True))

    async def hangup(self) -> None:
        """Leave the call, or cancel it while it rings. Capture stops at once, without waiting for the network."""
        if self.state is None:
            self._must_be_signed_in()
        with self._one("hangup"):
            await self._driver.ask(self._driver.line.hangup)

    async def switch_media(self, media: MediaType) -> None:
        """Make the whole call voice or video. To video: our camera opens; theirs when they open it."""
        self._must_be_signed_in()
        kind = checked_media(media)
        with self._one("switch_media"):
            await self._driver.ask(lambda now: self._driver.line.switch_media(kind, now))

    # --- microphone, camera, sources -----------------------------------------------------------------------------

    async def open_microphone(self) -> None:
        """Be heard again."""
        await self._set_media("open_microphone", audio=True)

    async def close_microphone(self) -> None:
        """Send silence; the others are told. The device stays open, so that opening is instant."""
        await self._set_media("close_microphone", audio=False)

    async def open_camera(self) -> None:
        """Be seen; refused in a voice call. A camera that failed before is tried again."""
        await self._set_media("open_camera", video=True)
        if self._driver.media is not None:
            self._driver.media.follow_camera(again=True)

    async def close_camera(self) -> None:
        """Send no picture and release the device; the others are told."""
        await self._set_media("close_camera", video=False)

    async def _set_media(self, verb: str, *, audio: bool | None = None, video: bool | None = None) -> None:
        self._must_be_signed_in()
        line = self._driver.line
        with self._one(verb):
            await self._driver.ask(lambda now: line.set_media(audio=audio, video=video, now=now))

    def set_video_profile(self, name: str) -> None:
        """`360p`, `480p`, `540p`, `720p` or `1080p`, with `15` or `30` behind it; at once, also in a call."""
        self._gear.profile = checked_profile(name)
        if self._driver.media is not None:
            self._driver.media.set_profile(self._gear.profile)

    async def use_audio_source(self, source: str | AudioSource) -> None:
        """Take the sound from here, now and in later calls.

        Raises `MediaError` or `ConfigError`; the old source then goes on, unless both needed the same device.
        """
        await asyncio.to_thread(replace(self._gear, audio_source=source).new_audio_source)
        old, self._gear.audio_source = self._gear.audio_source, source
        try:
            if self._driver.media is not None:
                await self._driver.media.use_audio_source()
        except PyCallError:
            self._gear.audio_source = old
            raise

    async def use_video_source(self, source: str | VideoSource) -> None:
        """Take the picture from here, now and in later calls. Raises as above."""
        await asyncio.to_thread(replace(self._gear, video_source=source).new_video_source)
        old, self._gear.video_source = self._gear.video_source, source
        try:
            if self._driver.media is not None:
                await self._driver.media.use_video_source()
        except PyCallError:
            self._gear.video_source = old
            raise

    # --- events --------------------------------------------------------------------------------------------------

    def on(self, event_type: type[E], listener: Callable[[E], object]) -> Callable[[], None]:
        """Call `listener(event)` for each event of this type (`Event`: for all); gives a function that ends it.

        Plain or async. Listeners run one after the other in the order of registration, an async one to its end; one
        that raises is logged and harms nobody. They run beside the call: a slow one delays only other listeners.
        """
        return self._listeners.on(event_type, listener)

    def events(self) -> AsyncIterator[Event]:
        """Every event from now on, until the engine closes: `async for event in engine.events()`.

        At most 1024 wait to be read; then the oldest volume, quality or statistics event is dropped first.
        """
        return self._listeners.events()

    async def wait_for(self, event_type: type[E] | tuple[type[E], ...], timeout: float | None = None) -> E:
        """The next event of this type, or of one of these; raises `TimeoutError` after `timeout` seconds."""
        types = event_type if isinstance(event_type, tuple) else (event_type,)
        return await self._listeners.wait_for(types, timeout)

    # --- checks --------------------------------------------------------------------------------------------------

    def _must_be_open(self) -> None:
        if self._closed:
            raise CallError(ErrorCode.WRONG_STATE, "the engine was closed")

    def _must_be_signed_in(self) -> None:
        self._must_be_open()
        if not self._driver.signed_in:
            raise LoginError(ErrorCode.NOT_LOGGED_IN, "nobody is signed in; call login() first")

    @contextmanager
    def _one(self, verb: str) -> Iterator[None]:
        """A verb that is still waiting for its answer is not asked again."""
        if verb in self._busy:
            raise CallError(ErrorCode.REPEATED, f"{verb}() is already under way")
        self._busy.add(verb)
        try:
            yield
        finally:
            self._busy.discard(verb)


def _gear(config: EngineConfig) -> Gear:
    try:
        profile = checked_profile(config.video_profile)
    except PyCallError as error:
        raise ConfigError(ErrorCode.BAD_SETTING, str(error)) from None
    return Gear(
        config.audio_source, config.video_source, config.audio_sink, config.video_sink, profile, record=config.record
    )
