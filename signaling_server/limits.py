"""How much one client, and all of them together, may ask of the server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from pycall.core.usersig import MAX_EXPIRE
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
    ticket_seconds: int = MAX_EXPIRE
    """The longest life of a ticket that is accepted."""
    ticket_grace: float = 60.0
    """From the end of its ticket a client outside calls may stay connected for so long."""
    failures: int = 10
    """Logins that fail, a minute, from one address and for one user."""
    penalty: float = 60.0
    """For so long, once that was too many, failures are not even told apart."""
    sockets_per_user: int = 5
    sockets_per_address: int = 50
    sockets: int = 20_000
    """In all."""
    calls_per_user: int = 60
    """Calls a minute that one user may begin."""
    calls_to_callee: int = 120
    """Calls an hour from one user to the same other."""
    calls_per_address: int = 100
    """Calls a minute from one address."""
    rest_rate: float = 1.0
    """Times the documented rates of the REST interface (10, 20 and 200 requests a second, by command and app)."""
    body_bytes: int = 65536
    """Of a REST request."""
    body_seconds: float = 10.0
    """For it to arrive."""
    count_this_machine: bool = False
    """Whether limits by address hold for this machine too: programs here, or all the world through a proxy here."""


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

    def wait(self, now: float) -> float:
        """Seconds from `now` until the next one may be taken; 0 if it may be now."""
        tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        return max(0.0, (1.0 - tokens) / self._rate)


class KeyedLimit:
    """So many per key (a user, an address) in so many seconds. Remembers the keys used last, however many there are."""

    def __init__(self, count: int, seconds: float, *, keys: int = 10_000) -> None:
        self._count = count
        self._seconds = seconds
        self._keys = keys
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds from `now` (monotonic) until one more is allowed; 0 if it is. Counts nothing."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else bucket.wait(now)

    def take(self, key: Hashable, now: float) -> bool:
        """Count one more; False if it is too many."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._count / self._seconds, self._count, now)
            if len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(now)

    def __len__(self) -> int:
        return len(self._buckets)
