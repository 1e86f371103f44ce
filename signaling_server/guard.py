"""Keeps callbacks out of the own network: which addresses may be dialed, decided at the address itself.

Names and odd spellings (`127.1`, `0x7f.1`) say nothing; what counts is the address they lead to in the moment of
dialing. If a name has several, all of them must be good.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

PRIVATE = "the address is in a private network; allow that with --callbacks-allow-private"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # shared by carriers
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "64:ff9b::/96",  # NAT64: an IPv4 address inside, and the local one below
        "64:ff9b:1::/48",
        "2001::/23",  # Teredo and other protocols
        "2002::/16",  # 6to4: an IPv4 address inside
        "fec0::/10",  # site-local
        "::/96",  # compatible: an IPv4 address inside
        "::ffff:0:0/96",  # mapped
        "::ffff:0:0:0/96",  # translated
    )
)


class Forbidden(OSError):
    """This address is not dialed."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EACCES, why)


def is_public(address: Address) -> bool:
    """False for everything that is, or may lead to, this machine or a network that is not the internet."""
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address.is_site_local):
        return False
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def refusal_of(host: str) -> str | None:
    """Why this host is refused already when it is set; None: not by its text."""
    literal = host.rstrip(".").lower()
    if literal == "localhost" or literal.endswith((".localhost", ".local", ".internal")):
        return PRIVATE
    try:
        address = ipaddress.ip_address(socket.inet_ntoa(socket.inet_aton(literal)) if ":" not in literal else literal)
    except (OSError, ValueError):
        return None
    return None if is_public(address) else PRIVATE


def check_dialed(address: str) -> None:
    """Raises Forbidden unless this address, as the socket gets it, may be dialed."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise Forbidden(f"{address} is no address") from error
    if not is_public(parsed) or _is_own(parsed):
        raise Forbidden(f"{address} is in a private network, or this machine")


def guarded_socket(info: AddrInfoType) -> socket.socket:
    """A socket for exactly this address; the last check, which nothing gets around."""
    family, kind, protocol, _, target = info
    check_dialed(str(target[0]))
    return socket.socket(family=family, type=kind, proto=protocol)


class GuardedResolver(AbstractResolver):
    """Finds addresses of names, and refuses a name with any that may not be dialed."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises Forbidden, or OSError if there is no such name."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            check_dialed(one["host"])
        return found

    async def close(self) -> None:
        """Let go of the resolver inside."""
        await self._inner.close()


def _is_own(address: Address) -> bool:
    """A public address of this very machine: only those can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    where: Any = (str(address), 0) if address.version == 4 else (str(address), 0, 0, 0)
    with socket.socket(family, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(where)
        except OSError:
            return False
    return True
