"""The listening socket and what is behind it: HTTP routes, one shape for every HTTP error, TLS if it is set."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
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
        tls = await asyncio.to_thread(settings.tls.context)
        site = web.TCPSite(runner, _host(settings), settings.port, ssl_context=tls, backlog=BACKLOG)
        await _bind(site, settings)
        if not is_loopback(settings.host) and not settings.tls.cert:
            logger.warning("connections are not encrypted; set --tls-cert and --tls-key, or put a TLS proxy in front")
        yield site.port
    finally:
        await runner.cleanup()


def check_port(settings: Settings) -> None:
    """Raises ConfigError (PORT_TAKEN) if somebody listens there already; takes nothing, so it may be taken later."""
    if settings.port == 0:
        return
    try:
        places = socket.getaddrinfo(_host(settings), settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in places:
            with socket.socket(family, kind, protocol) as there:
                if os.name == "posix":  # what connections of an earlier server left behind does not count
                    there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    there.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                there.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _taken(settings) from error
        logger.debug("whether the port is taken cannot be told: %s", error)  # listening will say what is wrong


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
            raise _taken(settings) from error
        raise ConfigError(
            ErrorCode.BAD_SETTING,
            f"cannot listen on {settings.host} port {settings.port}: {_reason(error)}; choose another --host or --port",
        ) from error


def _taken(settings: Settings) -> ConfigError:
    return ConfigError(
        ErrorCode.PORT_TAKEN,
        f"port {settings.port} on {settings.host} is taken: a server is running there already, or another program; "
        "use that one, stop it, or choose another --port (and --db: each server has its own database)",
    )


def _host(settings: Settings) -> str:
    """ "localhost" may stand for two addresses, which would get two different free ports."""
    return "127.0.0.1" if settings.host == "localhost" else settings.host


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
