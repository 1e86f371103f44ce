"""Which web pages may connect: a browser tells the page's origin, other programs tell none."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web


def is_origin(text: str) -> bool:
    """Whether a browser may ever tell this: `https://phone.example.com`, with a port if it is not the usual one."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    plain = text == f"{parts.scheme}://{parts.netloc}" == text.lower() and text.isascii() and not set("@*") & set(text)
    return bool(usual and parts.hostname and plain and port != usual and not text.endswith(":"))


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
