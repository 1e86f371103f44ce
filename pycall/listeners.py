"""How events reach the application: listeners by type, streams of everything, and waiting for one.

    driver ─► inbox ─► pump ─┬─► each stream of `events()`
                             ├─► each waiter of `wait_for()`
                             └─► queue ─► listeners, one after the other, each awaited

The pump never waits for the application, so a slow listener delays only other listeners: a listener may itself wait for
an event. Every queue holds at most 1024 events; beyond that the oldest periodic one (volumes, quality, statistics) is
dropped, and only if there is none the oldest of all, with an error in the log.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from pycall.core.errors import CallError, ErrorCode
from pycall.core.events import Event, MediaStatistics, NetworkQualityChanged, VoiceVolume

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
QUEUE_EVENTS = 1024
CLOSE_SECONDS = 1.0
"""How long listeners may still work on the last events when the engine closes."""
COURTESY_TURNS = 4
"""Turns of the loop left to an awaiting task between two events, so that it can ask for the next one in time."""
_PERIODIC = (VoiceVolume, NetworkQualityChanged, MediaStatistics)


class EventStream(AsyncIterator[Event]):
    """Events in order, from the moment it was made until the engine closes. For one reader."""

    def __init__(self, limit: int = QUEUE_EVENTS) -> None:
        self.dropped = 0
        self._limit = limit
        self._events: deque[Event] = deque()
        self._news = asyncio.Event()
        self._closed = False

    def put(self, event: Event) -> None:
        """Never waits; makes room by dropping an older event if it must."""
        if len(self._events) >= self._limit:
            self._make_room()
        self._events.append(event)
        self._news.set()

    def close(self) -> None:
        """What is in it can still be read; then it ends."""
        self._closed = True
        self._news.set()

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    def _make_room(self) -> None:
        self.dropped += 1
        for index, event in enumerate(self._events):
            if isinstance(event, _PERIODIC):
                del self._events[index]
                return
        lost = self._events.popleft()
        log.error("%d events wait to be read; the oldest, %s, was dropped", self._limit, type(lost).__name__)


class Listeners:
    """Everybody who wants to hear of events. Made anywhere, used on the event loop."""

    def __init__(self) -> None:
        self._listeners: list[tuple[type[Event], Callable[..., object]]] = []
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._waiters: list[tuple[tuple[type[Event], ...], asyncio.Future[Event]]] = []
        self._inbox = EventStream()
        self._work = EventStream()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def announce(self, event: Event) -> None:
        """Take an event over; returns at once, calls nobody."""
        if not self._tasks and not self._closed:
            self._tasks = [
                asyncio.create_task(self._pump(), name="engine events"),
                asyncio.create_task(self._listen(), name="engine listeners"),
            ]
        self._inbox.put(event)

    def on(self, event_type: type[E], listener: Callable[[E], object]) -> Callable[[], None]:
        """Call `listener` with each event of that type (or a subtype); gives a function that ends it."""
        entry = (event_type, listener)
        self._listeners.append(entry)

        def unsubscribe() -> None:
            self._listeners[:] = [other for other in self._listeners if other is not entry]

        return unsubscribe

    def events(self) -> EventStream:
        """Every event from now on."""
        stream = EventStream()
        if self._closed:
            stream.close()
        self._streams.add(stream)
        return stream

    async def wait_for(self, types: tuple[type[E], ...], timeout: float | None) -> E:
        """The next event of one of these types; raises `TimeoutError`, or `CallError` if the engine closes first."""
        if self._closed:
            raise _closed_error()
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        entry = (types, future)
        self._waiters.append(entry)
        try:
            async with asyncio.timeout(timeout):
                event = await future
        finally:
            self._waiters[:] = [other for other in self._waiters if other is not entry]
        assert isinstance(event, types)
        return event

    async def aclose(self) -> None:
        """Deliver what is still queued, for up to a second, and end. May be called twice, and by a listener."""
        self._closed = True
        self._inbox.close()
        mine = asyncio.current_task()
        others = [task for task in self._tasks if task is not mine]
        if others:
            _, late = await asyncio.wait(others, timeout=CLOSE_SECONDS)
            for task in late:
                log.warning("a listener took longer than %.0f s to finish; it was cancelled", CLOSE_SECONDS)
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._end_streams()

    def _end_streams(self) -> None:
        self._work.close()
        for stream in list(self._streams):
            stream.close()
        for _, future in self._waiters:
            if not future.done():
                future.set_exception(_closed_error())

    async def _pump(self) -> None:
        async for event in self._inbox:
            await self._courtesy()
            self._deliver(event)
        self._end_streams()

    def _deliver(self, event: Event) -> None:
        for stream in list(self._streams):
            stream.put(event)
        self._work.put(event)
        for types, future in self._waiters:
            if isinstance(event, types) and not future.done():
                future.set_result(event)

    async def _courtesy(self) -> None:
        """A task that was just given a verb's answer or an event asks for its next event now."""
        for _ in range(COURTESY_TURNS):
            await asyncio.sleep(0)

    async def _listen(self) -> None:
        async for event in self._work:
            for event_type, listener in list(self._listeners):
                if isinstance(event, event_type):
                    await self._call(listener, event)

    async def _call(self, listener: Callable[..., object], event: Event) -> None:
        try:
            result = listener(event)
            if inspect.isawaitable(result):
                await result
        except Exception:  # the application's own code
            log.exception("a listener for %s raised", type(event).__name__)


def _closed_error() -> CallError:
    return CallError(ErrorCode.WRONG_STATE, "the engine was closed")
