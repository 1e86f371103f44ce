"""When a connection is looked after: behind what came together, at most every 10 ms, and as soon as it wants anyhow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pycall.rtc.pulse import Pulse


class Looks:
    """Counts them."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.came = asyncio.Event()

    def __call__(self, now: float) -> float:
        self.at.append(now)
        self.came.set()
        return 0.04

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.at) < count:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def running(pulse: Pulse) -> AsyncIterator[None]:
    task = asyncio.create_task(pulse.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_without_anything_coming_it_looks_all_the_same() -> None:
    looks = Looks()
    async with running(Pulse(looks)):
        await looks.until(4)
    assert all(after - before > 0.035 for before, after in zip(looks.at, looks.at[1:], strict=False))
    count = len(looks.at)
    await asyncio.sleep(0)
    assert len(looks.at) == count


async def test_one_look_follows_what_came_together_and_none_so_soon_after_another() -> None:
    looks = Looks()
    pulse = Pulse(looks)
    async with running(pulse):
        await looks.until(1)
        pulse.came(looks.at[0] + 0.005)
        await asyncio.sleep(0)
        assert len(looks.at) == 1
        for _ in range(10):
            pulse.came(looks.at[0] + 0.011)
        await asyncio.sleep(0)
        assert len(looks.at) == 2


async def test_before_and_after_its_time_nothing_is_looked_at() -> None:
    looks = Looks()
    pulse = Pulse(looks)
    pulse.came(1e9)
    await asyncio.sleep(0)
    async with running(pulse):
        await looks.until(1)
        pulse.came(1e9)
        pulse.close()
    count = len(looks.at)
    pulse.came(2e9)
    await asyncio.sleep(0)
    assert len(looks.at) == count == 1


async def test_what_a_look_raises_is_raised_where_it_runs() -> None:
    def broken(now: float) -> float:
        raise ZeroDivisionError

    async with asyncio.timeout(5):
        with pytest.raises(ZeroDivisionError):
            await Pulse(broken).run()
