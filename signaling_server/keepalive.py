"""Ends a connection to PostgreSQL whose other end is gone without a word: its network is down or its machine off.

Else the kernel here would wait a quarter of an hour for an answer, and PostgreSQL would keep the lock of a server that
is dead for two hours, so that none could take its place.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

UNHEARD_SECONDS = 10
"""For the other machine to acknowledge what was sent; so long a silence is asked about."""
PROBE_SECONDS = 3
_THERE = {
    "tcp_keepalives_idle": UNHEARD_SECONDS,
    "tcp_keepalives_interval": PROBE_SECONDS,
    "tcp_keepalives_count": UNHEARD_SECONDS // PROBE_SECONDS,
    "tcp_user_timeout": UNHEARD_SECONDS * 1000,
}
"""Settings of PostgreSQL for one connection; without effect on a Unix socket."""


def give_up_in_time(connection: Any, _record: object) -> None:
    """On each new connection, for both of its ends."""
    cursor = connection.cursor()
    try:
        for name, value in _THERE.items():
            cursor.execute(f"SET {name} TO {value}")
    finally:
        cursor.close()
    connection.commit()
    _here(getattr(connection, "driver_connection", None))


def _here(driver: Any) -> None:
    transport = getattr(driver, "_transport", None)  # asyncpg shows it nowhere else
    raw = None if transport is None else transport.get_extra_info("socket")
    if raw is None or sys.platform != "linux" or raw.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, UNHEARD_SECONDS)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_SECONDS)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_SECONDS * 1000)
