"""Where one source is plugged into the uplink: starting, stopping and swapping it in a running call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from pycall.core.errors import ErrorCode, MediaError, PyCallError
from pycall.media.inlet import Inlet
from pycall.media.source import Intake
from pycall.media.stopping import stop_within
from pycall.media.synthetic import Null

log = logging.getLogger(__name__)

F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)
T = TypeVar("T")

OPEN_LIMIT = 5.0
"""Seconds that a source's `start` may take; it promises 2."""
STOP_LIMIT = 2.0
"""Seconds that its `stop` is waited for; it promises 1."""


class Source(Protocol[F_co]):
    def start(self, intake: Intake[F_co]) -> None: ...

    def stop(self) -> None: ...


class Slot(Generic[F, T]):
    """Holds the source of one kind. `make_inlet` gives a fresh intake; `gone`: the old one counts no more."""

    def __init__(self, what: str, make_inlet: Callable[[], Inlet[F, T]], gone: Callable[[], None]) -> None:
        self._what = what
        self._make_inlet = make_inlet
        self._gone = gone
        self._source: Source[F] | None = None
        self._inlet: Inlet[F, T] | None = None
        self._changing = asyncio.Lock()

    @property
    def source(self) -> Source[F] | None:
        """What runs, or None."""
        return self._source

    async def use(self, source: Source[F] | None) -> None:
        """Swap. The old source runs until the new one has started, unless both need the same device.

        Raises `MediaError` if the new one cannot start; the old one then stays, if it could.
        """
        async with self._changing:
            inlet = self._make_inlet()
            if source is not None:
                await self._begin(source, inlet)
            old = self._unplug()
            if source is not None:
                self._source, self._inlet = source, inlet
                inlet.open()
            if old is not None:
                await stop_within(STOP_LIMIT, old)

    async def stop(self) -> None:
        """Frames count no more at once; then stop the source. May be called twice."""
        if self._inlet is not None:
            self._inlet.close()
        async with self._changing:
            await self._end_current()

    def check(self, now: float) -> None:
        """Called every now and then, to notice a source that has fallen silent."""
        if self._inlet is not None and not isinstance(self._source, Null):
            self._inlet.check(now, self._what)

    def _unplug(self) -> Source[F] | None:
        if self._inlet is not None:
            self._inlet.close()
        old, self._source, self._inlet = self._source, None, None
        self._gone()
        return old

    async def _begin(self, source: Source[F], inlet: Inlet[F, T]) -> None:
        if source is self._source:
            await self._end_current()
        try:
            await _start_source(source, inlet, self._what)
        except MediaError as error:
            if error.code is not ErrorCode.DEVICE_BUSY or self._source is None:
                raise
            await self._end_current()
            await _start_source(source, inlet, self._what)

    async def _end_current(self) -> None:
        old = self._unplug()
        if old is not None:
            await stop_within(STOP_LIMIT, old)


async def _start_source(source: Source[F], inlet: Inlet[F, T], what: str) -> None:
    """Start it in a thread; one that fails, or comes too late, is stopped again. Raises `MediaError` only."""
    starting = asyncio.create_task(asyncio.to_thread(source.start, inlet), name="source starts")
    try:
        done, _ = await asyncio.wait({starting}, timeout=OPEN_LIMIT)
    except asyncio.CancelledError:
        await asyncio.shield(_abandon(source, starting))
        raise
    if not done:
        await _abandon(source, starting)
        raise MediaError(ErrorCode.NO_DEVICE, f"{what} did not open within {OPEN_LIMIT:g} s; check it")
    error = starting.exception()
    if error is not None:
        await stop_within(STOP_LIMIT, source)
        raise _as_media_error(error, what)


async def _abandon(source: Source[F], starting: asyncio.Task[None]) -> None:
    """Let `start` come to its end first, so that `stop` finds something to stop."""
    await asyncio.wait({starting}, timeout=STOP_LIMIT)
    await stop_within(STOP_LIMIT, source)


def _as_media_error(error: BaseException, what: str) -> MediaError:
    """The error itself if it is one; a bot's own source may raise anything."""
    if isinstance(error, MediaError):
        return error
    if isinstance(error, PyCallError):
        return MediaError(error.code, error.message)
    log.error("%s raised when it was started", what, exc_info=error)
    return MediaError(ErrorCode.BAD_ARGUMENT, f"{what} raised {type(error).__name__} when it was started; see the log")
