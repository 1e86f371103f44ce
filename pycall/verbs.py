"""What every group of CallEngine's verbs stands on: the driver, and the checks that come before any verb."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pycall.core.errors import CallError, ErrorCode, LoginError
from pycall.driver import Driver
from pycall.line_view import LineView


class Verbs(LineView):
    """The part of `CallEngine` that its groups of verbs (calls, media, records) share."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self._driver = driver
        self.config = driver.config
        self._busy: set[str] = set()
        self._closed = False

    def _must_be_open(self) -> None:
        if self._closed:
            raise CallError(ErrorCode.WRONG_STATE, "the engine was closed")

    def _must_be_signed_in(self) -> None:
        self._must_be_open()
        if not self._driver.signed_in:
            raise LoginError(ErrorCode.NOT_LOGGED_IN, "nobody is signed in; call login() first")

    def _must_be_able_to_call(self) -> None:
        self._must_be_signed_in()
        if self._driver.ticket_expired:
            raise LoginError(ErrorCode.SIG_EXPIRED, "the ticket has run out; call login() with a new one")

    @contextmanager
    def _one(self, verb: str) -> Iterator[None]:
        """A verb that is still waiting for its answer is not asked again."""
        if verb in self._busy:
            raise CallError(ErrorCode.REPEATED, f"{verb}() is already under way")
        self._busy.add(verb)
        try:
            yield
        finally:
            self._busy.discard(verb)
