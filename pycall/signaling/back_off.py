"""How long a client waits before it tries again, so that a server that comes back is neither late nor run over.

Each wait is a random part (full jitter) of a ceiling: 0.1 s at first, then 0.5 s, 1 s, 2 s ... at most 30 s. While
nobody listens at all, which costs no server anything, the ceiling stays at 2 s for the first quarter of a minute: a
server that was killed and started again has its clients back within 2 s. One that answers and has no room is spared.
"""

from __future__ import annotations

import random

FIRST_SECONDS = 0.1
SECONDS = 0.5
CAP_SECONDS = 30.0
HELD_AT = 3
"""The attempt at whose ceiling (2 s) the waits stay while nobody listens."""
HELD_SECONDS = 15.0
"""For so long, in all."""


def back_off(attempt: int) -> float:
    """Seconds to wait before the given attempt (0 is the first after a loss)."""
    if attempt == 0:
        return random.uniform(0.0, FIRST_SECONDS)
    return random.uniform(0.0, min(CAP_SECONDS, SECONDS * 2.0 ** min(attempt - 1, 16)))


class BackOff:
    """The waits after one loss, or several that follow each other closely."""

    def __init__(self) -> None:
        self._attempt = 0
        self._held = 0.0
        self._absent = False

    def wait(self) -> float:
        """Seconds until the next attempt."""
        if self._absent and self._attempt > HELD_AT and self._held < HELD_SECONDS:
            self._attempt = HELD_AT
        seconds = back_off(self._attempt)
        self._held += seconds
        self._attempt += 1
        self._absent = False
        return seconds

    def nobody_listens(self) -> None:
        """The attempt just made found no server at the address."""
        self._absent = True

    def settled(self) -> None:
        """The connection was a good one: begin anew."""
        self._attempt, self._held = 0, 0.0
