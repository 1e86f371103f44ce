"""`on` and `off`: who listens to which name, and how a listener of the program is called."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from pycall.compat.codes import TUICallError, TUIErrorCode

log = logging.getLogger(__name__)

_running: set[asyncio.Future[Any]] = set()
"""Async listeners at work; the loop itself would let go of them."""


@dataclass(frozen=True, slots=True)
class _Subscription:
    callback: Callable[..., object]
    context: object
    takes: int | None
    """How many arguments it can be given; None: any number."""


class Emitter:
    """Subscriptions by name. A listener is called in order of subscription; an async one runs on by itself."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(str(name) for name in names)
        self._subscriptions: dict[str, list[_Subscription]] = {}

    def on(self, name: str, callback: Callable[..., object], context: object = None) -> None:
        """Call `callback(payload)` for each event of that name; `context` only tells equal callbacks apart.

        A callback that takes no argument gets none. Raises `TUICallError` (-1202) for a name no document has.
        """
        self._check(name, callback)
        entry = _Subscription(callback, context, room_for(callback))
        self._subscriptions.setdefault(str(name), []).append(entry)

    def off(self, name: str, callback: Callable[..., object] | None = None, context: object = None) -> None:
        """End it; without a callback all of that name, without a context all of that callback."""
        if str(name) not in self._names:
            raise _wrong(f"there is no event {name!r}")
        kept = [
            one
            for one in self._subscriptions.get(str(name), [])
            if callback is not None
            and (one.callback != callback or (context is not None and one.context is not context))
        ]
        self._subscriptions[str(name)] = kept

    def clear(self) -> None:
        """End all."""
        self._subscriptions.clear()

    def emit(self, name: str, *values: object) -> None:
        """Call everybody who listens to that name; what they raise is logged and harms nobody."""
        for one in tuple(self._subscriptions.get(name, ())):
            call_back(name, one.callback, *values[: one.takes])

    def _check(self, name: str, callback: object) -> None:
        if str(name) not in self._names:
            raise _wrong(f"there is no event {name!r}; TUICallEvent and TRTCCalling.EVENT list them")
        if not callable(callback):
            raise _wrong(f"the listener for {name!r} cannot be called")


def room_for(callback: Callable[..., object]) -> int | None:
    """How many positional arguments it takes; None: any number, or it does not say."""
    try:
        parameters = inspect.signature(callback).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    return sum(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters)


def call_back(name: str, callback: Callable[..., object], *values: object) -> None:
    """Call the program's own code; an awaitable it gives is waited for beside the call."""
    try:
        result = callback(*values)
    except Exception:  # the application's own code
        log.exception("a listener for %s raised", name)
        return
    if inspect.isawaitable(result):
        _let_run(name, result)


def _let_run(name: str, work: Awaitable[object]) -> None:
    future = asyncio.ensure_future(work)
    _running.add(future)

    def done(ended: asyncio.Future[object]) -> None:
        _running.discard(ended)
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            log.error("an async listener for %s raised", name, exc_info=error)

    future.add_done_callback(done)


def _wrong(problem: str) -> TUICallError:
    return TUICallError(TUIErrorCode.PARAM_INVALID, problem, TUIErrorCode.PARAM_RANGE)
