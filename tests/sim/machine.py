"""What every random walk through the simulated world can do: the verbs of a call, the wire, the server, and time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pycall.core.errors import CallError
from pycall.core.line import CallState
from pycall.core.types import MediaType
from tests.sim.ears import SECRET, Ears
from tests.sim.invariants import check_always, check_began, check_over, check_quiet
from tests.sim.office import Office
from tests.town import Phone, Town

F = TypeVar("F", bound=Callable[..., Any])
PHONES, USERS = "phones", "users"
"""Some of those that the walk has."""
MEDIA = st.sampled_from(MediaType)
FLAGS = st.sampled_from([None, True, False])
SECONDS = st.sampled_from([0.1, 1.0, 2.9, 3.1, 9.0, 16.0, 31.0, 61.0])


def step(**drawn: Any) -> Callable[[F], F]:
    """A rule whose phones and users are known once the walk is: each has its own."""

    def mark(function: F) -> F:
        function.drawn = drawn  # type: ignore[attr-defined]
        return function

    return mark


class Walk(RuleBasedStateMachine):
    """A verb that the line refuses is no mistake here: the rules do not look before they ask."""

    users: ClassVar[list[str]]
    phones: ClassVar[list[str]]
    """Those named more than once do more."""
    town: Town
    ears: Ears

    def __init_subclass__(cls) -> None:
        def known(drawn: Any) -> Any:
            return st.sampled_from(getattr(cls, drawn)) if isinstance(drawn, str) else drawn

        for name, function in inspect.getmembers(cls, inspect.isfunction):
            if hasattr(function, "drawn"):
                drawn = {argument: known(value) for argument, value in function.drawn.items()}
                setattr(cls, name, rule(**drawn)(function))

    def move_in(self) -> None:
        """The world begins; whatever is logged from now on is listened to."""
        self.ears = Ears()
        self.ears.open()
        self.town = Town(*self.users)
        self.town.office = Office()

    def asks(self, user: str, verb: str, *args: object, **kwargs: object) -> None:
        phone: Phone = self.town[user]
        try:
            getattr(phone, verb)(*args, **kwargs)
        except CallError as error:
            assert error.message and "\n" not in error.message and SECRET not in error.message

    # --- verbs --------------------------------------------------------------------------------------------------

    @step(user=PHONES)
    def accept(self, user: str) -> None:
        self.asks(user, "accept")

    @step(user=PHONES, busy=st.booleans())
    def reject(self, user: str, busy: bool) -> None:
        self.asks(user, "reject", busy=busy)

    @step(user=PHONES)
    def hangup(self, user: str) -> None:
        self.asks(user, "hangup")

    @step(user=PHONES, media=MEDIA)
    def switch(self, user: str, media: MediaType) -> None:
        self.asks(user, "switch", media)

    @step(user=PHONES, audio=FLAGS, video=FLAGS)
    def set_media(self, user: str, audio: bool | None, video: bool | None) -> None:
        self.asks(user, "set_media", audio=audio, video=video)

    @step(user=PHONES, times=st.integers(2, 9), video=st.booleans(), settled=st.booleans())
    def burst(self, user: str, times: int, video: bool, settled: bool) -> None:
        """Mutes and unmutes faster than anybody is told."""
        for index in range(times):
            self.asks(user, "set_media", audio=index % 2 == 1, video=index % 3 == 0 if video else None)
        if settled:
            self.town.settle()

    @step(user=PHONES)
    def logout(self, user: str) -> None:
        self.asks(user, "logout")

    # --- the wire -----------------------------------------------------------------------------------------------

    @step(user=PHONES)
    def up(self, user: str) -> None:
        self.town.up(self.town[user])

    @step(user=PHONES)
    def down(self, user: str) -> None:
        self.town.down(self.town[user])

    @step()
    def settle(self) -> None:
        self.town.settle()

    @step(twice=st.booleans())
    def deliver_twice(self, twice: bool) -> None:
        self.town.twice = twice

    @step(user=PHONES, noticed=st.booleans())
    def drop(self, user: str, noticed: bool) -> None:
        self.town[user].drop(noticed=noticed)

    @step(user=PHONES)
    def connect(self, user: str) -> None:
        if self.town[user].session is None:
            self.town[user].connect()

    @step(user=PHONES)
    def crash(self, user: str) -> None:
        self.town[user].crash()

    # --- the server and time ------------------------------------------------------------------------------------

    @step(user=USERS)
    def kick(self, user: str) -> None:
        self.town.kick(user)

    @step(user=USERS, seconds=st.sampled_from([None, 1.0, 20.0]))
    def ban(self, user: str, seconds: float | None) -> None:
        self.town.ban(user, seconds)

    @step(user=USERS)
    def unban(self, user: str) -> None:
        self.town.unban(user)

    @step(down_for=st.sampled_from([0.0, 2.0, 40.0]))
    def restart_server(self, down_for: float) -> None:
        self.town.restart_server(down_for=down_for)

    @step(full=st.booleans())
    def fill_disk(self, full: bool) -> None:
        freed = self.town.disk_full and not full
        self.town.disk_full = full
        if freed:
            self.town.advance(2)  # what could not be written is tried again

    @step(answered=st.booleans())
    def post(self, answered: bool) -> None:
        """Some callbacks are sent."""
        assert self.town.office is not None
        self.town.office.post(answered=answered, at_most=3)

    @step(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.town.advance(seconds, each=lambda: check_always(self.town))

    # --- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def always(self) -> None:
        if hasattr(self, "town"):
            check_always(self.town)
            assert not self.ears.leaks, self.ears.leaks

    @step()
    def all_come_back(self) -> None:
        self._come_back()
        check_quiet(self.town)

    def _come_back(self) -> None:
        town = self.town
        self.fill_disk(full=False)
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
        if hasattr(self, "town"):
            try:
                self._end()
            finally:
                self.ears.close()

    def _end(self) -> None:
        town = self.town
        town.cut = set()
        self._come_back()
        check_quiet(town)
        town.advance(12)  # a connection that was silent is tried again by either side
        check_quiet(town)
        check_began(town)
        for phone in town.phones.values():
            if phone.line.state not in (None, CallState.LEAVING):
                phone.hangup()
        town.settle()
        town.advance(600)
        check_quiet(town)
        check_over(town)
        assert town.office is not None
        town.office.post(answered=True)
        town.office.check_told(town.stored)
        assert not self.ears.leaks and self.ears.lines >= len(town.facts)
