"""The listening socket and what is behind it: HTTP routes, one shape for every HTTP error, TLS if it is set."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from pycall.core.errors import ConfigError, ErrorCode

from .settings import Settings, is_loopback

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15.0
LINGER_SECONDS = 1.0
"""For the rest of a body nobody reads any more."""
BACKLOG = 1024
"""Connections that wait to be taken: after a restart all clients come within two seconds."""
HSTS = "max-age=31536000"
"""Whoever was here over TLS stays with it for a year (RFC 6797); behind a TLS proxy that is the proxy's to say."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(
    settings: Settings, gets: Mapping[str, Handler], posts: Mapping[str, Handler]
) -> AsyncIterator[int]:
    """Takes connections, for handlers by path; gives the port. Raises ConfigError."""
    application = web.Application(middlewares=[_in_json])
    for path, handler in gets.items():
        application.router.add_get(path, handler)
    for path, handler in posts.items():
        application.router.add_post(path, handler)
    runner = web.AppRunner(
        application,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        shutdown_timeout=1.0,
        lingering_time=LINGER_SECONDS,
        auto_decompress=False,
    )
    await runner.setup()
    try:
        # "localhost" may stand for two addresses, which would get two different free ports.
        host = "127.0.0.1" if settings.host == "localhost" else settings.host
        tls = await asyncio.to_thread(settings.tls.context)
        site = web.TCPSite(runner, host, settings.port, ssl_context=tls, backlog=BACKLOG)
        await _bind(site, settings)
        if not is_loopback(settings.host) and not settings.tls.cert:
            logger.warning("connections are not encrypted; set --tls-cert and --tls-key, or put a TLS proxy in front")
        yield site.port
    finally:
        await runner.cleanup()


def base_url(settings: Settings, port: int) -> str:
    """How a client on this machine begins the address of a WebSocket here."""
    scheme = "wss" if settings.tls.cert else "ws"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(settings.host, settings.host)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


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
        if request.secure:
            response.headers["Strict-Transport-Security"] = HSTS
    return response
