"""A clock that jumps: time passes only while a test's loop has nothing to do but wait, and then at once.

For tests whose sockets, timers and codecs are all in this process: what they say of seconds is exact on any machine.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any, Protocol, cast
from weakref import WeakSet

import pytest

from pycall.rtc import datagrams
from pycall.rtc.worker import Worker

GRACE = 0.001
"""Real seconds for the kernel to hand over what was sent on loopback, before the clock jumps."""
PATIENCE = 3000
"""So many times GRACE a job in a thread is waited for: it may hang, and a test may want it to."""


class _SelectorLoop(Protocol):
    """What asyncio's loops keep their sockets in."""

    _selector: selectors.BaseSelector


class JumpingClock:
    """What `time.monotonic()` gives while it is installed; the loop's own time is that too."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self._jobs: WeakSet[Any] = WeakSet()
        """In threads, and not done; one that is thrown away unfinished is gone from here by itself."""

    def install(self, loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(time, "monotonic", lambda: self.now)
        patch.setattr(datagrams, "_stamp", lambda ancillary, now, wall: None)  # the kernel's clock does not jump
        self._watch_selector(cast(_SelectorLoop, loop)._selector, patch)
        self._watch_threads(loop, patch)

    def _watch_selector(self, selector: selectors.BaseSelector, patch: pytest.MonkeyPatch) -> None:
        wait = selector.select

        def select(timeout: float | None = None) -> Any:
            if timeout is None:
                return wait(None)
            ready, left = wait(0), PATIENCE
            if ready or timeout == 0:
                return ready
            ready = wait(GRACE)
            while not ready and self._jobs and left:
                ready, left = wait(GRACE), left - 1
            if not ready:
                self.now += timeout
            return ready

        patch.setattr(selector, "select", select)

    def _watch_threads(self, loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch) -> None:
        run, post, stop = loop.run_in_executor, Worker.post, Worker.stop

        def run_in_executor(executor: Any, work: Callable[..., Any], *args: Any) -> Any:
            job = run(executor, work, *args)
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)
            return job

        def watched_post(worker: Worker, work: Callable[[], None]) -> bool:
            return post(worker, _Job(work, self._jobs))

        async def watched_stop(worker: Worker) -> bool:
            self._jobs.add(worker)
            try:
                return await stop(worker)
            finally:
                self._jobs.discard(worker)

        patch.setattr(loop, "run_in_executor", run_in_executor)
        patch.setattr(Worker, "post", watched_post)
        patch.setattr(Worker, "stop", watched_stop)


class _Job:
    """Known to be unfinished until it has run."""

    def __init__(self, work: Callable[[], None], jobs: WeakSet[Any]) -> None:
        self._work, self._jobs = work, jobs
        jobs.add(self)

    def __call__(self) -> None:
        try:
            self._work()
        finally:
            self._jobs.discard(self)
