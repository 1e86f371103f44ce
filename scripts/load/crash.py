"""Trouble at random moments under load, kill -9 above all: what was answered must be there afterwards, once."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from pycall.core import wire
from pycall.core.types import MediaType
from pycall.signaling.back_off import BackOff

from .callbacks import START_AND_END, send_callbacks_to
from .calls import percentile
from .hooks import Receiver, receiving
from .phone import Absent, Crowd, Lost, Phone, Refused
from .server import ServerProcess
from .troubles import TROUBLES
from .witness import Book, Witness, compare, compare_callbacks

BACK_SECONDS = 10.0
BACK_SHARE = 0.95
CALLS_AT_ONCE = 8
QUIET_SECONDS = 90.0
"""For calls whose members were cut to end by themselves."""


class Survivor:
    """A phone that signs in again by itself, as pycall's own client does, and hangs up what it finds there."""

    def __init__(self, phone: Phone, witness: Witness) -> None:
        self.phone = phone
        self.busy = False
        self.call_id: str | None = None
        self._witness = witness
        self._task: asyncio.Task[None] | None = None
        phone.on_lost = lambda _: self._come_back()
        phone.on_message = self._hear

    @property
    def here(self) -> bool:
        return self.phone.welcome is not None

    def _hear(self, message: wire.Message) -> None:
        if isinstance(message, wire.Ended):
            self._witness.ended(self.phone.user_id, message)

    def _come_back(self) -> None:
        self._task = asyncio.create_task(self._try())

    async def _try(self) -> None:
        pauses = BackOff()
        for _ in range(1000):
            await asyncio.sleep(pauses.wait())
            try:
                welcome = await self.phone.login(self.call_id)
            except Absent:
                pauses.nobody_listens()
                continue
            except (Lost, Refused):
                continue
            if welcome.ended is not None:
                self._witness.over.setdefault(welcome.ended.call_id, set()).add(welcome.ended.reason.value)
            if welcome.call is not None:
                await self._leave(welcome.call.call_id)
            return

    async def _leave(self, call_id: str) -> bool:
        """True once the server has taken the hang-up."""
        try:
            await self.phone.ask(wire.Hangup, call_id=call_id)
        except (Lost, Refused):
            return False
        return True

    async def give_up(self, call_id: str) -> None:
        """Something went wrong with this call: leave it, as soon as the server is there to take it."""
        done = False
        while not done:
            await asyncio.sleep(0.05)
            done = self.here and await self._leave(call_id)

    async def end(self) -> None:
        """Come back for the last time, and hang up."""
        if self._task is not None:
            await asyncio.wait_for(self._task, 60)
        if self.call_id is not None:
            await asyncio.wait_for(self.give_up(self.call_id), 30)
        self.phone.on_lost = lambda _: None


@dataclass
class Run:
    """The figures of a run."""

    troubles: list[str]
    clients: int
    pause: float
    starts: list[float] = field(default_factory=list)
    """Seconds from the trouble's end until the server worked again: from its start until it listened."""
    works: list[float] = field(default_factory=list)
    """CPU seconds from a start until it listened: says the same on a busy machine."""
    backs: list[float] = field(default_factory=list)
    """Seconds from the trouble's beginning until 95 % of the clients were signed in."""
    late: int = 0
    """Troubles after which that took longer than 10 s."""


async def run(folder: Path, troubles: list[str], clients: int, seed: int, pause: float = 1.0) -> dict[str, float]:
    """Figures by name; `troubles` are of TROUBLES, in this order, after at most `pause` seconds without one."""
    chance = random.Random(seed)
    figures = Run(troubles, clients, pause)
    witness = Witness()
    server = ServerProcess(folder, "--callbacks-allow-private")
    await server.start()
    try:
        async with receiving() as receiver, Crowd(server) as crowd:
            await send_callbacks_to(server, receiver.url, START_AND_END)
            survivors = [Survivor(phone, witness) for phone in await crowd.sign_in(clients)]
            await _under_load(server, survivors, witness, figures, chance)
            await asyncio.gather(*(survivor.end() for survivor in survivors))
            await _until_quiet(server)
        await server.stop()
        book = await asyncio.to_thread(Book.read, server.db)
        return _figures(figures, witness, book, receiver)
    finally:
        await server.kill()


async def _under_load(
    server: ServerProcess, survivors: list[Survivor], witness: Witness, figures: Run, chance: random.Random
) -> None:
    over = asyncio.Event()
    callers = [asyncio.create_task(_keep_calling(survivors, witness, chance, over)) for _ in range(CALLS_AT_ONCE)]
    try:
        for trouble in figures.troubles:
            await asyncio.sleep(chance.uniform(0.0, figures.pause))
            await _befall(server, trouble, survivors, figures)
    finally:
        over.set()  # before Python 3.12 `wait_for` may swallow a cancellation that comes with its answer
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)


