"""One end of the soak, a process of its own: a whole engine that calls, or answers whoever calls; JSON lines out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import Any

from pycall import CallBegan, CallEnded, CallEngine, CallNotConnected, CallReceived, EngineConfig, MediaType

BEGIN_SECONDS = 30.0
TALK_SECONDS = 1.0
SAMPLE_SECONDS = 10.0
OVER = (CallEnded, CallNotConnected)


def sample() -> dict[str, float]:
    """Memory in megabytes, as it is, with whatever nobody has collected yet; descriptors, threads and tasks."""
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
    }


def tell(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


async def answer(engine: CallEngine) -> None:
    """Every call, until the process is ended; a sample every second."""
    tell(ready=True)
    telling = asyncio.create_task(tell_often())
    try:
        async for event in engine.events():
            if isinstance(event, CallReceived):
                await engine.accept()
    finally:
        telling.cancel()


async def tell_often() -> None:
    while True:
        await asyncio.sleep(TALK_SECONDS)
        tell(**sample())


async def talk(engine: CallEngine, seconds: float) -> bool:
    """One call from dialing to its end; False if it did not come about."""
    await engine.call("far", MediaType.VIDEO)
    if isinstance(await engine.wait_for((CallBegan, *OVER), BEGIN_SECONDS), OVER):
        return False
    if seconds <= TALK_SECONDS:
        await asyncio.sleep(seconds)
    for _ in range(int(seconds / SAMPLE_SECONDS)):
        await asyncio.sleep(SAMPLE_SECONDS)
        tell(**sample())
    still = engine.state is not None
    if still:
        await engine.hangup()
        await engine.wait_for(OVER, BEGIN_SECONDS)
    return still


async def many(engine: CallEngine, calls: int) -> None:
    """Calls of a second in a row, with a sample after each."""
    failed = 0
    for _ in range(calls):
        failed += not await talk(engine, TALK_SECONDS)
        await asyncio.sleep(0.2)
        tell(**sample())
    tell(failed=failed)


async def main(role: dict[str, Any]) -> None:
    sources = {"audio_source": "tone:440", "video_source": "pattern", "audio_sink": "null", "video_sink": "null"}
    config = EngineConfig(server=role["server"], app_id=role["app_id"], video_profile=role["profile"], **sources)
    async with CallEngine(config) as engine:
        await engine.login(role["name"], role["ticket"])
        if role["name"] == "far":
            await answer(engine)
        elif role["calls"]:
            await many(engine, role["calls"])
        else:
            tell(failed=int(not await talk(engine, role["seconds"])))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
