"""The codec's thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pycall.rtc.worker import Worker


async def test_results_and_errors_come_back_on_the_loop() -> None:
    worker = Worker("pycall-test", depth=2)
    assert await worker.run(lambda: threading.current_thread().name) == "pycall-test"

    def broken() -> None:
        raise ValueError("bad picture")

    with pytest.raises(ValueError, match="bad picture"):
        await worker.run(broken)
    assert await worker.run(lambda: 7) == 7
    await worker.stop()
    assert "pycall-test" not in [thread.name for thread in threading.enumerate()]


async def test_more_than_its_depth_is_refused_and_counted() -> None:
    worker = Worker("pycall-test", depth=2)
    busy, go_on = threading.Event(), threading.Event()

    def job() -> None:
        busy.set()
        go_on.wait(5)

    assert worker.post(job)
    await asyncio.to_thread(busy.wait, 5)
    assert [worker.post(job) for _ in range(4)] == [True, True, False, False]
    assert worker.dropped == 2
    assert await worker.run(lambda: 1) is None
    go_on.set()
    await worker.stop()


async def test_stopping_drops_what_waits_and_may_be_repeated() -> None:
    worker = Worker("pycall-test", depth=5)
    busy, go_on, ran = threading.Event(), threading.Event(), []

    def job() -> None:
        busy.set()
        go_on.wait(5)

    worker.post(job)
    await asyncio.to_thread(busy.wait, 5)
    worker.post(lambda: ran.append(1))
    stopping = [asyncio.ensure_future(worker.stop()) for _ in range(2)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*stopping)
    assert ran == []
    assert not worker.post(lambda: None)
