"""`/admin`: a page of plain HTML and JavaScript, served by the server; what it shows it asks of the admin API."""

from __future__ import annotations

from functools import partial
from importlib.resources import files

from aiohttp import web

from .listening import Handler

FILES = {
    "/admin": ("admin.html", "text/html"),
    "/admin/admin.css": ("admin.css", "text/css"),
    "/admin/charts.js": ("charts.js", "text/javascript"),
    "/admin/admin.js": ("admin.js", "text/javascript"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def page_routes() -> dict[str, Handler]:
    """Read once, at the start."""
    folder = files("signaling_server") / "pages"
    return {
        path: partial(_show, (folder / name).read_text(encoding="utf-8"), kind) for path, (name, kind) in FILES.items()
    }


async def _show(text: str, kind: str, _request: web.Request) -> web.Response:
    return web.Response(text=text, content_type=kind, headers=HEADERS)
