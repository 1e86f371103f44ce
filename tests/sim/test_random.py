"""Three users, random verbs, random deliveries, lost sockets, a server that crashes or cannot store; time passes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from pycall.core.types import MediaType
from tests.sim.machine import MEDIA, PHONES, USERS, Walk, step


class ThreeUsers(Walk):
    """`a3` is a second program of user a."""

    users = ["a", "b", "c"]
    phones = ["a", "b", "c", "a3"]

    @initialize()
    def begin(self) -> None:
        self.move_in()
        self.town.another("a")

    @step(user=PHONES, other=USERS, media=MEDIA, timeout=st.sampled_from([0, 5, 30]))
    def dial(self, user: str, other: str, media: MediaType, timeout: int) -> None:
        self.asks(user, "dial", other, media=media, timeout=timeout)

    @step(user=PHONES, kind=st.sampled_from(["audio", "video"]), failed=st.booleans())
    def source(self, user: str, kind: str, failed: bool) -> None:
        self.town[user].source_failed(kind, failed)

    @step(pair=st.sampled_from(["ab", "bc", "ca"]), media=MEDIA, answered=st.booleans())
    def call_and_wait(self, pair: str, media: MediaType, answered: bool) -> None:
        """A shortcut to where things become interesting."""
        caller, callee = pair
        self.asks(caller, "dial", callee, media=media)
        self.town.settle()
        if answered:
            self.asks(callee, "accept")
            self.town.settle()

    @step(pair=st.sampled_from([("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]), whole=st.booleans())
    def cut_or_mend(self, pair: tuple[str, str], whole: bool) -> None:
        self.town.cut = {pair} if whole else set()


ThreeUsers.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestThreeUsers = pytest.mark.timeout(420)(ThreeUsers.TestCase)
"""It takes seconds; only making a failure small takes minutes."""
