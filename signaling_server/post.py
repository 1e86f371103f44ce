"""One attempt to deliver a callback: a signed POST to a checked address, and what became of it."""

from __future__ import annotations

import email.utils
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from pycall.core.webhook import sign_webhook

from .callbacks import Generation
from .guard import GuardedResolver, guarded_socket
from .outbox import Parcel

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
MAX_REPLY = 4096
"""Bytes of an answer that are read; nothing beyond them matters."""
MAX_PAUSE = 3600.0
"""Seconds that a target may ask for with Retry-After."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    delivered: bool
    error: str = ""
    pause: float = 0.0
    """Seconds for which the target asked."""
    gone: bool = False
    """It wants no more callbacks at all."""


class Post:
    """The HTTP client of all callbacks of a server."""

    def __init__(self, *, allow_private: bool) -> None:
        timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, connect=CONNECT_SECONDS)
        inner = ThreadedResolver()
        connector = aiohttp.TCPConnector(
            limit=0,
            use_dns_cache=False,
            resolver=inner if allow_private else GuardedResolver(inner),
            socket_factory=None if allow_private else guarded_socket,
            keepalive_timeout=30.0,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "pycall"},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def send(self, url: str, app_id: int, parcel: Parcel, secrets: Sequence[str], now: float) -> Outcome:
        """Try once; never raises for anything that the target, or the way to it, does."""
        body = parcel.body.encode()
        headers = {"Content-Type": "application/json", **sign_webhook(secrets, parcel.event_id, int(now), body)}
        try:
            where = URL(full_url(url, app_id, parcel), encoded=True)
            async with self._session.post(where, data=body, headers=headers, allow_redirects=False) as response:
                return judged(response.status, response.headers.get("Retry-After"), await _start_of(response), now)
        except TimeoutError:
            return Outcome(False, "no answer in time")
        except aiohttp.InvalidURL:
            return Outcome(False, "the target's address is no URL")  # which may hold a token, so it is not repeated
        except aiohttp.ClientResponseError:
            return Outcome(False, "the answer is no HTTP")  # its own words name the address as well
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(False, " ".join(f"{type(error).__name__}: {error}".split())[:200])


def full_url(url: str, app_id: int, parcel: Parcel) -> str:
    """The target with the documented query string behind its own."""
    first = parcel.generation is Generation.V1
    names = ("sdkappid", "command", "clientip", "optplatform")
    if not first:
        names = ("SdkAppid", "CallbackCommand", "ClientIP", "OptPlatform")
    query = {
        names[0]: str(app_id),
        names[1]: parcel.command,
        "contenttype": "json",
        names[2]: parcel.address,
        names[3]: parcel.platform,
    }
    base = url.partition("#")[0]
    return base + ("&" if "?" in base else "?") + urlencode(query, quote_via=quote)


def judged(status: int, retry_after: str | None, reply: bytes, now: float) -> Outcome:
    """2xx is success, unless the documented reply says that it is not."""
    if status == 410:
        return Outcome(False, "HTTP 410: the target wants no more callbacks", gone=True)
    if status in {429, 503}:
        return Outcome(False, f"HTTP {status}", pause=_pause(retry_after, now))
    if 300 <= status < 400:
        return Outcome(False, f"HTTP {status}: redirects are not followed")
    if not 200 <= status < 300:
        return Outcome(False, f"HTTP {status}")
    return _said(reply)


def _said(reply: bytes) -> Outcome:
    try:
        answer = msgspec.json.decode(reply)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None  # whatever it is, it is no refusal
    if isinstance(answer, dict):
        code, status = answer.get("ErrorCode", 0), answer.get("ActionStatus", "OK")
        if code not in (0, "0", None) or status == "FAIL":
            return Outcome(False, f"refused with ErrorCode {code!r:.40}")
    return Outcome(True)


def _pause(retry_after: str | None, now: float) -> float:
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        seconds = float(text)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            seconds = 0.0
    return min(max(seconds, 0.0), MAX_PAUSE)


async def _start_of(response: aiohttp.ClientResponse) -> bytes:
    """At most MAX_REPLY bytes; a longer answer costs its connection."""
    parts, size = [], 0
    while size < MAX_REPLY and (part := await response.content.read(MAX_REPLY - size)):
        parts.append(part)
        size += len(part)
    if not response.content.at_eof():
        response.close()
    return b"".join(parts)
