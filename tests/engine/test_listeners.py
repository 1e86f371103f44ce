"""How events reach the application: order, isolation, bounds, and the end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pycall.core.errors import CallError, ErrorCode
from pycall.core.events import (
    CallBegan,
    CallReconnecting,
    ErrorOccurred,
    Event,
    SignalingLost,
    SignalingRestored,
    UserRinging,
    VoiceVolume,
)
from pycall.core.types import CallId
from pycall.listeners import EventStream, Listeners

RINGING = UserRinging(CallId("0" * 32), "bob")


@asynccontextmanager
async def listening() -> AsyncIterator[Listeners]:
    listeners = Listeners()
    try:
        yield listeners
    finally:
        await listeners.aclose()


async def test_a_listener_hears_its_type_only_and_event_hears_all() -> None:
    heard: list[str] = []
    async with listening() as listeners:
        listeners.on(SignalingLost, lambda event: heard.append("lost"))
        listeners.on(Event, lambda event: heard.append(type(event).__name__))
        listeners.announce(SignalingLost())
        listeners.announce(SignalingRestored())
    assert heard == ["lost", "SignalingLost", "SignalingRestored"]


async def test_listeners_run_in_order_of_registration_and_async_ones_to_their_end() -> None:
    heard: list[str] = []

    async def slow(event: SignalingLost) -> None:
        heard.append("begins")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        heard.append("ends")

    async with listening() as listeners:
        listeners.on(SignalingLost, slow)
        listeners.on(SignalingLost, lambda event: heard.append("second"))
        listeners.announce(SignalingLost())
    assert heard == ["begins", "ends", "second"]


async def test_a_listener_that_raises_is_logged_with_the_event_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[Event] = []

    def broken(event: SignalingLost) -> None:
        raise ValueError("oops")

    async def broken_too(event: SignalingLost) -> None:
        raise KeyError("oops")

    async with listening() as listeners:
        listeners.on(SignalingLost, broken)
        listeners.on(SignalingLost, broken_too)
        listeners.on(SignalingLost, heard.append)
        listeners.announce(SignalingLost())
        listeners.announce(SignalingLost())
    assert len(heard) == 2
    assert caplog.text.count("a listener for SignalingLost raised") == 4


async def test_unsubscribing_ends_only_that_registration() -> None:
    heard: list[str] = []

    def listener(event: Event) -> None:
        heard.append("x")

    async with listening() as listeners:
        first = listeners.on(SignalingLost, listener)
        listeners.on(SignalingLost, listener)
        first()
        first()
        listeners.announce(SignalingLost())
    assert heard == ["x"]


async def test_a_stream_gives_every_event_from_its_making_and_ends_with_the_engine() -> None:
    listeners = Listeners()
    listeners.announce(SignalingLost())
    await listeners.wait_for((SignalingLost,), 1)
    stream = listeners.events()
    listeners.announce(SignalingRestored())
    listeners.announce(RINGING)
    await listeners.aclose()
    assert [event async for event in stream] == [SignalingRestored(), RINGING]
    assert [event async for event in listeners.events()] == []


async def test_a_forgotten_stream_holds_no_events() -> None:
    async with listening() as listeners:
        async for _ in _announced(listeners, SignalingLost()):
            break
        gc.collect()
        assert len(listeners._streams) == 0


def _announced(listeners: Listeners, event: Event) -> EventStream:
    stream = listeners.events()
    listeners.announce(event)
    return stream


async def test_waiting_one_after_the_other_misses_nothing_announced_together() -> None:
    async with listening() as listeners:
        for event in [SignalingLost(), SignalingRestored(), RINGING]:
            asyncio.get_running_loop().call_soon(listeners.announce, event)
        assert await listeners.wait_for((SignalingLost,), 1) == SignalingLost()
        assert await asyncio.wait_for(listeners.wait_for((SignalingRestored,), 1), 1) == SignalingRestored()
        assert await listeners.wait_for((CallBegan, UserRinging), 1) == RINGING


async def test_waiting_has_an_end() -> None:
    async with listening() as listeners:
        with pytest.raises(TimeoutError):
            await listeners.wait_for((SignalingLost,), 0.01)
        assert listeners._waiters == []


async def test_waiting_ends_when_the_engine_closes() -> None:
    listeners = Listeners()
    waiting = asyncio.create_task(listeners.wait_for((SignalingLost,), None))
    await asyncio.sleep(0)
    await listeners.aclose()
    with pytest.raises(CallError) as caught:
        await waiting
    assert caught.value.code is ErrorCode.WRONG_STATE
    with pytest.raises(CallError):
        await listeners.wait_for((SignalingLost,), None)


async def test_a_listener_may_wait_for_a_later_event() -> None:
    heard: list[Event] = []
    async with listening() as listeners:

        async def patient(event: SignalingLost) -> None:
            heard.append(await listeners.wait_for((SignalingRestored,), 1))

        listeners.on(SignalingLost, patient)
        listeners.announce(SignalingLost())
        await listeners.wait_for((SignalingLost,), 1)
        listeners.announce(SignalingRestored())
    assert heard == [SignalingRestored()]


async def test_a_listener_that_never_ends_is_cancelled_on_close(caplog: pytest.LogCaptureFixture) -> None:
    listeners = Listeners()

    async def stuck(event: SignalingLost) -> None:
        await asyncio.Event().wait()

    listeners.on(SignalingLost, stuck)
    listeners.announce(SignalingLost())
    await asyncio.wait_for(listeners.aclose(), 3)
    assert "took longer" in caplog.text
    assert all(task.done() for task in listeners._tasks)


async def test_a_listener_may_close_everything() -> None:
    listeners = Listeners()
    closed = asyncio.Event()

    async def close(event: SignalingLost) -> None:
        await listeners.aclose()
        closed.set()

    listeners.on(SignalingLost, close)
    listeners.announce(SignalingLost())
    await asyncio.wait_for(closed.wait(), 2)
    await asyncio.wait_for(listeners._tasks[1], 1)


async def test_a_full_stream_drops_the_oldest_periodic_event_first(caplog: pytest.LogCaptureFixture) -> None:
    stream = EventStream(limit=3)
    for event in [RINGING, VoiceVolume({"bob": 1}), VoiceVolume({"bob": 2}), SignalingLost(), SignalingRestored()]:
        stream.put(event)
    assert caplog.text == ""
    stream.put(CallReconnecting(CallId("0" * 32)))
    assert "UserRinging, was dropped" in caplog.text
    stream.close()
    assert [type(event).__name__ async for event in stream] == [
        "SignalingLost",
        "SignalingRestored",
        "CallReconnecting",
    ]
    assert stream.dropped == 3


async def test_a_slow_listener_does_not_delay_streams() -> None:
    gate = asyncio.Event()

    async def slow(event: ErrorOccurred) -> None:
        await gate.wait()

    async with listening() as listeners:
        listeners.on(ErrorOccurred, slow)
        stream = listeners.events()
        for number in range(5):
            listeners.announce(ErrorOccurred(ErrorCode.CODEC, str(number)))
        got = [await asyncio.wait_for(anext(stream), 1) for _ in range(5)]
        assert len(got) == 5
        gate.set()
