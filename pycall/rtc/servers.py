"""Reads STUN and TURN URLs from the configuration; pure.

    stun:host[:port]
    turn:user:password@host[:port][?transport=udp|tcp]        turns: the same over TLS (tcp)

User and password may be percent-encoded.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiortc import RTCIceServer

from pycall.core.errors import ConfigError, ErrorCode

_URL = re.compile(
    r"(?P<scheme>stun|turn|turns):"
    r"(?:(?P<user>[^:@/?\s]+):(?P<password>[^@/?\s]+)@)?"
    r"(?P<host>[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


def ice_servers(urls: tuple[str, ...]) -> list[RTCIceServer]:
    """What aiortc wants; raises `ConfigError` (BAD_SETTING) for a URL that is not one of the above.

    The first STUN and the first TURN server are used: the ICE library speaks to one of each.
    """
    return [_server(url) for url in urls]


def _server(url: str) -> RTCIceServer:
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        raise _bad("use stun:host:port or turn:user:password@host:port?transport=udp")
    scheme, user, port, transport = match["scheme"], match["user"], match["port"], match["transport"]
    if port is not None and not 1 <= int(port) <= 65535:
        raise _bad("the port is not between 1 and 65535")
    if scheme == "stun" and (user or transport):
        raise _bad("a stun: URL has neither user nor transport")
    if scheme != "stun" and not user:
        raise _bad("a turn: URL needs user:password@")
    if scheme == "turns" and transport == "udp":
        raise _bad("turns: is TLS over TCP")
    address = f"{scheme}:{match['host']}" + (f":{port}" if port else "")
    if scheme == "stun":
        return RTCIceServer(urls=address)
    transport = transport or ("tcp" if scheme == "turns" else "udp")
    return RTCIceServer(
        urls=f"{address}?transport={transport}", username=unquote(user), credential=unquote(match["password"])
    )


def _bad(why: str) -> ConfigError:
    return ConfigError(ErrorCode.BAD_SETTING, f"ice_servers: {why}")
