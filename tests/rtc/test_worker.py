"""The codec's thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pycall.rtc.worker import Worker


async def test_jobs_run_in_the_thread_and_results_come_back_on_the_loop() -> None:
    worker = Worker("pycall-test", depth=2)
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    assert worker.post(lambda: worker.report(told.set_result, threading.current_thread().name))
    assert await asyncio.wait_for(told, 5) == "pycall-test"
    await worker.stop()
    assert "pycall-test" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_thread_that_an_unknown_error_has_ended_is_not_waited_for() -> None:
    class Strange(Exception): ...

    def broken() -> None:
        raise Strange

    worker = Worker("pycall-test", depth=2)
    worker.post(broken)
    await asyncio.wait_for(worker.stop(), 5)


async def test_a_codec_that_hangs_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    worker, busy, go_on = Worker("pycall-test", depth=1), threading.Event(), threading.Event()

    def hang() -> None:
        busy.set()
        go_on.wait(30)

    worker.post(hang)
    await asyncio.to_thread(busy.wait, 5)
    await asyncio.wait_for(worker.stop(), 5)
    assert "left behind" in caplog.text
    go_on.set()
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