async def _befall(server: ServerProcess, trouble: str, survivors: list[Survivor], figures: Run) -> None:
    begun = time.perf_counter()
    figures.starts.append(await TROUBLES[trouble](server))
    if trouble == "killed":
        used = server.process.cpu_times()
        figures.works.append(used.user + used.system)
    while sum(one.here for one in survivors) < BACK_SHARE * len(survivors):
        if time.perf_counter() - begun > BACK_SECONDS:
            figures.late += 1
            break
        await asyncio.sleep(0.01)
    figures.backs.append(time.perf_counter() - begun)


async def _keep_calling(
    survivors: list[Survivor], witness: Witness, chance: random.Random, over: asyncio.Event
) -> None:
    """One call after another between any two who are free, until it is `over`."""
    while not over.is_set():
        free = [one for one in survivors if one.here and not one.busy]
        if len(free) < 2:
            await asyncio.sleep(0.02)
            continue
        caller, callee = chance.sample(free, 2)
        caller.busy = callee.busy = True
        caller.call_id = callee.call_id = call_id = secrets.token_hex(16)
        try:
            await _one(caller.phone, callee.phone, call_id, witness, chance.uniform(0.0, 0.3))
        except (Lost, Refused, TimeoutError):
            await asyncio.gather(caller.give_up(call_id), callee.give_up(call_id))
        finally:
            caller.busy = callee.busy = False


async def _one(caller: Phone, callee: Phone, call_id: str, witness: Witness, hold: float) -> None:
    rang = callee.expect(wire.Invited, call_id)
    await caller.ask(wire.Invite, call_id=call_id, callees=(callee.user_id,), media=MediaType.AUDIO, timeout=20)
    witness.dialed.add(call_id)
    await asyncio.wait_for(rang, 10)
    await callee.ask(wire.Accept, call_id=call_id)
    witness.answered.add(call_id)
    await caller.say(wire.PeerReport(call_id=call_id, user_id=callee.user_id, up=True))
    await callee.say(wire.PeerReport(call_id=call_id, user_id=caller.user_id, up=True))
    await asyncio.sleep(hold)
    await caller.ask(wire.Hangup, call_id=call_id)
    witness.over.setdefault(call_id, set())


async def _until_quiet(server: ServerProcess) -> None:
    """Until no call lives and no callback waits."""
    async with asyncio.timeout(QUIET_SECONDS):
        while True:
            book = await asyncio.to_thread(Book.read, server.db)
            if not book.live and not book.waiting:
                return
            await asyncio.sleep(0.2)


def _figures(figures: Run, witness: Witness, book: Book, receiver: Receiver) -> dict[str, float]:
    return {
        "troubles": len(figures.troubles),
        "clients": figures.clients,
        "calls answered for": len(witness.dialed),
        "records": len(book.records),
        "callbacks": receiver.count,
        **compare(witness, book),
        **compare_callbacks(book, receiver),
        "calls left over": len(book.live),
        "up, slowest s": round(max(figures.starts), 3),
        "up, median CPU s": percentile(figures.works, 50),
        "95 % back, median s": percentile(figures.backs, 50),
        "95 % back, slowest s": round(max(figures.backs), 3),
        "times that 95 % were back later than 10 s": figures.late,
    }


NOTHING_OF = (
    "calls lost",
    "answers lost",
    "records miscounted",
    "ends lost",
    "ends told twice",
    "ends with two reasons",
    "callbacks lost",
    "callbacks doubled",
    "callbacks of no call",
    "calls left over",
)
"""Right or wrong, on whatever machine."""
AIMS = {**dict.fromkeys(NOTHING_OF, 0.0), "up, slowest s": 3.0, "times that 95 % were back later than 10 s": 0.0}
"""At most this much of each, on a machine that does nothing else."""


def main(words: list[str] | None = None) -> int:
    """0 if all aims are met, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/bench_crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--full", type=int, default=3, help="how often the disk is full (default: %(default)s)")
    parser.add_argument("--locked", type=int, default=2, help="how often another program holds the database")
    parser.add_argument("--clients", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(words)
    troubles = ["killed"] * options.kills + ["disk full"] * options.full + ["database locked"] * options.locked
    random.Random(options.seed).shuffle(troubles)
    folder = Path(tempfile.mkdtemp(prefix="pycall-crash-"))
    try:
        found = asyncio.run(run(folder, troubles, options.clients, options.seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, value in found.items():
        aim = AIMS.get(name)
        met = "" if aim is None else "ok" if value <= aim else "MISSED"
        print(f"{name:40}{value:>12g}  {'' if aim is None else f'<= {aim:g}':8}{met}".rstrip())
    print(f"seed {options.seed}")
    if options.json:
        options.json.write_text(json.dumps({"seed": options.seed, **found}, indent=1) + "\n")
    return int(any(found[name] > aim for name, aim in AIMS.items()))


if __name__ == "__main__":
    sys.exit(main())
