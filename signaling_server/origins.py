"""Which web pages may connect: a browser tells the page's origin, other programs tell none."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web


def check_origin(request: web.Request, allowed: tuple[str, ...]) -> None:
    """Raises HTTPForbidden for a page that is neither this server's own nor allowed."""
    origin = request.headers.get("Origin")
    if origin is None or origin in allowed:
        return
    try:
        parts = urlsplit(origin)
    except ValueError:
        raise web.HTTPForbidden from None
    if parts.netloc != request.host or parts.scheme not in {"http", "https"}:
        raise web.HTTPForbidden
