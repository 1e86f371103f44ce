"""Everything a terminal call reacts to, in one queue: events, keys, Ctrl-C and the passing of time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from pycall.core.errors import PyCallError
from pycall.core.events import ErrorOccurred, Event

from .job_control import JobControl
from .keys import Keys

if TYPE_CHECKING:
    from pycall.engine import CallEngine

    from .view import View

T = TypeVar("T")

TICK_SECONDS = 0.25
_MAX_WAITING = 1024


@dataclass(frozen=True, slots=True)
class Key:
    """A key was pressed."""

    name: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Ctrl-C, or a polite request to end."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened for a while."""


Input = Event | Key | Interrupt | Tick


def _signals() -> tuple[signal.Signals, ...]:
    """What asks us to end: Ctrl-C, a polite `kill`, and a terminal that was closed, unless `nohup` has that ignored."""
    closed: signal.Signals | None = getattr(signal, "SIGHUP", None)  # not on Windows
    if closed is None or signal.getsignal(closed) is signal.SIG_IGN:
        return (signal.SIGINT, signal.SIGTERM)
    return (signal.SIGINT, signal.SIGTERM, closed)


class Inputs:
    """One queue of inputs; an async context manager that owns the signal traps, the keys and the tasks behind it.

    `view` is told when the terminal is not ours to draw on.
    """

    def __init__(self, engine: CallEngine, view: View) -> None:
        self._engine = engine
        self._view = view
        self._signals = _signals()
        self._queue: asyncio.Queue[Input] = asyncio.Queue(_MAX_WAITING)
        self._interrupted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keys = Keys(lambda name: self.put(Key(name)))
        self._jobs = JobControl(self._take_terminal, self._give_terminal_back)

    async def __aenter__(self) -> Inputs:
        loop = asyncio.get_running_loop()
        self._unsubscribe = self._engine.on(Event, self.put)
        for number in self._signals:
            try:
                loop.add_signal_handler(number, self._interrupt)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._interrupt))
        self._jobs.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.__exit__(kind, error, trace)
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for number in self._signals:
            try:
                asyncio.get_running_loop().remove_signal_handler(number)
            except NotImplementedError:
                signal.signal(number, signal.SIG_DFL)

    def put(self, item: Input) -> None:
        """Add an input; the oldest goes if nobody has read for very long."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(item)

    async def next(self) -> Input:
        """The next input; a Tick when nothing happens for a quarter of a second."""
        try:
            async with asyncio.timeout(TICK_SECONDS):
                return await self._queue.get()
        except TimeoutError:
            return Tick()

    def start(self, verb: Coroutine[Any, Any, Any]) -> None:
        """Carry a verb out in the background; its refusal becomes an `ErrorOccurred`."""
        task = asyncio.create_task(self._carry_out(verb))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def or_interrupt(self, verb: Coroutine[Any, Any, T]) -> T:
        """What `verb` gives; raises KeyboardInterrupt if Ctrl-C comes first."""
        task = asyncio.ensure_future(verb)
        stop = asyncio.create_task(self._interrupted.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise KeyboardInterrupt
            return await task
        finally:
            for one in (task, stop):
                one.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    async def _carry_out(self, verb: Coroutine[Any, Any, Any]) -> None:
        try:
            await verb
        except PyCallError as error:
            self.put(ErrorOccurred(error.code, error.message))

    def _take_terminal(self) -> None:
        self._keys.take()
        self._view.resume()

    def _give_terminal_back(self) -> None:
        self._keys.give_back()
        self._view.pause()

    def _interrupt(self) -> None:
        self._interrupted.set()
        self.put(Interrupt())
