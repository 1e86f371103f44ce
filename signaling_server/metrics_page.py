"""`/metrics` over HTTP: on a port of its own, or on the main one for programs on this machine only."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from pycall.core.errors import ConfigError, ErrorCode

from .metrics import CONTENT_TYPE, Metrics

_BY_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class MetricsPage:
    """Answers whoever may see the metrics; for all others there is no such page."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def handle(self, _request: web.Request) -> web.Response:
        """On a port of its own."""
        return web.Response(body=await self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def handle_here(self, request: web.Request) -> web.Response:
        """On the main port: only who comes from this machine, and not through a proxy on it."""
        if not _is_here(request.remote) or any(name in request.headers for name in _BY_PROXY):
            raise web.HTTPNotFound
        return await self.handle(request)


@asynccontextmanager
async def metrics_listening(page: MetricsPage, port: int) -> AsyncIterator[int]:
    """Serves nothing but /metrics on loopback; gives the port. Raises ConfigError (PORT_TAKEN)."""
    application = web.Application()
    application.router.add_get("/metrics", page.handle)
    runner = web.AppRunner(application, access_log=None, keepalive_timeout=15.0, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as error:
            what = "is taken" if error.errno == errno.EADDRINUSE else "cannot be used"
            message = f"port {port} for the metrics {what}; choose another --metrics-port"
            raise ConfigError(ErrorCode.PORT_TAKEN, message) from error
        yield site.port
    finally:
        await runner.cleanup()


def _is_here(remote: str | None) -> bool:
    try:
        return remote is not None and ipaddress.ip_address(remote.partition("%")[0]).is_loopback
    except ValueError:
        return False
