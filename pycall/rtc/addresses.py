"""Which addresses of this machine are of use: those of interfaces that carry something, and that are still there."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import sys

import ifaddr

SIOCGIFFLAGS = 0x8913
"""Linux, sockios.h."""
CARRIES = 0x1 | 0x40
"""IFF_UP and IFF_RUNNING: switched on, and with a cable, a station or a peer."""


def alive(hosts: list[str]) -> list[str]:
    """Without those of interfaces through which nothing can leave, such as a bridge with nobody on it; on Linux."""
    if sys.platform != "linux":
        return hosts
    dead = {
        ip.ip if isinstance(ip.ip, str) else ip.ip[0]
        for adapter in ifaddr.get_adapters()
        if not _carries(adapter.name)
        for ip in adapter.ips
    }
    return [host for host in hosts if host not in dead]


def _carries(interface: str) -> bool:
    import fcntl

    request = struct.pack("16sH14x", interface.encode()[:15], 0)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            flags: int = struct.unpack_from("16sH", fcntl.ioctl(probe, SIOCGIFFLAGS, request))[1]
    except OSError:
        return True  # it cannot be known
    return flags & CARRIES == CARRIES


def still_ours(host: str) -> bool:
    """Asks the system, which answers at once. True if it cannot be known, as for a link-local address."""
    address = ipaddress.ip_address(host)
    if address.is_link_local:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True
