"""What is measured: idle users, logins, calls, a burst, a dead callback target; each on a server of its own."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pycall.signaling.back_off import back_off

from .callbacks import BOTH_SIDES, send_callbacks_to
from .calls import Outcome, make_calls, percentile
from .hooks import never_answering, receiving
from .phone import Crowd, Lost, Phone, Refused
from .server import Meter, ServerProcess

SETTLE_SECONDS = 1.0
LOGIN_ATTEMPTS = 8
PRIVATE = "--callbacks-allow-private"


@dataclass(frozen=True)
class Figure:
    """One line of the table. `aim` is the most (or the least, if `at_least`) that is wanted."""

    scenario: str
    name: str
    value: float
    aim: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim


@dataclass
class Bench:
    """How long and how much, where, and what came out."""

    folder: Path
    seconds: float | None
    fast: bool
    cores: tuple[int | None, int | None]
    figures: list[Figure] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def last(self, usual: float) -> float:
        """How long a measurement takes that usually takes this many seconds."""
        return self.seconds or (usual / 10 if self.fast else usual)

    def some(self, usual: int) -> int:
        """How many of what usually are this many."""
        return max(10, usual // 10) if self.fast else usual

    def people(self, rate: float) -> int:
        """So many that nobody calls more than five times a minute, and that somebody is free at any time."""
        return 2 * round(min(rate, 60.0) * (3 if self.fast else 12))

    def note(self, scenario: str, name: str, value: float, aim: float | None = None, at_least: bool = False) -> None:
        self.figures.append(Figure(scenario, name, round(value, 3), aim, at_least))

    @asynccontextmanager
    async def server(
        self, *arguments: str, program: type[ServerProcess] = ServerProcess
    ) -> AsyncIterator[ServerProcess]:
        """A fresh server with an empty database."""
        folder = self.folder / f"server-{next(self.numbers)}"
        folder.mkdir()
        server = program(folder, *arguments, core=self.cores[0])
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


async def idle(bench: Bench) -> None:
    """Users who do nothing but stay."""
    users, seconds = bench.some(5000), bench.last(60)
    async with bench.server() as server, Crowd(server) as crowd:
        await crowd.sign_in(50)
        before = Meter(server.process).rss()
        await crowd.sign_in(users)
        await asyncio.sleep(SETTLE_SECONDS)
        meter = Meter(server.process)
        await asyncio.sleep(seconds)
        bench.note("idle", f"KiB per user of {users}", (meter.rss() - before) / users, 40)
        bench.note("idle", "core %", meter.core(), 15 * users / 5000)


async def logins(bench: Bench) -> None:
    """Users who come, with the check of their tickets."""
    rate, seconds = 300.0, bench.last(20)
    async with bench.server() as server, Crowd(server) as crowd:
        meter = Meter(server.process)
        taken, failures = await _logins(crowd, rate, seconds)
        bench.note("logins", "done of those tried %", 100 * len(taken) / round(rate * seconds), 100, at_least=True)
        for what, count in failures.items():
            bench.note("logins", f"had to come back: {what}", count)
        bench.note("logins", "p99 ms", percentile(taken, 99))
        bench.note("logins", "core %", meter.core(), 100)
        bench.note("logins", "CPU ms each", 1000 * meter.seconds() / max(1, len(taken)))


async def _logins(crowd: Crowd, rate: float, seconds: float) -> tuple[list[float], Counter[str]]:
    """Milliseconds of each until it was in; who is sent away, or lost, comes back as a client does. Why they had to."""
    taken: list[float] = []
    failures: Counter[str] = Counter()

    async def one(phone: Phone) -> None:
        at = time.perf_counter()
        for attempt in range(LOGIN_ATTEMPTS):
            try:
                await phone.login()
            except (Lost, Refused) as error:
                failures[f"{type(error).__name__} {error}"] += 1
                await asyncio.sleep(back_off(attempt + 1))
            else:
                taken.append(1000 * (time.perf_counter() - at))
                return

    begun = time.perf_counter()
    tasks = []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(crowd.phone(f"guest-{number}"))))
    await asyncio.gather(*tasks)
    return taken, failures


async def calls(bench: Bench) -> None:
    """A busy hour: calls with callbacks to both sides' events."""
    rate, seconds = 50.0, bench.last(120)
    async with bench.server(PRIVATE) as server, receiving() as receiver, Crowd(server) as crowd:
        await send_callbacks_to(server, receiver.url, BOTH_SIDES)
        outcome, core, cpu = await _busy(bench, crowd, server, rate, seconds)
        await receiver.quiet(3.0, 120)
        _note_calls(bench, "calls", outcome)
        bench.note("calls", "ring p99 ms", percentile(outcome.rings, 99), 100)
        bench.note("calls", "failed %", outcome.figures()["failed %"], 0.1)
        bench.note("calls", "core %", core, 80)
        bench.note("calls", "CPU ms each", cpu)
        told = {(call_id, command) for call_id, command, _ in receiver.ids}
        lost = sum((call_id, command) not in told for call_id in outcome.call_ids for command in BOTH_SIDES)
        bench.note("calls", "callbacks", receiver.count)
        bench.note("calls", "callbacks lost", lost, 0)


