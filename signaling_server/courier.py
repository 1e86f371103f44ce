"""Delivers one app's callbacks: own workers for each target, so that a dead one slows no call and no other target.

    outbox ──► lane's queue ──► 5 workers ──► post ──► results ──► outbox, many in one transaction

A lane that fails again and again tries one callback at a time with growing pauses, until one gets through: those that
wait meanwhile have not been tried and lose no attempt.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .callbacks import Callbacks, Generation, Target
from .clock import Clock
from .database import StoreError
from .outbox import GIVEN_UP, Failed, Outbox, Parcel
from .post import Outcome, Post

logger = logging.getLogger(__name__)

WORKERS = 5
"""For each generation: 10 at once for each app."""
FETCH = 100
"""Rows that are in memory at most, for each generation."""
FAST_RETRIES = (0.0, 1.0, 1.0, 2.0, 3.0, 5.0)
"""Seconds before each retry, as documented."""
IN_DOUBT = 20
"""Failures in a row from which on a target is taken for dead."""
MAX_PROBE_PAUSE = 30.0
SETTLE_SECONDS = 0.02
"""Results of so long share one transaction."""
GATHER_SECONDS = 0.02
"""What is stored within so long is fetched at once."""
HOPELESS = 5 * 86400.0
"""Seconds of nothing but failures after which a target is sent nothing any more, as if it had answered 410."""
NOTED_AFTER = 60.0
"""Seconds of nothing but failures that are worth a line in the database, so that a restart goes on counting."""
DATABASE_PAUSE = 1.0
IDLE_SECONDS = 60.0
"""The outbox is looked through at least this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What all lanes of an app share."""

    app_id: int
    secrets: Sequence[str]
    callbacks: Callbacks
    outbox: Outbox
    post: Post
    clock: Clock
    later: Sequence[float]
    """Seconds before each retry after the documented ones, each up to 20 % more or less; then it is a dead letter."""
    count: Callable[[Generation, str], None] = lambda _generation, _outcome: None
    """Told what came of each attempt: delivered, failed or dead."""


class Courier:
    """The lanes of one app."""

    def __init__(self, sender: Sender) -> None:
        self._outbox = sender.outbox
        self._lanes = [Lane(sender, generation) for generation in Generation]

    def wake(self, stored: int = 0) -> None:
        """There may be something to deliver; so many rows more are in the outbox."""
        self._outbox.length += stored
        for lane in self._lanes:
            lane.woken.set()

    async def run(self) -> None:
        """Deliver until cancelled; what was not delivered by then waits in the database."""
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(lane.run())
        finally:
            for lane in self._lanes:
                await lane.flush()


class Lane:
    """The way to one generation's target."""

    def __init__(self, sender: Sender, generation: Generation) -> None:
        self._sender = sender
        self._generation = generation
        self._queue: asyncio.Queue[Parcel] = asyncio.Queue(FETCH)
        self._held: set[int] = set()
        """Rows that are here: in the queue, on their way, or with a result that is not written yet."""
        self._more = False
        """There may be rows that are due and had no room here."""
        self._delivered: list[int] = []
        self._failed: list[Failed] = []
        self._done = asyncio.Event()
        self._failures = 0
        """In a row."""
        self._failing_since: float | None = None
        self._failing_url = ""
        self._probes = 0
        """Since the target was taken for dead."""
        self._paused_until = 0.0
        self._probe = asyncio.Lock()
        self.woken = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            name = f"callbacks-{self._sender.app_id}-{self._generation.name}"
            group.create_task(self._fetch(), name=f"{name}-fetch")
            group.create_task(self._settle(), name=f"{name}-settle")
            for number in range(WORKERS):
                group.create_task(self._work(), name=f"{name}-{number}")

    # --- from the outbox ----------------------------------------------------------------------------------------

    async def _fetch(self) -> None:
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            self.woken.clear()
            seconds = await self._fetch_once()
            try:
                async with asyncio.timeout(seconds):
                    await self.woken.wait()
            except TimeoutError:
                continue

    async def _fetch_once(self) -> float:
        """Fill the queue; returns in how many seconds to look again at the latest."""
        room = FETCH - len(self._held)
        self._more = room <= 0
        if room <= 0 or self._sender.callbacks.get(self._generation) is None:
            return IDLE_SECONDS
        now = self._sender.clock.now()
        try:
            parcels, later = await self._sender.outbox.due(self._generation, now, but=self._held, at_most=room)
        except StoreError as error:
            logger.warning("callbacks wait: %s", error)
            return DATABASE_PAUSE
        self._more = len(parcels) >= room
        for parcel in parcels:
            self._held.add(parcel.id)
            self._queue.put_nowait(parcel)
        return IDLE_SECONDS if later is None else min(max(0.0, later - now), IDLE_SECONDS)

    # --- to the target ------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            if self._failures < IN_DOUBT:
                await self._deliver(await self._queue.get())
            else:
                async with self._probe:
                    await self._deliver(await self._queue.get(), probe=True)

    async def _deliver(self, parcel: Parcel, *, probe: bool = False) -> None:
        if probe and self._failures >= IN_DOUBT:
            await asyncio.sleep(min(2.0**self._probes, MAX_PROBE_PAUSE))
            self._probes = min(self._probes + 1, 10)
        await asyncio.sleep(max(0.0, self._paused_until - self._sender.clock.now()))
        target = self._sender.callbacks.get(self._generation)
        if target is None or (not target.disabled and parcel.command not in target.commands):
            self._note(parcel, Outcome(True))  # nobody wants it any more
            return
        now = self._sender.clock.now()
        if target.disabled:
            outcome = Outcome(False, target.disabled, gone=True)
        else:
            outcome = await self._sender.post.send(target.url, self._sender.app_id, parcel, self._sender.secrets, now)
            outcome = self._count(outcome, target, now)
        await self._take_in(outcome, target.url, now)
        self._sender.count(self._generation, self._note(parcel, outcome))

    def _count(self, outcome: Outcome, target: Target, now: float) -> Outcome:
        """What it means for this target; another address has failed nothing yet."""
        if outcome.delivered:
            self._failures = self._probes = 0
            self._failing_since = None
            return outcome
        self._failures += 1
        if self._failing_since is None or self._failing_url != target.url:
            self._failing_since, self._failing_url = target.failing_since or now, target.url
        if now - self._failing_since < HOPELESS:
            return outcome
        self._failing_since = None
        return replace(outcome, gone=True, error=f"no callback was taken for 5 days; the last: {outcome.error}")

    async def _take_in(self, outcome: Outcome, url: str, now: float) -> None:
        """What concerns the target as a whole."""
        if outcome.pause:
            self._paused_until = self._sender.clock.now() + outcome.pause
        since = self._failing_since
        if since is not None and now - since < NOTED_AFTER:
            since = None
        callbacks = self._sender.callbacks
        try:
            if outcome.gone:
                await callbacks.disable(self._generation, outcome.error)
            else:
                await callbacks.note_failing(self._generation, url, since)
        except StoreError as error:
            logger.warning("the target stays as it was: %s", error)

    def _note(self, parcel: Parcel, outcome: Outcome) -> str:
        """For the outbox; returns in a word what came of it."""
        self._done.set()
        if outcome.delivered:
            self._delivered.append(parcel.id)
            return "delivered"
        failed = self._failure(parcel, outcome)
        self._failed.append(failed)
        return "failed" if failed.died_at is None else "dead"

    def _failure(self, parcel: Parcel, outcome: Outcome) -> Failed:
        now = self._sender.clock.now()
        wait = delay_after(parcel.attempts, self._sender.later)
        dead = wait is None or outcome.gone or now - parcel.created_at > GIVEN_UP
        due = now + max(wait or 0.0, outcome.pause)
        if dead:
            logger.warning("a callback is given up: %s", outcome.error, extra={"call_id": parcel.call_id})
        return Failed(
            id=parcel.id,
            attempts=parcel.attempts + 1,
            due_at=due,
            error=outcome.error,
            died_at=now if dead else None,
        )

    # --- back to the outbox -------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        while True:
            await self._done.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._done.clear()
            delivered, self._delivered = self._delivered, []
            failed, self._failed = self._failed, []
            await self._write(delivered, failed)
            self._held.difference_update(delivered, (one.id for one in failed))
            if self._more or failed:  # more may wait, or something is due earlier than was known
                self.woken.set()

    async def _write(self, delivered: Sequence[int], failed: Sequence[Failed]) -> None:
        """Until it is written: else all of it would be sent once more."""
        while True:
            try:
                await self._sender.outbox.settle(delivered, failed)
                return
            except StoreError as error:
                logger.warning("results of callbacks wait: %s", error)
            await asyncio.sleep(DATABASE_PAUSE)

    async def flush(self) -> None:
        """Write the results that are here still; once, at the end."""
        try:
            await self._sender.outbox.settle(self._delivered, self._failed)
        except StoreError as error:
            logger.warning("%d callbacks will be sent once more: %s", len(self._delivered), error)


def delay_after(attempts: int, later: Sequence[float]) -> float | None:
    """Seconds to wait after a failure that `attempts` others went before; None: give it up."""
    if attempts < len(FAST_RETRIES):
        return FAST_RETRIES[attempts]
    if attempts - len(FAST_RETRIES) < len(later):
        return later[attempts - len(FAST_RETRIES)] * random.uniform(0.8, 1.2)
    return None
