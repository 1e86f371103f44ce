"""Ends a source or a sink, which may be the program's own code: in a thread, and never waited for too long."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

logger = logging.getLogger(__name__)


class Stoppable(Protocol):
    def stop(self) -> None: ...


def name_of(device: object) -> str:
    """What a person calls it: its `name` where it has one, else its class."""
    return str(getattr(device, "name", type(device).__name__))


async def stop_within(seconds: float, device: Stoppable) -> None:
    """What does not return in time is left behind, with a warning. Never raises: the others are stopped, too."""
    try:
        await asyncio.wait_for(asyncio.to_thread(device.stop), seconds)
    except TimeoutError:
        logger.warning("%s did not stop within %.0f s", name_of(device), seconds)
    except Exception:  # it may be the program's own code
        logger.exception("%s raised when it was stopped", name_of(device))
