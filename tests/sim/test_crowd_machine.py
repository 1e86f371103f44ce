"""Four users with two devices each in calls of many: random verbs and deliveries, lost sockets, crashes, restarts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pycall.core.errors import CallError
from pycall.core.line import CallState
from pycall.core.types import MediaType
from tests.sim.invariants import check_always, check_over, check_quiet
from tests.town import Phone, Town

FIRST = ["a", "b", "c", "d"]
SECOND = ["a4", "b5", "c6", "d7"]
"""The second devices."""
USERS = st.sampled_from(FIRST)
PHONES = st.sampled_from([*FIRST, *FIRST, *SECOND])
SOME = st.lists(USERS, min_size=1, max_size=3, unique=True)
MEDIA = st.sampled_from(MediaType)
GROUPS = st.sampled_from(["", "", "team"])
SECONDS = st.sampled_from([0.1, 1.0, 3.0, 9.0, 16.0, 31.0, 61.0])
FLAGS = st.sampled_from([None, True, False])
ROOM = 7


class Crowd(RuleBasedStateMachine):
    """A verb that the line refuses is no mistake here: the rules do not look before they ask."""

    @initialize(several=st.sets(USERS))
    def begin(self, several: set[str]) -> None:
        """These users are on both devices from the start."""
        self.town = Town(*FIRST)
        for user in FIRST:
            second = self.town.another(user)
            if user in several:
                self.town[user].several_devices(True)
                self.town.settle()
                second.connect()
        self.town.settle()

    def _asks(self, user: str, verb: str, *args: object, **kwargs: object) -> None:
        phone: Phone = self.town[user]
        try:
            getattr(phone, verb)(*args, **kwargs)
        except CallError as error:
            assert error.message and "\n" not in error.message

    def _some_call(self, pick: int) -> str:
        """The id of a call that runs, or of one that never was."""
        ids = sorted(self.town.switchboard._book.calls)
        return ids[pick % len(ids)] if ids else "f" * 32

    # --- verbs --------------------------------------------------------------------------------------------------

    @rule(user=PHONES, others=SOME, media=MEDIA, timeout=st.sampled_from([0, 5, 30]), group=GROUPS)
    def dial(self, user: str, others: list[str], media: MediaType, timeout: int, group: str) -> None:
        self._asks(user, "dial", *others, media=media, timeout=timeout, group=group, room=ROOM if group else None)

    @rule(user=PHONES, others=SOME, timeout=st.sampled_from([0, 5, 30]))
    def invite(self, user: str, others: list[str], timeout: int) -> None:
        self._asks(user, "invite", *others, timeout=timeout)

    @rule(user=PHONES, pick=st.integers(0, 2))
    def join(self, user: str, pick: int) -> None:
        self._asks(user, "join", self._some_call(pick))

    @rule(user=PHONES)
    def join_room(self, user: str) -> None:
        self._asks(user, "join_room", ROOM, "team")

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

    @rule(user=PHONES, enabled=st.booleans())
    def several_devices(self, user: str, enabled: bool) -> None:
        self._asks(user, "several_devices", enabled)

    @rule(user=PHONES, name=st.sampled_from(["", "x", "y"]))
    def show_as(self, user: str, name: str) -> None:
        self._asks(user, "show_as", name)

    @rule(user=PHONES)
    def logout(self, user: str) -> None:
        self._asks(user, "logout")

    @rule(user=USERS, media=MEDIA, group=GROUPS, answered=st.sets(USERS))
    def call_all_and_wait(self, user: str, media: MediaType, group: str, answered: set[str]) -> None:
        """A shortcut to where things become interesting."""
        others = [other for other in FIRST if other != user]
        self._asks(user, "dial", *others, media=media, group=group, room=ROOM if group else None)
        self.town.settle()
        for other in sorted(answered):
            self._asks(other, "accept")
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

    @rule(pairs=st.sets(st.tuples(USERS, USERS), max_size=3))
    def cut(self, pairs: set[tuple[str, str]]) -> None:
        self.town.cut = pairs

    # --- the server and time ------------------------------------------------------------------------------------

    @rule(down_for=st.sampled_from([0.0, 2.0, 40.0]))
    def restart_server(self, down_for: float) -> None:
        self.town.restart_server(down_for=down_for)

    @rule(full=st.booleans())
    def fill_disk(self, full: bool) -> None:
        self._disk(full=full)

    def _disk(self, full: bool) -> None:
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

    @rule()
    def all_come_back(self) -> None:
        self._come_back()
        check_quiet(self.town)

    def _come_back(self) -> None:
        town = self.town
        self._disk(full=False)
        for session, phone in list(town.sessions.items()):
            if phone.session != session:
                town.socket_gone(session)  # its heartbeat is missed sooner or later
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


Crowd.TestCase.settings = settings(
    max_examples=2000,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Always the same 2,000 walks: half a minute. To look for more, take `derandomize` away, and add `Phase.shrink`."""
TestCrowd = pytest.mark.timeout(300)(Crowd.TestCase)
