"""What is pushed in any thread comes out on the loop, in order, bounded, and harms nobody at the end."""

from __future__ import annotations

import asyncio
import threading

from pycall.media.bridge import Bridge


async def test_items_arrive_on_the_loop_in_order() -> None:
    got: list[int] = []
    done = asyncio.Event()
    home = threading.get_ident()

    def deliver(item: int) -> None:
        assert threading.get_ident() == home
        got.append(item)
        if item == 199:
            done.set()

    bridge = Bridge(asyncio.get_running_loop(), deliver, 200)
    await asyncio.to_thread(lambda: [bridge.push(n) for n in range(200)])
    await asyncio.wait_for(done.wait(), 2.0)
    assert got == list(range(200))
    assert bridge.dropped == 0


async def test_a_busy_loop_gets_the_newest_and_counts_what_was_dropped() -> None:
    got: list[int] = []
    bridge = Bridge(asyncio.get_running_loop(), got.append, 3)
    for n in range(10):
        bridge.push(n)
    await asyncio.sleep(0)
    assert got == [7, 8, 9]
    assert bridge.dropped == 7


async def test_nothing_arrives_after_close() -> None:
    got: list[int] = []
    bridge = Bridge(asyncio.get_running_loop(), got.append, 3)
    bridge.push(1)
    bridge.close()
    bridge.push(2)
    await asyncio.sleep(0)
    assert got == []


def test_a_closed_loop_is_tolerated() -> None:
    loop = asyncio.new_event_loop()
    got: list[int] = []
    bridge = Bridge(loop, got.append, 3)
    loop.close()
    bridge.push(1)
    bridge.push(2)
    assert got == []
