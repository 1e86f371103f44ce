"""The server as a whole: opens the database, judges and sockets, listens, and ends all of it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .admin_api import AdminApi
from .admin_page import page_routes
from .admission import Failures
from .back_office import working
from .clock import Clock
from .collector import calm_collector
from .devfile import remove_dev_file, write_dev_file
from .health import Health
from .interrupts import Interrupts
from .listening import Handler, base_url, check_port, listening
from .metrics import Metrics
from .metrics_page import MetricsPage, metrics_listening
from .openapi import OpenApi
from .rest import Generation, Rest
from .rest_v1 import V1
from .rest_v4 import V4
from .settings import Settings
from .sockets import Sockets
from .store import Store
from .tenants import judging, open_tenants

logger = logging.getLogger(__name__)

PATH = "/ws"
GENERATIONS: tuple[Generation, ...] = (V1(), V4())


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str
    """Where clients connect, `ws://…/ws` or `wss://…/ws`."""
    port: int
    exchange_ended: asyncio.Event
    """Set if the part that judges has stopped by itself; nothing works any more then."""
    metrics_port: int | None = None
    """Where /metrics is, if it has a port of its own."""


@asynccontextmanager
async def serve(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Server]:
    """Run a server in this event loop: `async with serve(settings) as server: ... server.url`.

    Raises ConfigError (PORT_TAKEN, BAD_SETTING) or StoreError before anything is started, and leaves no files then.
    """
    async with _running(settings, clock or Clock()) as server:
        try:
            yield server
        finally:
            logger.info("stopping")
    logger.info("stopped")


class _Start:
    """Whether the server came up: one that did not leaves no database that was not there before."""

    succeeded = False

    async def close(self, store: Store) -> None:
        await store.close(undo=not self.succeeded)


@asynccontextmanager
async def _running(settings: Settings, clock: Clock) -> AsyncIterator[Server]:
    await asyncio.to_thread(check_port, settings)  # before the database: who is there has most likely that, too
    start = _Start()
    async with contextlib.AsyncExitStack() as stack:
        store = await Store.open(settings.db, app_id=settings.app_id, migrate=settings.migrate, sync=settings.db_sync)
        stack.push_async_callback(start.close, store)
        metrics = Metrics()
        failures = Failures(settings.limits)
        sockets = Sockets(settings, clock, failures, metrics)
        tenants = await open_tenants(settings, store, clock, sockets.deliver, metrics)
        sockets.attach(tenants)
        offices = [tenant.office for tenant in tenants.values()]
        await stack.enter_async_context(working(offices, settings, clock, metrics))
        ended = await stack.enter_async_context(judging(tenants.values()))
        await stack.enter_async_context(_task(sockets.sweep(), "sweeper"))
        await stack.enter_async_context(_task(metrics.measure_delay(), "loop delay"))
        page, health = MetricsPage(metrics), Health(store, ended)
        stack.push_async_callback(health.close)
        metrics_port = None
        if settings.metrics_port is not None:
            metrics_port = await stack.enter_async_context(metrics_listening(page, settings.metrics_port))
        routes: dict[str, Handler] = {
            PATH: sockets.handle,
            "/healthz": health.handle,
            "/readyz": health.handle_ready,
            "/openapi.json": OpenApi(GENERATIONS).handle,
            **({} if metrics_port is not None else {"/metrics": page.handle_here}),
        }
        rest = Rest(settings, tenants, clock, failures, metrics, GENERATIONS)
        admin = AdminApi(rest, settings.limits, metrics)
        gets = {**routes, **await asyncio.to_thread(page_routes), **admin.routes("GET")}
        port = await stack.enter_async_context(listening(settings, gets, {**rest.routes(), **admin.routes("POST")}))
        stack.push_async_callback(sockets.shutdown)
        stack.callback(health.stop)
        url = base_url(settings, port) + PATH
        await stack.enter_async_context(_noted(settings, url))
        logger.info("listening on %s", url)
        start.succeeded = True
        yield Server(url, port, ended, metrics_port)


def run(settings: Settings, interrupts: Interrupts) -> int:
    """Serve until SIGINT or SIGTERM, then end within 3 s; 0, or 1 if it ended by itself. Raises like `serve`."""
    return asyncio.run(_run(settings, interrupts))


async def _run(settings: Settings, interrupts: Interrupts) -> int:
    stop = interrupts.stop_event()
    async with serve(settings) as server:
        calm_collector()
        waits = [asyncio.create_task(event.wait()) for event in (stop, server.exchange_ended)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return 0 if stop.is_set() else 1


@asynccontextmanager
async def _task(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _noted(settings: Settings, url: str) -> AsyncIterator[None]:
    """While a development server runs, its note is there."""
    path = settings.dev_file
    if path is None:
        yield
        return
    key = settings.secret_keys[0]
    await asyncio.to_thread(write_dev_file, path, url=url, app_id=settings.app_id, secret_key=key)
    try:
        yield
    finally:
        await asyncio.to_thread(remove_dev_file, path, url=url)