async def burst(bench: Bench) -> None:
    """Four times as many, for a short while."""
    rate, seconds = 200.0, bench.seconds or (3.0 if bench.fast else 10.0)
    async with bench.server(PRIVATE) as server, receiving() as receiver, Crowd(server) as crowd:
        await send_callbacks_to(server, receiver.url, BOTH_SIDES)
        outcome, core, _ = await _busy(bench, crowd, server, rate, seconds)
        _note_calls(bench, "burst", outcome)
        bench.note("burst", "ring p99 ms", percentile(outcome.rings, 99), 1000)
        bench.note("burst", "lost calls", outcome.attempts - outcome.done, 0)
        bench.note("burst", "core %", core)


async def dead_target(bench: Bench) -> None:
    """The same calls with callbacks that arrive, and with a target that never answers; on one server, in turns."""
    rate, seconds = 50.0, bench.last(30)
    rings: dict[str, list[float]] = {"alive": [], "dead": []}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(bench.server(PRIVATE))
        receiver = await stack.enter_async_context(receiving())
        dead = await stack.enter_async_context(never_answering())
        crowd = await stack.enter_async_context(Crowd(server))
        phones = await crowd.sign_in(bench.people(rate))
        for name in ("alive", "dead", "dead", "alive"):
            await send_callbacks_to(server, receiver.url if name == "alive" else dead, BOTH_SIDES)
            outcome = await make_calls(phones, rate, seconds / 2, 1.0)
            rings[name] += outcome.rings
    for name, found in rings.items():
        bench.note("dead target", f"ring p50 ms, {name}", percentile(found, 50))
        bench.note("dead target", f"ring p99 ms, {name}", percentile(found, 99))
    alive, after = percentile(rings["alive"], 99), percentile(rings["dead"], 99)
    bench.note("dead target", "p99 changes by %", 100 * (after - alive) / max(alive, 0.001), 10)


async def _busy(
    bench: Bench, crowd: Crowd, server: ServerProcess, rate: float, seconds: float
) -> tuple[Outcome, float, float]:
    """Calls; percent of a core used meanwhile, and CPU milliseconds per call."""
    phones = await crowd.sign_in(bench.people(rate))
    gc.collect()
    meter = Meter(server.process)
    outcome = await make_calls(phones, rate, seconds, min(10.0, seconds / 3, 0.35 * len(phones) / rate))
    return outcome, meter.core(), 1000 * meter.seconds() / max(1, outcome.done)


def _note_calls(bench: Bench, scenario: str, outcome: Outcome) -> None:
    for name in ("calls", "ring p50 ms", "answer p99 ms", "end p99 ms"):
        bench.note(scenario, name, outcome.figures()[name])
    if outcome.late:
        bench.note(scenario, "not begun, nobody was free", outcome.late)
    for what, count in outcome.failures.items():
        bench.note(scenario, f"failed: {what}", count)
