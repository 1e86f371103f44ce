"""How many sockets are open: in all, from each address and of each user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from .addresses import bucket_of, is_local
from .limits import Limits


class Crowd:
    """Counts who comes and goes, and says when it is too full for one more."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all = 0
        self._by_address: Counter[Hashable] = Counter()
        self._by_user: Counter[Hashable] = Counter()
        self.waiting = 0
        """Sockets that are about to sign in."""

    def enter(self, address: str) -> None:
        """A socket was opened."""
        self._all += 1
        self._by_address[bucket_of(address)] += 1

    def leave(self, address: str, user: Hashable) -> None:
        """It is gone; `user` had signed in on it, or is None."""
        self._all -= 1
        _drop(self._by_address, bucket_of(address))
        if user is not None:
            _drop(self._by_user, user)

    def sign_in(self, user: Hashable) -> bool:
        """Another socket of this user; False, and it is not counted, if that is too many."""
        if self._by_user[user] >= self._limits.sockets_per_user:
            return False
        self._by_user[user] += 1
        return True

    def is_full(self, address: str) -> bool:
        """A socket from there, just opened, is one too many."""
        counted = self._limits.count_this_machine or not is_local(address)
        return (
            self.waiting >= self._limits.waiting
            or self._all > self._limits.sockets
            or (counted and self._by_address[bucket_of(address)] > self._limits.sockets_per_address)
        )


def _drop(counter: Counter[Hashable], key: Hashable) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
