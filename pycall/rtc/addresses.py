"""Whether an address of this machine is still one: after a change of network, packets of old sockets go nowhere."""

from __future__ import annotations

import errno
import ipaddress
import socket


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
