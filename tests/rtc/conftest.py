"""Shared by the tests of the media connections: a real offer, and no leftovers after any test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.jumping import JumpingClock
from tests.rtc.stage import End, Stage
from tests.rtc.strays import Stranger


@pytest.fixture
async def offer() -> str:
    """What an End offers, untouched."""
    alice, bob = End("alice"), End("bob")
    stage = Stage(alice, bob)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def keep(signaled):  # type: ignore[no-untyped-def]
        found.set_result(signaled.sdp)

    stage.change = keep
    alice.mesh.open("bob", 0, offers=True)
    async with asyncio.timeout(5):
        sdp = await found
    await stage.close()
    return sdp


@pytest.fixture
async def stage_of(jumping_clock: JumpingClock) -> AsyncIterator[Callable[..., Stage]]:
    """Makes stages of ends that are not yet connected; closed, and nothing left, afterwards."""
    stages: list[Stage] = []

    def make(*ends: End, **settings: float) -> Stage:
        stages.append(Stage(*ends, **settings))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.close()
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task() and "test" not in t.get_name()] == []
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("pycall")] == []


@pytest.fixture
def pair(stage_of: Callable[..., Stage]) -> Stage:
    """alice with a tone of 440 Hz and bob with one of 880 Hz."""
    return stage_of(End("alice", tone=440), End("bob", tone=880))


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A UDP port of ours that never answers."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")[1]
    transport.close()
    await asyncio.sleep(0)
