"""`pycall call` and `pycall answer`: one engine, one terminal, from the ring to the exit code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycall.config import EngineConfig
from pycall.core import events as ev
from pycall.core.call import CallState
from pycall.core.errors import ConfigError, ErrorCode, LoginError, MediaError
from pycall.core.types import EndReason, MediaType

from .choices import MediaChoice, Tell
from .exit_codes import ExitCode, for_reason
from .identity import Identity, check_user
from .inputs import Input, Inputs, Interrupt, Key
from .keys import has_keys
from .start import interrupt_in_order
from .view import HANGING_UP, Status, View, open_view
from .wording import SIGNED_OFF, Calling, LoggedIn

if TYPE_CHECKING:
    from pycall.engine import CallEngine

LASTING = (ev.ErrorOccurred, ev.RecordingEnded)
"""Events that are shown even if they come when nobody waits for events any more."""
IN_CALL = (CallState.CONNECTED, CallState.RECONNECTING)
GOODBYE_SECONDS = 8.0
"""How long the end of a call is waited for after hanging up; the line itself gives up after 3 s."""


class Phone:
    """One user at one terminal: takes inputs one at a time and shows what happens."""

    def __init__(self, engine: CallEngine, inputs: Inputs, view: View, user_id: str, talk_for: float | None) -> None:
        self._engine = engine
        self._inputs = inputs
        self._view = view
        self._status = Status(user_id)
        self._talk_for = talk_for
        self._hang_up_at: float | None = None
        self._give_up_at: float | None = None
        self._asking = False
        self._closed: LoginError | None = None
        self.lasting: list[ev.Event] = []
        """What was shown of `LASTING`."""
        self.interrupted = False
        """Ctrl-C was pressed."""

    async def login(self, identity: Identity) -> None:
        try:
            await self._inputs.or_interrupt(self._engine.login(identity.user_id, identity.user_sig))
        except LoginError as error:
            raise identity.explained(error) from error
        self._view.event(LoggedIn(identity.user_id, identity.server))

    async def call(self, users: list[str], media: MediaType, timeout: int) -> EndReason:
        """Call them all, talk, and give the reason of the end: with several that of the last one's leaving."""
        others = [user for user in dict.fromkeys(users) if user != self._engine.user_id]
        self._status.state = f"calling {', '.join(others)}"
        call_id = await self._inputs.or_interrupt(self._engine.calls(users, media, timeout=timeout))
        for user in others:
            self._view.event(Calling(call_id, user, media))
        return await self._follow()

    async def answer(self, reply: str) -> EndReason | None:
        """Wait for one call, answer it as told, and give the reason of its end; None if the user leaves instead."""
        self._status.state = "waiting for calls"
        if has_keys():
            self._view.notice("waiting for calls: q or Ctrl-C leaves")
        while True:
            item = await self._inputs.next()
            self._show(item)
            if isinstance(item, Interrupt):
                raise KeyboardInterrupt
            if isinstance(item, Key) and item.name == "q":
                return None
            if self._closed is not None:
                raise self._closed
            if isinstance(item, ev.CallReceived):
                return await self._ring(item, reply)

    async def _ring(self, call: ev.CallReceived, reply: str) -> EndReason:
        self._status.state = f"{call.caller} calls"
        if reply == "accept":
            self._inputs.start(self._accept())
        elif reply == "reject":
            self._inputs.start(self._engine.reject())
        else:
            self._asking = True
            self._view.notice("a accept, r reject, i ignore")
        return await self._follow()

    async def _accept(self) -> None:
        """Nobody is there to hear of a broken microphone: refuse, so that the caller does not ring in vain."""
        try:
            await self._engine.accept()
        except MediaError:
            await self._engine.reject()
            raise

    async def _follow(self) -> EndReason:
        """Take inputs until the call's terminal event."""
        self._give_up_at = self._hang_up_at = None
        while True:
            item = await self._inputs.next()
            self._show(item)
            match item:
                case ev.CallNotConnected(reason=reason) | ev.CallEnded(reason=reason):
                    return reason
                case ev.CallBegan():
                    self._began()
                case Key(name):
                    self._press(name)
                case Interrupt():
                    self.interrupted = True
                    self._hang_up()
            if self._time_is_over():
                return EndReason.HANGUP
            if self._closed is not None and self._engine.call_id is None:
                raise self._closed

    def _began(self) -> None:
        self._asking = False
        if self._talk_for is not None:
            self._hang_up_at = time.monotonic() + self._talk_for

    def _time_is_over(self) -> bool:
        """Hang up when --for is over; True when even the end of the call did not come."""
        now = time.monotonic()
        if self._hang_up_at is not None and now >= self._hang_up_at:
            self._hang_up()
        return self._give_up_at is not None and now >= self._give_up_at

    def _hang_up(self) -> None:
        self._hang_up_at = None
        if self._give_up_at is not None:
            raise KeyboardInterrupt  # asked a second time: leave at once
        self._give_up_at = time.monotonic() + GOODBYE_SECONDS
        self._status.state = HANGING_UP
        self._inputs.start(self._engine.reject() if self._asking else self._engine.hangup())

    def _press(self, name: str) -> None:
        if self._asking:
            self._press_ringing(name)
        elif name in {"q", "h"}:
            if self._give_up_at is None:
                self._hang_up()
        elif name == "m":
            engine = self._engine
            self._inputs.start(engine.close_microphone() if engine.microphone_open else engine.open_microphone())
        elif name == "c":
            engine = self._engine
            self._inputs.start(engine.close_camera() if engine.camera_open else engine.open_camera())
        elif name == "v" and self._engine.media is not None:
            other = MediaType.AUDIO if self._engine.media.has_video else MediaType.VIDEO
            self._inputs.start(self._engine.switch_media(other))

    def _press_ringing(self, name: str) -> None:
        verbs = {"a": self._engine.accept, "r": self._engine.reject, "i": self._engine.ignore, "q": self._engine.reject}
        if name in verbs:
            self._asking = False
            self._inputs.start(verbs[name]())

    def _show(self, item: Input) -> None:
        if isinstance(item, ev.Event):
            self._status.take(item)
            self._view.event(item)
            if isinstance(item, LASTING):
                self.lasting.append(item)
            self._closed = _closing(item) or self._closed
        if self._engine.state in IN_CALL:  # behind its end both are closed, which nobody did
            self._status.microphone_open = self._engine.microphone_open
            self._status.camera_open = self._engine.camera_open
        self._view.status(self._status)


