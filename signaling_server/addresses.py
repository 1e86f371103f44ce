"""Where a request comes from: the client's own address, also behind proxies that the settings name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from aiohttp import web

from pycall.core.errors import ConfigError, ErrorCode

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = "unknown"
MAX_HOPS = 8


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.0/8`) as settings write them; raises ConfigError."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ConfigError(ErrorCode.BAD_SETTING, f"a proxy is an address or a network: {error}") from error


def client_address(request: web.Request, proxies: tuple[Network, ...]) -> str:
    """Of the nearest machine that is no proxy of ours. What others write into X-Forwarded-For counts for nothing."""
    address = _parsed(request.remote or "")
    if address is None:
        return UNKNOWN
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
    for hop in reversed(hops[-MAX_HOPS:]):
        before = _parsed(hop) if any(address in proxy for proxy in proxies) else None
        if before is None:
            break
        address = before
    return str(address)


def through_unnamed(request: web.Request, proxies: tuple[Network, ...]) -> bool:
    """It seems to come through a proxy nearby that the settings do not name, so that all clients look like one."""
    nearest = _parsed(request.remote or "")
    if nearest is None or "X-Forwarded-For" not in request.headers or not nearest.is_private:
        return False
    return not any(nearest in proxy for proxy in proxies)


def is_local(address: str) -> bool:
    """This very machine."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def bucket_of(address: str) -> str:
    """Under which name limits count it: IPv6 users own a /64 each, so one of those counts as one."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
