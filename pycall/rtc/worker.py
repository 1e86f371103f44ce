"""One named thread for one codec: work goes in by a short queue, results come back on the event loop."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

import av

T = TypeVar("T")
Job = Callable[[], None]

CODEC_ERRORS = (
    av.FFmpegError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a codec can raise on pictures and bytes that somebody else made; it costs the frame, never the thread."""

STOP_SECONDS = 1.0
"""That the job in hand may take at the end: a driver may hang."""

logger = logging.getLogger(__name__)


class Worker:
    """Runs jobs one after the other. The thread is a daemon: it never keeps a process alive."""

    def __init__(self, name: str, *, depth: int) -> None:
        self.dropped = 0
        """Jobs refused because `depth` of them were waiting."""
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job | None] = (
            queue.SimpleQueue()
        )  # `post` alone fills it, no further than `depth`
        self._depth = depth
        self._stopping = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def post(self, job: Job) -> bool:
        """False, and nothing is run, if too many jobs are waiting or the worker is stopping."""
        if self._stopping or self._jobs.qsize() >= self._depth:
            self.dropped += 1
            return False
        self._jobs.put(job)
        return True

    def report(self, callback: Callable[[T], None], value: T) -> None:
        """From the thread: call `callback(value)` on the loop; nothing once the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(callback, value)
        except RuntimeError:
            logger.debug("loop closed before a result of %s was taken", threading.current_thread().name)

    async def stop(self) -> bool:
        """Ends the thread after the job in hand; jobs still waiting are dropped. False: a codec hangs and is left
        behind, with its thread."""
        if not self._stopping:
            self._stopping = True
            while not self._jobs.empty():
                try:
                    self._jobs.get_nowait()
                except queue.Empty:
                    break
            self._jobs.put(None)
        await asyncio.wait({self._ended}, timeout=STOP_SECONDS)
        if not self._ended.done():
            logger.warning("%s does not end; its thread is left behind", self._thread.name)
            return False
        self._thread.join()
        return True

    def _run(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                job()
        finally:
            self.report(self._end, None)

    def _end(self, _: None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