def _closing(event: ev.Event) -> LoginError | None:
    """The error that a line without a call ends with after this event."""
    if isinstance(event, ev.KickedOffline):
        return LoginError(event.code, f"{SIGNED_OFF[event.code]}, which closed this line")
    if isinstance(event, ev.UserSigExpired):
        return LoginError(ErrorCode.SIG_EXPIRED, "the ticket is no longer good: make a new one with `pycall sig`")
    return None


@dataclass(frozen=True, slots=True)
class Plan:
    """What one command does: how its engine is made (may block for a second) and what its phone works at."""

    config: Callable[[Tell], EngineConfig]
    work: Callable[[Phone], Awaitable[EndReason | None]]
    talk_for: float | None
    screen_taken: bool = False
    """Pictures are drawn in the terminal, which leaves no line for ours."""


async def _run(identity: Identity, engine: CallEngine, view: View, plan: Plan) -> ExitCode:
    heard: list[ev.Event] = []  # also what comes while the engine closes: a recording ends, or fails, at the very end
    for kind in LASTING:
        engine.on(kind, heard.append)
    async with engine, Inputs(engine, view) as inputs:
        phone = Phone(engine, inputs, view, identity.user_id, plan.talk_for)
        await phone.login(identity)
        code = for_reason(await plan.work(phone))
    shown = set(map(id, phone.lasting))
    for event in heard:
        if id(event) not in shown:
            view.event(event)
    for event in heard:
        if code is ExitCode.OK and isinstance(event, ev.ErrorOccurred) and event.code is ErrorCode.BAD_FILE:
            raise MediaError(event.code, f"the call is over, but a file of it broke off: {event.message}")
    return code


def _start(identity: Identity, plan: Plan, *, json: bool) -> ExitCode:
    from pycall.engine import CallEngine

    missing: list[str] = []
    engine = CallEngine(plan.config(missing.append))
    interrupt_in_order()
    view = open_view(json=json, screen_taken=plan.screen_taken)
    try:
        for line in missing:
            view.notice(line)
        return asyncio.run(_run(identity, engine, view, plan))
    finally:
        view.close()


def run_call(
    identity: Identity,
    media: MediaChoice,
    users: list[str],
    *,
    video: bool,
    timeout: int,
    talk_for: float | None,
    json: bool,
) -> ExitCode:
    """Call `users` and stay until the call is over: until all others have left."""
    for user in users:
        check_user(user)
    kind = MediaType.VIDEO if video else MediaType.AUDIO
    plan = Plan(
        lambda tell: media.config(identity, tell, video=video),
        lambda phone: phone.call(users, kind, timeout),
        talk_for,
        media.video_sink == "terminal",
    )
    return _start(identity, plan, json=json)


def run_answer(
    identity: Identity, media: MediaChoice, *, reply: str, once: bool, talk_for: float | None, json: bool
) -> ExitCode:
    """Wait for calls and answer them, until Ctrl-C or (`once`) the end of the first."""
    if reply == "ask" and not has_keys():
        raise ConfigError(ErrorCode.BAD_SETTING, "nobody can be asked without a terminal: give --auto or --reject")
    return answer_with(
        identity,
        lambda tell: media.config(identity, tell, video=True),
        reply=reply,
        once=once,
        talk_for=talk_for,
        json=json,
        screen_taken=media.video_sink == "terminal",
    )


def answer_with(
    identity: Identity,
    config: Callable[[Tell], EngineConfig],
    *,
    reply: str,
    once: bool,
    talk_for: float | None,
    json: bool,
    screen_taken: bool = False,
) -> ExitCode:
    """Answer calls with an engine of one's own making; `config` is given where to tell what is missing."""

    async def work(phone: Phone) -> EndReason | None:
        while True:
            reason = await phone.answer(reply)
            if reason is None or once or phone.interrupted:
                return reason

    return _start(identity, Plan(config, work, talk_for, screen_taken), json=json)
