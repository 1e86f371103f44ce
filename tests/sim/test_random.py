"""Three users, random verbs, random deliveries, lost sockets, a server that crashes or cannot store; time passes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pycall.core.errors import CallError
from pycall.core.line import CallState
from pycall.core.types import MediaType
from tests.sim.invariants import check_always, check_over, check_quiet
from tests.town import Phone, Town

USERS = st.sampled_from("abc")
PHONES = st.sampled_from(["a", "b", "c", "a3"])
"""`a3` is a second program of user a."""
MEDIA = st.sampled_from(MediaType)
SECONDS = st.sampled_from([0.1, 1.0, 2.9, 3.1, 9.0, 16.0, 31.0, 61.0])
FLAGS = st.sampled_from([None, True, False])


class ThreeUsers(RuleBasedStateMachine):
    """A verb that the line refuses is no mistake here: the rules do not look before they ask."""

    @initialize()
    def begin(self) -> None:
        self.town = Town("a", "b", "c")
        self.town.another("a")

    def _asks(self, user: str, verb: str, *args: object, **kwargs: object) -> None:
        phone: Phone = self.town[user]
        try:
            getattr(phone, verb)(*args, **kwargs)
        except CallError as error:
            assert error.message and "\n" not in error.message

    # --- verbs --------------------------------------------------------------------------------------------------

    @rule(user=PHONES, other=USERS, media=MEDIA, timeout=st.sampled_from([0, 5, 30]))
    def dial(self, user: str, other: str, media: MediaType, timeout: int) -> None:
        self._asks(user, "dial", other, media=media, timeout=timeout)

    @rule(user=PHONES)
    def accept(self, user: str) -> None:
        self._asks(user, "accept")

    @rule(user=PHONES, busy=st.booleans())
    def reject(self, user: str, busy: bool) -> None:
        self._asks(user, "reject", busy=busy)

    @rule(user=PHONES)
    def hangup(self, user: str) -> None:
        self._asks(user, "hangup")

    @rule(user=PHONES, media=MEDIA)
    def switch(self, user: str, media: MediaType) -> None:
        self._asks(user, "switch", media)

    @rule(user=PHONES, audio=FLAGS, video=FLAGS)
    def set_media(self, user: str, audio: bool | None, video: bool | None) -> None:
        self._asks(user, "set_media", audio=audio, video=video)

    @rule(user=PHONES, kind=st.sampled_from(["audio", "video"]), failed=st.booleans())
    def source(self, user: str, kind: str, failed: bool) -> None:
        self.town[user].source_failed(kind, failed)

    @rule(user=PHONES)
    def logout(self, user: str) -> None:
        self._asks(user, "logout")

    @rule(pair=st.sampled_from(["ab", "bc", "ca"]), media=MEDIA, answered=st.booleans())
    def call_and_wait(self, pair: str, media: MediaType, answered: bool) -> None:
        """A shortcut to where things become interesting."""
        caller, callee = pair
        self._asks(caller, "dial", callee, media=media)
        self.town.settle()
        if answered:
            self._asks(callee, "accept")
            self.town.settle()

    # --- the wire -----------------------------------------------------------------------------------------------

    @rule(user=PHONES)
    def up(self, user: str) -> None:
        self.town.up(self.town[user])

    @rule(user=PHONES)
    def down(self, user: str) -> None:
        self.town.down(self.town[user])

    @rule()
    def settle(self) -> None:
        self.town.settle()

    @rule(twice=st.booleans())
    def deliver_twice(self, twice: bool) -> None:
        self.town.twice = twice

    @rule(user=PHONES, noticed=st.booleans())
    def drop(self, user: str, noticed: bool) -> None:
        self.town[user].drop(noticed=noticed)

    @rule(user=PHONES)
    def connect(self, user: str) -> None:
        if self.town[user].session is None:
            self.town[user].connect()

    @rule(user=PHONES)
    def crash(self, user: str) -> None:
        self.town[user].crash()

    @rule(pair=st.sampled_from([("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]), whole=st.booleans())
    def cut_or_mend(self, pair: tuple[str, str], whole: bool) -> None:
        self.town.cut = {pair} if whole else set()

    # --- the server and time ------------------------------------------------------------------------------------

    @rule(down_for=st.sampled_from([0.0, 2.0, 40.0]))
    def restart_server(self, down_for: float) -> None:
        self.town.restart_server(down_for=down_for)

    @rule(full=st.booleans())
    def fill_disk(self, full: bool) -> None:
        self.disk(full=full)

    def disk(self, full: bool) -> None:
        freed = self.town.disk_full and not full
        self.town.disk_full = full
        if freed:
            self.town.advance(2)  # what could not be written is tried again

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.town.advance(seconds, each=lambda: check_always(self.town))

    # --- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def always(self) -> None:
        if hasattr(self, "town"):
            check_always(self.town)

    @precondition(lambda self: hasattr(self, "town"))
    @rule()
    def all_come_back(self) -> None:
        self._come_back()
        check_quiet(self.town)

    def _come_back(self) -> None:
        town = self.town
        self.disk(full=False)
        for phone in town.phones.values():
            others = [other for other in town.phones.values() if other is not phone and other.session is not None]
            if phone.session is None and phone.user_id not in {other.user_id for other in others}:
                phone.connect()
        town.settle()
        town.advance(4)

    def teardown(self) -> None:
        if not hasattr(self, "town"):
            return
        self._come_back()
        check_quiet(self.town)
        for phone in self.town.phones.values():
            if phone.line.state not in (None, CallState.LEAVING):
                phone.hangup()
        self.town.settle()
        self.town.advance(600)
        check_quiet(self.town)
        check_over(self.town)


ThreeUsers.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestThreeUsers = pytest.mark.timeout(420)(ThreeUsers.TestCase)
"""It takes seconds; only making a failure small takes minutes."""
