"""What every documented verb has in common: arguments by name, preconditions, documented errors, a started task.

    @verb("userID", "type", "params", when=When.IDLE, alone=True)
    async def call(self, given: Given) -> None: ...

makes a method that takes a dictionary, keywords or arguments in this order, behind them a native callback object, and
gives a task: it runs whether or not it is awaited, as a promise does.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from enum import Enum
from typing import Any, Protocol, TypeVar

from pycall import CallState
from pycall.compat.codes import TUICallError, TUIErrorCode, documented
from pycall.compat.emitter import call_back, room_for
from pycall.compat.given import Given, read
from pycall.compat.payload import folded
from pycall.core.errors import PyCallError

_TALKING = frozenset({CallState.CONNECTED, CallState.RECONNECTING})


class When(Enum):
    """In which state of the line a verb is allowed."""

    ALWAYS = "always"
    """Also before `init`."""
    READY = "after init"
    IDLE = "while there is no call"
    RINGING = "while a call rings here"
    IN_CALL = "in a call, or while one is being made"
    CONNECTED = "in a call that is connected"

    def allows(self, state: CallState | None) -> bool:
        """Whether a line in that state may."""
        match self:
            case When.IDLE:
                return state is None
            case When.RINGING:
                return state is CallState.RINGING
            case When.IN_CALL:
                return state is not None
            case When.CONNECTED:
                return state in _TALKING
            case _:
                return True


class Promiser(Protocol):
    """What a class with verbs offers."""

    @property
    def line_state(self) -> CallState | None: ...

    @property
    def is_ready(self) -> bool: ...

    def begin(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]: ...

    @property
    def under_way(self) -> set[str]: ...


T = TypeVar("T")
S = TypeVar("S", bound=Promiser)


def verb(
    *order: str, when: When = When.READY, alone: bool = False
) -> Callable[[Callable[[S, Given], Coroutine[Any, Any, T]]], Callable[..., asyncio.Task[T]]]:
    """Make a verb of a coroutine method; `alone`: refused (-1204) while the same verb waits for its answer."""

    def decorate(method: Callable[[S, Given], Coroutine[Any, Any, T]]) -> Callable[..., asyncio.Task[T]]:
        name = method.__name__

        async def run(self: S, args: tuple[Any, ...], named: dict[str, Any]) -> T:
            _check(self, name, when, alone)
            if alone:
                self.under_way.add(name)
            try:
                return await method(self, read(name, order, args, named))
            except PyCallError as error:
                raise documented(error) from error
            finally:
                self.under_way.discard(name)

        @functools.wraps(method)
        def start(self: S, *args: Any, **named: Any) -> asyncio.Task[T]:
            asyncio.get_running_loop()  # outside of one there is nothing to run it, and this says so
            args, callback = _split(args, named)
            task = self.begin(name, run(self, args, named))
            return task if callback is None else self.begin(name, _told(task, callback))  # type: ignore[arg-type]

        return start

    return decorate


def _check(verbs: Promiser, name: str, when: When, alone: bool) -> None:
    """-1201 before init, -1204 while the same is under way, -1203 in the wrong state."""
    if when is not When.ALWAYS and not verbs.is_ready:
        raise TUICallError(TUIErrorCode.INIT_FAIL, f"{name}: sign in first, with init or login")
    if alone and name in verbs.under_way:
        raise TUICallError(TUIErrorCode.REQUEST_REPEATED, f"{name} is already under way")
    if not when.allows(verbs.line_state):
        raise TUICallError(TUIErrorCode.REQUEST_REFUSED, f"{name} is possible only {when.value}")


def _split(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], object | None]:
    """A callback object (`onSuccess`, `onError`), last or by keyword, is no argument of the verb; PlayCallbacks fit."""
    callback = named.pop("callback", None)
    if callback is None and args and any(hasattr(args[-1], name) for name in _CALLBACKS):
        *rest, callback = args
        args = tuple(rest)
    if hasattr(callback, "onPlaying") or hasattr(callback, "onLoading"):
        callback = _Playing(callback, _user(args, named))
    return args, callback


_CALLBACKS = ("onSuccess", "onError", "onPlaying", "onLoading")


def _user(args: tuple[Any, ...], named: Mapping[str, Any]) -> object:
    """Whose view it is: the first argument, or `userID`."""
    if args and not isinstance(args[0], Mapping):
        return args[0]
    given = {folded(name): value for name, value in {**(args[0] if args else {}), **named}.items()}
    return given.get("userid", "")


class _Playing:
    """A native PlayCallback, told of one view: each of its methods gets the user id first."""

    def __init__(self, callback: object, user: object) -> None:
        self._callback, self._user = callback, user
        self._tell("onLoading")

    def onSuccess(self) -> None:
        """The view is open."""
        self._tell("onPlaying")

    def onError(self, code: int, message: str) -> None:
        """It could not be opened."""
        self._tell("onError", code, message)

    def _tell(self, name: str, *values: object) -> None:
        listener: Callable[..., object] | None = getattr(self._callback, name, None)
        if listener is not None:
            call_back(name, listener, self._user, *values)


async def _told(task: asyncio.Task[T], callback: object) -> T | None:
    """Tell the native callback; the error is its business then."""
    try:
        result = await task
    except TUICallError as error:
        failed = getattr(callback, "onError", None)
        if failed is not None:
            call_back("onError", failed, error.code, error.message)
        return None
    succeeded = getattr(callback, "onSuccess", None)
    if succeeded is not None:
        call_back("onSuccess", succeeded, *(result,)[: room_for(succeeded)])
    return result
