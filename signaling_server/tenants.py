"""One app with everything that is its own: its book, its switchboard and the exchange that runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .apps import App
from .back_office import BackOffice
from .callbacks import Callbacks
from .clock import Clock
from .exchange import Exchange
from .metrics import Metrics
from .outbox import Outbox
from .records import Records
from .settings import Settings
from .store import Store
from .switchboard import Close, Switchboard, Tell

logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 600.0
"""Calls that ended so recently are read back at the start: their members may still ask how they ended."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Nothing of it is ever seen from another app."""

    app: App
    store: Store
    """Reads and writes rows of this app only."""
    exchange: Exchange
    office: BackOffice

    @property
    def callbacks(self) -> Callbacks:
        """Where callbacks go."""
        return self.office.callbacks

    @property
    def outbox(self) -> Outbox:
        """Callbacks that wait, and dead letters."""
        return self.office.outbox

    @property
    def records(self) -> Records:
        """Of calls that are over."""
        return self.office.records


async def open_tenants(
    settings: Settings, store: Store, clock: Clock, deliver: Callable[[Tell | Close], None], metrics: Metrics
) -> dict[int, Tenant]:
    """Each app with the calls it had before; raises StoreError."""
    tenants = {}
    allow_private = settings.callbacks.allow_private or settings.dev
    for app in settings.apps.values():
        own = store.for_app(app.app_id)
        switchboard = await _switchboard(own, clock)
        metrics.watch(switchboard)
        office = await BackOffice.open(app, own, allow_private=allow_private)
        exchange = Exchange(switchboard, own, clock, deliver, metrics, office.announcer)
        tenants[app.app_id] = Tenant(app, own, exchange, office)
    outboxes = [tenant.office.outbox for tenant in tenants.values()]
    metrics.gauges["pycall_outbox_waiting"] = (
        "Callbacks that wait to be delivered.",
        lambda: sum(outbox.length for outbox in outboxes),
    )
    return tenants


@asynccontextmanager
async def judging(tenants: Iterable[Tenant]) -> AsyncIterator[asyncio.Event]:
    """Runs the exchanges, and gives an event that is set if one has stopped by itself.

    At the end they finish what was handed in. An error of their own comes out here.
    """
    ended = asyncio.Event()
    running = []
    for tenant in tenants:
        task = asyncio.create_task(tenant.exchange.run(), name=f"exchange-{tenant.app.app_id}")
        task.add_done_callback(lambda _: ended.set())
        running.append((tenant.exchange, task))
    try:
        yield ended
    finally:
        for exchange, task in running:
            if not task.done():
                await exchange.stop()
        await asyncio.wait([task for _, task in running])
        for _, task in running:
            task.result()


async def _switchboard(store: Store, clock: Clock) -> Switchboard:
    now = clock.now()
    calls = await store.calls(ended_since=now - REMEMBERED_SECONDS)
    live = sum(call.ended_at is None for call in calls)
    if live:
        logger.info("going on with %d call%s", live, "" if live == 1 else "s")
    return Switchboard(known_users=await store.known_users(), calls=calls, bans=await store.bans(now), now=now)
