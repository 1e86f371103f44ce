"""The server's clock: Unix seconds that never go back, however the machine's clock is set meanwhile."""

from __future__ import annotations

import time


class Clock:
    """Wall time when made, monotonic from then on."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix seconds."""
        return self._offset + time.monotonic()
