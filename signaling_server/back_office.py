"""What an app has beside its calls: records, callbacks and the courier who delivers them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pycall.core.webhook import webhook_secret

from .announcer import Announcer
from .apps import App
from .callbacks import Callbacks
from .clock import Clock
from .courier import Courier, Sender
from .metrics import Metrics
from .outbox import Outbox
from .post import Post
from .purge import Purge
from .records import Records
from .settings import Settings
from .store import Store


@dataclass(frozen=True, slots=True)
class BackOffice:
    """Of one app; nothing of it is ever seen from another."""

    app: App
    store: Store
    callbacks: Callbacks
    """Where callbacks go."""
    outbox: Outbox
    """Callbacks that wait, and dead letters."""
    records: Records
    announcer: Announcer

    @classmethod
    async def open(cls, app: App, store: Store, *, allow_private: bool) -> BackOffice:
        """With what was set and what waited before; raises StoreError."""
        callbacks, outbox = Callbacks(store, allow_private=allow_private), Outbox(store)
        await callbacks.load()
        await outbox.waiting()
        return cls(app, store, callbacks, outbox, Records(store), Announcer(app.app_id, callbacks))


@asynccontextmanager
async def working(
    offices: Collection[BackOffice], settings: Settings, clock: Clock, metrics: Metrics
) -> AsyncIterator[None]:
    """Deliver callbacks and take out what is old, until the end; what is not delivered then waits in the database."""
    post = Post(allow_private=settings.callbacks.allow_private or settings.dev)
    purge = Purge([office.store for office in offices], clock, keep_seconds=settings.keep_days * 86400)
    tasks = [asyncio.create_task(purge.run(), name="purge")]
    for office in offices:
        courier = Courier(
            Sender(
                app_id=office.app.app_id,
                secrets=[webhook_secret(key, office.app.app_id) for key in office.app.secret_keys],
                callbacks=office.callbacks,
                outbox=office.outbox,
                post=post,
                clock=clock,
                later=settings.callbacks.later,
                count=metrics.posted,
            )
        )
        office.announcer.wake = courier.wake
        office.outbox.wake = courier.wake
        tasks.append(asyncio.create_task(courier.run(), name=f"courier-{office.app.app_id}"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await post.close()
