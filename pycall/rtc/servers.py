"""Reads STUN and TURN servers, from the configuration and from the signaling server; pure.

    stun:host[:port]
    turn:host[:port][?transport=udp|tcp]         turns: the same over TLS (tcp)

User and password of a TURN server stand in the URL (`turn:user:password@host`, percent-encoded where needed), or in an
`IceServer` beside its URLs.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.wire import IceServer

logger = logging.getLogger(__name__)

MOST = 4
"""Servers of a kind that are asked, all at the same time; more only make more candidates of the same address."""
PORT, TLS_PORT = 3478, 5349

_URL = re.compile(
    r"(?P<scheme>stun|turn|turns):"
    r"(?:(?P<user>[^:@/?\s]+):(?P<password>[^@/?\s]+)@)?"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


@dataclass(frozen=True, slots=True)
class StunServer:
    """Tells us under which address others see us."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class TurnServer:
    """Passes packets on for us."""

    host: str
    port: int
    username: str
    password: str
    transport: str
    """To the server: `udp` or `tcp`."""
    tls: bool


@dataclass(frozen=True, slots=True)
class Servers:
    """What a connection asks; `relay_only`: nobody is to learn our own addresses."""

    stun: tuple[StunServer, ...] = ()
    turn: tuple[TurnServer, ...] = ()
    relay_only: bool = False


def read_servers(
    configured: Iterable[str | IceServer], granted: Iterable[IceServer] = (), *, relay_only: bool = False
) -> Servers:
    """Our own first, then those that the signaling server grants, each once; at most `MOST` of a kind.

    Raises `ConfigError` (BAD_SETTING) for one of ours that cannot be used; of those granted it is left out.
    """
    found = [server for one in configured for server in _read(one)]
    found += [server for one in granted for server in _usable(one)]
    stun = tuple(dict.fromkeys(server for server in found if isinstance(server, StunServer)))
    turn = tuple(dict.fromkeys(server for server in found if isinstance(server, TurnServer)))
    return Servers(stun[:MOST], turn[:MOST], relay_only)


def _usable(granted: IceServer) -> Iterator[StunServer | TurnServer]:
    for url in granted.urls:
        try:
            yield _server(url, granted.username, granted.credential)
        except ConfigError:
            logger.info("a %s server that was granted cannot be used", url.partition(":")[0][:8])


def _read(one: str | IceServer) -> list[StunServer | TurnServer]:
    if isinstance(one, str):
        return [_server(one, "", "")]
    if not isinstance(one, IceServer) or isinstance(one.urls, str) or not one.urls:
        raise _bad("an entry is a URL, or an IceServer with at least one URL in `urls`")
    return [_server(url, one.username, one.credential) for url in one.urls]


def _server(url: str, username: str, credential: str) -> StunServer | TurnServer:
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        raise _bad("use stun:host:port or turn:user:password@host:port?transport=udp")
    scheme, transport = match["scheme"], match["transport"]
    port = int(match["port"] or (TLS_PORT if scheme == "turns" else PORT))
    if not 1 <= port <= 65535:
        raise _bad("the port is not between 1 and 65535")
    host = match["host"].strip("[]")
    if scheme == "stun":
        if match["user"] or transport:
            raise _bad("a stun: URL has neither user nor transport")
        return StunServer(host, port)
    username = unquote(match["user"]) if match["user"] else username
    credential = unquote(match["password"]) if match["user"] else credential
    if not username or not credential:
        raise _bad("a turn: URL needs user:password@, or an IceServer with `username` and `credential`")
    if scheme == "turns" and transport == "udp":
        raise _bad("turns: is TLS over TCP")
    return TurnServer(
        host, port, username, credential, transport or ("tcp" if scheme == "turns" else "udp"), scheme == "turns"
    )


def _bad(why: str) -> ConfigError:
    return ConfigError(ErrorCode.BAD_SETTING, f"ice_servers: {why}")
