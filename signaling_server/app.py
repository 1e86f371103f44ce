"""The server as a whole: opens the database, judges and sockets, listens, and ends all of it in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from pycall.core.errors import ConfigError, ErrorCode

from .admission import Failures
from .clock import Clock
from .devfile import remove_dev_file, write_dev_file
from .health import Health
from .metrics import Metrics
from .metrics_page import MetricsPage, metrics_listening
from .settings import Settings, is_loopback
from .sockets import Sockets
from .store import Store
from .tenants import judging, open_tenants

logger = logging.getLogger(__name__)

PATH = "/ws"
KEEP_ALIVE_SECONDS = 15.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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

    Raises ConfigError (PORT_TAKEN, BAD_SETTING) or StoreError before anything is started.
    """
    clock = clock or Clock()
    async with contextlib.AsyncExitStack() as stack:
        store = await Store.open(settings.db, app_id=settings.app_id, migrate=settings.migrate, sync=settings.db_sync)
        stack.push_async_callback(store.close)
        metrics = Metrics()
        failures = Failures(settings.limits)
        sockets = Sockets(settings, clock, failures, metrics)
        tenants = await open_tenants(settings.apps.values(), store, clock, sockets.deliver, metrics)
        sockets.attach(tenants)
        ended = await stack.enter_async_context(judging(tenants.values()))
        await stack.enter_async_context(_task(sockets.sweep(), "sweeper"))
        await stack.enter_async_context(_task(metrics.measure_delay(), "loop delay"))
        page, health = MetricsPage(metrics), Health(store, ended)
        metrics_port = None
        if settings.metrics_port is not None:
            metrics_port = await stack.enter_async_context(metrics_listening(page, settings.metrics_port))
        routes: dict[str, Handler] = {
            PATH: sockets.handle,
            "/healthz": health.handle,
            "/readyz": health.handle_ready,
            **({} if metrics_port is not None else {"/metrics": page.handle_here}),
        }
        port = await stack.enter_async_context(_listening(settings, routes))
        stack.push_async_callback(sockets.shutdown)
        stack.callback(health.stop)
        scheme = "wss" if settings.tls.cert else "ws"
        url = f"{scheme}://{_address(settings.host)}:{port}{PATH}"
        await stack.enter_async_context(_noted(settings, url))
        logger.info("listening on %s", url)
        yield Server(url, port, ended, metrics_port)


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM, then end within 3 s; returns the exit code 0. Raises like `serve`."""
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C cancels this task instead
            logger.debug("no signal handlers on this platform")
    async with serve(settings) as server:
        waits = [asyncio.create_task(event.wait()) for event in (stop, server.exchange_ended)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return 0


@asynccontextmanager
async def _task(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _listening(settings: Settings, routes: Mapping[str, Handler]) -> AsyncIterator[int]:
    """Takes connections; gives the port."""
    application = web.Application(middlewares=[_in_json])
    for path, handler in routes.items():
        application.router.add_get(path, handler)
    runner = web.AppRunner(application, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS, shutdown_timeout=1.0)
    await runner.setup()
    try:
        # "localhost" may stand for two addresses, which would get two different free ports.
        host = "127.0.0.1" if settings.host == "localhost" else settings.host
        site = web.TCPSite(runner, host, settings.port, ssl_context=await asyncio.to_thread(settings.tls.context))
        await _bind(site, settings)
        if not is_loopback(settings.host) and not settings.tls.cert:
            logger.warning(
                "clients' connections are not encrypted; set --tls-cert and --tls-key, or put a TLS proxy in front"
            )
        yield site.port
    finally:
        await runner.cleanup()


async def _bind(site: web.TCPSite, settings: Settings) -> None:
    try:
        await site.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                ErrorCode.PORT_TAKEN,
                f"port {settings.port} on {settings.host} is taken; stop the other program or choose another --port",
            ) from error
        raise ConfigError(
            ErrorCode.BAD_SETTING,
            f"cannot listen on {settings.host} port {settings.port}: {_reason(error)}; choose another --host or --port",
        ) from error


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error.strerror)


@web.middleware
async def _in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every HTTP error has the same shape, and nothing is cached."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        code = error.reason.lower().replace(" ", "_")
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        response = web.json_response({"error": {"code": code}}, status=error.status, headers=headers)
    if not response.prepared:
        response.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
    return response


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


def _address(host: str) -> str:
    """How a client on this machine writes it in a URL."""
    named = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host)
    return f"[{named}]" if ":" in named else named
