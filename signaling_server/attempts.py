"""How many calls one may begin: per user, to one other user, and from one address."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from pycall.core.types import UserId

from .addresses import bucket_of, is_local
from .limits import KeyedLimit, Limits


class Attempts:
    """Asked before the exchange is, so that the callee never hears of what was too much."""

    def __init__(self, limits: Limits) -> None:
        self._by_user = KeyedLimit(limits.calls_per_user, 60.0)
        self._by_pair = KeyedLimit(limits.calls_to_callee, 3600.0)
        self._by_address = KeyedLimit(limits.calls_per_address, 60.0)
        self._everywhere = limits.count_this_machine

    def wait(self, app_id: int, caller: UserId, callees: Iterable[UserId], address: str, now: float) -> float:
        """Seconds until this call may begin; 0, and it is counted, if it may begin now (monotonic seconds)."""
        asked: list[tuple[KeyedLimit, Hashable]] = [(self._by_user, (app_id, caller))]
        asked += [(self._by_pair, (app_id, caller, callee)) for callee in set(callees)]
        if self._everywhere or not is_local(address):
            asked.append((self._by_address, bucket_of(address)))
        wait = max(limit.wait(key, now) for limit, key in asked)
        if wait == 0.0:
            for limit, key in asked:
                limit.take(key, now)
        return wait
