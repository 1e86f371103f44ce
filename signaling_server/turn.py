"""Credentials for TURN servers, by the scheme they share a secret for (coturn: `use-auth-secret`).

    username    1700000600:alice                         when it ends (Unix seconds), and whose it is
    credential  base64(HMAC-SHA1(secret, username))

They are good for minutes only, so that what leaks is soon worth nothing; clients that stay get new ones in time. An
allocation made with them goes on when they have ended.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from pycall.core.types import UserId
from pycall.core.wire import IceServer

from .apps import require

MAX_SECONDS = 600
MIN_SECRET_BYTES = 16

_URL = re.compile(
    r"(?:turn:(?:HOST)(?:\?transport=(?:udp|tcp))?|turns:(?:HOST)(?:\?transport=tcp)?|stuns?:(?:HOST))".replace(
        "HOST", r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    )
)
"""Those of RFC 7064 and 7065 that clients take; user and password are made for each of them."""
_ADVICE = "a TURN address is turn:HOST:PORT, turn:HOST:PORT?transport=tcp, turns:HOST:PORT or stun:HOST:PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What clients are told; nothing without `urls`."""

    urls: tuple[str, ...] = ()
    """Of TURN servers, such as `turn:192.0.2.1:3478?transport=udp`; and of STUN servers, `stun:…`."""
    secret: str = field(default="", repr=False)
    """Shared with the TURN servers (`static-auth-secret`)."""
    seconds: int = MAX_SECONDS
    """How long a credential is good for, 20 to 600."""

    def __post_init__(self) -> None:
        require(len(self.urls) <= 8, "at most 8 TURN addresses (turn.urls)")
        for url in self.urls:
            require(len(url) <= 256 and _URL.fullmatch(url) is not None, f"{_ADVICE}, not {url[:60]!r} (turn.urls)")
        needs = any(url.startswith("turn") for url in self.urls)
        require(
            not needs or len(self.secret) >= MIN_SECRET_BYTES, "TURN needs a secret of 16 bytes or more (turn.secret)"
        )
        require(20 <= self.seconds <= MAX_SECONDS, "a TURN credential is good for 20 to 600 seconds (turn.seconds)")

    def servers_for(self, user_id: UserId, now: float) -> tuple[IceServer, ...]:
        """For this user, good for `seconds` from `now` (Unix seconds)."""
        stun = tuple(url for url in self.urls if url.startswith("stun"))
        turn = tuple(url for url in self.urls if url.startswith("turn"))
        servers = [IceServer(urls=stun)] if stun else []
        if turn:
            username = f"{int(now) + self.seconds}:{user_id}"
            servers.append(IceServer(urls=turn, username=username, credential=credential(self.secret, username)))
        return tuple(servers)


def credential(secret: str, username: str) -> str:
    """The password that belongs to a username."""
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), hashlib.sha1)).decode("ascii")
