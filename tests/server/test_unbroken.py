"""Whoever is cancelled in the middle of a transaction leaves nothing half done and locks nobody out."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from signaling_server.outbox import Failed, Outbox
from signaling_server.store import Store
from signaling_server.unbroken import unbroken, whole


async def test_cancelled_transactions_leave_the_database_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling_server.database.BUSY_MILLISECONDS", 100)
    store = await Store.open(str(tmp_path / "b.db"), app_id=1)
    outbox, failed = Outbox(store), Failed(id=2, attempts=1, due_at=1.0, error="x")
    chance = random.Random(1)
    for _ in range(400):
        task = asyncio.create_task(outbox.settle([1, 3], [failed]))
        async with asyncio.timeout(5):
            await asyncio.wait([task], timeout=chance.random() * 0.006)
            task.cancel()
            await asyncio.wait([task])
        await store.check()
    await store.close()


async def test_cancelled_work_ends_first() -> None:
    begun, go, ended = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await go.wait()
        ended.append(True)

    task = asyncio.create_task(unbroken(work()))
    await begun.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done() and not ended
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_results_and_errors_pass_through_also_one_inside_another() -> None:
    @whole
    async def divide(by: int) -> float:
        return await unbroken(inner(by))

    async def inner(by: int) -> float:
        return 6 / by

    assert await divide(3) == 2.0
    with pytest.raises(ZeroDivisionError):
        await divide(0)


async def test_an_error_of_cancelled_work_is_not_lost_on_the_loop() -> None:
    go = asyncio.Event()

    async def fail() -> None:
        await go.wait()
        raise ValueError

    task = asyncio.create_task(unbroken(fail()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
