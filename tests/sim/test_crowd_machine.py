"""Four users with two devices each in calls of many: random verbs, deliveries, lost sockets, crashes, and bans."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from pycall.core.types import MediaType
from tests.sim.machine import MEDIA, PHONES, USERS, Walk, step

FIRST = ["a", "b", "c", "d"]
SECOND = ["a4", "b5", "c6", "d7"]
"""The second devices."""
ANY = st.sampled_from(FIRST)
SOME = st.lists(ANY, min_size=1, max_size=3, unique=True)
GROUPS = st.sampled_from(["", "", "team"])
ROOM = 7


class Crowd(Walk):
    """Up to eight programs."""

    users = FIRST
    phones = [*FIRST, *FIRST, *SECOND]

    @initialize(several=st.sets(ANY))
    def begin(self, several: set[str]) -> None:
        """These users are on both devices from the start."""
        self.move_in()
        for user in FIRST:
            second = self.town.another(user)
            if user in several:
                self.town[user].several_devices(True)
                self.town.settle()
                second.connect()
        self.town.settle()

    def _some_call(self, pick: int) -> str:
        """The id of a call that runs, or of one that never was."""
        ids = sorted(self.town.switchboard._book.calls)
        return ids[pick % len(ids)] if ids else "f" * 32

    @step(user=PHONES, others=SOME, media=MEDIA, timeout=st.sampled_from([0, 5, 30]), group=GROUPS)
    def dial(self, user: str, others: list[str], media: MediaType, timeout: int, group: str) -> None:
        self.asks(user, "dial", *others, media=media, timeout=timeout, group=group, room=ROOM if group else None)

    @step(user=PHONES, others=SOME, timeout=st.sampled_from([0, 5, 30]))
    def invite(self, user: str, others: list[str], timeout: int) -> None:
        self.asks(user, "invite", *others, timeout=timeout)

    @step(user=PHONES, pick=st.integers(0, 2))
    def join(self, user: str, pick: int) -> None:
        self.asks(user, "join", self._some_call(pick))

    @step(user=PHONES)
    def join_room(self, user: str) -> None:
        self.asks(user, "join_room", ROOM, "team")

    @step(user=PHONES, enabled=st.booleans())
    def several_devices(self, user: str, enabled: bool) -> None:
        self.asks(user, "several_devices", enabled)

    @step(user=PHONES, name=st.sampled_from(["", "x", "y"]))
    def show_as(self, user: str, name: str) -> None:
        self.asks(user, "show_as", name)

    @step(user=USERS, media=MEDIA, group=GROUPS, answered=st.sets(ANY))
    def call_all_and_wait(self, user: str, media: MediaType, group: str, answered: set[str]) -> None:
        """A shortcut to where things become interesting."""
        others = [other for other in FIRST if other != user]
        self.asks(user, "dial", *others, media=media, group=group, room=ROOM if group else None)
        self.town.settle()
        for other in sorted(answered):
            self.asks(other, "accept")
        self.town.settle()

    @step(pairs=st.sets(st.tuples(ANY, ANY), max_size=3))
    def cut(self, pairs: set[tuple[str, str]]) -> None:
        self.town.cut = pairs


Crowd.TestCase.settings = settings(
    max_examples=2000,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Always the same 2,000 walks: 43 s of a core. To look for more, take `derandomize` away, and add `Phase.shrink`."""
TestCrowd = pytest.mark.timeout(600)(Crowd.TestCase)
