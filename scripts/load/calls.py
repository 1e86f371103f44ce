"""Call attempts at a steady rate, whatever becomes of those before: invite, accept, media, hang up."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from pycall.core import wire
from pycall.core.types import MediaType

from .phone import ANSWER_SECONDS, Lost, Phone, Refused

WARM_SECONDS = 1.0
"""Calls that begin earlier do not count in the latencies."""


@dataclass
class Outcome:
    """What became of the calls. Times are in milliseconds."""

    attempts: int = 0
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    late: int = 0
    """Attempts that the generator could not begin in time, for want of free users."""
    rings: list[float] = field(default_factory=list)
    """From the invitation until the callee was told."""
    answers: list[float] = field(default_factory=list)
    """From the accept until the caller was told."""
    ends: list[float] = field(default_factory=list)
    """From the hang-up until the other was told."""
    call_ids: list[str] = field(default_factory=list)
    """Of the calls that went as they should."""

    def figures(self) -> dict[str, float]:
        return {
            "calls": self.done,
            "failed %": round(100 * sum(self.failures.values()) / max(1, self.attempts), 3),
            "ring p50 ms": percentile(self.rings, 50),
            "ring p99 ms": percentile(self.rings, 99),
            "answer p99 ms": percentile(self.answers, 99),
            "end p99 ms": percentile(self.ends, 99),
        }


async def make_calls(phones: list[Phone], rate: float, seconds: float, hold: float) -> Outcome:
    """Open loop: `rate` attempts a second for `seconds`; each call talks for `hold` seconds."""
    outcome = Outcome()
    free = deque(zip(phones[::2], phones[1::2], strict=True))
    begun = time.perf_counter()
    running: set[asyncio.Task[None]] = set()
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        if not free:
            outcome.late += 1
            continue
        outcome.attempts += 1
        counts = time.perf_counter() - begun >= min(WARM_SECONDS, seconds / 10)
        task = asyncio.create_task(_one(free, hold, outcome, counts))
        running.add(task)
        task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(running)
    return outcome


async def _one(free: deque[tuple[Phone, Phone]], hold: float, outcome: Outcome, counts: bool) -> None:
    caller, callee = free.popleft()
    call_id = secrets.token_hex(16)
    try:
        times = await call(caller, callee, call_id, hold)
    except (Lost, Refused, TimeoutError) as error:
        outcome.failures[f"{type(error).__name__} {error}"] += 1
    else:
        outcome.done += 1
        outcome.call_ids.append(call_id)
        if counts:
            for kept, value in zip((outcome.rings, outcome.answers, outcome.ends), times, strict=True):
                kept.append(value * 1000)
    free.append((callee, caller))


async def call(caller: Phone, callee: Phone, call_id: str, hold: float) -> tuple[float, float, float]:
    """One whole call; the seconds until the other was told of the ring, the answer and the end."""
    async with asyncio.timeout(3 * ANSWER_SECONDS + hold):
        rang, joined = callee.expect(wire.Invited, call_id), caller.expect(wire.Joined, call_id)
        ended = callee.expect(wire.Ended, call_id)
        began = time.perf_counter()
        await caller.ask(wire.Invite, call_id=call_id, callees=(callee.user_id,), media=MediaType.AUDIO, timeout=30)
        ring = await rang - began
        began = time.perf_counter()
        await callee.ask(wire.Accept, call_id=call_id)
        answer = await joined - began
        await caller.say(wire.PeerReport(call_id=call_id, user_id=callee.user_id, up=True))
        await callee.say(wire.PeerReport(call_id=call_id, user_id=caller.user_id, up=True))
        await asyncio.sleep(hold)
        began = time.perf_counter()
        await caller.ask(wire.Hangup, call_id=call_id)
        end = await ended - began
    return ring, answer, end


def percentile(values: list[float], percent: float) -> float:
    """By rank; 0 of nothing."""
    ranked = sorted(values)
    return round(ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))], 3) if ranked else 0.0
