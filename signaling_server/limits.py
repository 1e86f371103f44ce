"""How much one client, and all of them together, may ask of the server."""

from __future__ import annotations

from dataclasses import dataclass

from pycall.core.wire import HEARTBEAT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds, sizes in bytes, rates per second."""

    heartbeat: float = HEARTBEAT_SECONDS
    """A socket that is silent for 1.5 times as long is dead."""
    login_seconds: float = 5.0
    """From connecting to the login frame."""
    login_bytes: int = 8192
    """Of the login frame."""
    waiting: int = 200
    """Sockets that have not signed in yet."""
    queued_messages: int = 256
    queued_bytes: int = 1 << 20
    """Waiting to be sent to one client; more than this and it is too slow to keep."""
    message_rate: float = 20.0
    message_burst: int = 100
    signal_rate: float = 50.0
    signal_burst: int = 200
    """`Signal` counts apart: a call's set-up sends an offer and many candidates at once."""
    bad_frames: int = 5
    """Frames that are no messages before the socket is closed."""
    close_seconds: float = 1.0
    """For a client to take the last words and to answer the close frame."""


class TokenBucket:
    """Lets `burst` through at once and `rate` a second in the long run."""

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_at = now

    def take(self, now: float) -> bool:
        """One more, at `now` (monotonic seconds); False if that is too many."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
