"""Puts our parts in the place of aiortc's and aioice's: once per process, before the first connection.

Everything done to the libraries from outside is done here; what is relied upon besides is listed in `selftest`.
"""

from __future__ import annotations

import logging
from importlib import import_module

from .gathering import PromptTurnTransport
from .selftest import check_internals
from .transport import FIRST_RETRY_SECONDS, STUN_RETRIES, GuardedConnection, GuardedProtocol

SWAPS: tuple[tuple[str, str, object, str], ...] = (
    ("aioice.ice", "StunProtocol", GuardedProtocol, "sockets with a guard"),
    ("aiortc.rtcicetransport", "Connection", GuardedConnection, "ICE that drops strangers, reacts and closes in time"),
    ("aioice.turn", "TurnTransport", PromptTurnTransport, "a relay that says good-bye in time"),
    ("aioice.stun", "RETRY_RTO", FIRST_RETRY_SECONDS, "a lost check is repeated soon, not after half a second"),
    ("aioice.stun", "RETRY_MAX", STUN_RETRIES, "as long all the same"),
)
"""Module, name in it, what it becomes, why. The libraries look these names up when they make the thing."""

_installed = False


def install() -> None:
    """Raises `MediaError` (NO_LIBRARY) if the installed libraries are not as expected."""
    global _installed
    if _installed:
        return
    check_internals()
    for module, name, replacement, _ in SWAPS:
        setattr(import_module(module), name, replacement)
    # On DEBUG these two write whole session descriptions, with the keys of the media path.
    for library in ("aiortc", "aioice"):
        logging.getLogger(library).setLevel(logging.WARNING)
    _installed = True
