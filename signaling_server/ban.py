"""A ban: one user may not sign in, for a time or until it is taken back."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from pycall.core.errors import ErrorCode
from pycall.core.types import UserId
from pycall.core.wire import Goodbye

LATEST = 253_402_300_799.0
"""The last second of the year 9999: later ones have no date."""


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """One user may not sign in; times are Unix seconds."""

    user_id: UserId
    since: float
    until: float | None = None
    """None: until it is taken back."""
    by: str
    """The administrator."""

    def holds(self, now: float) -> bool:
        """It is not over yet."""
        return self.until is None or now < self.until

    @property
    def goodbye(self) -> Goodbye:
        """What the user is told."""
        end = "" if self.until is None else f" until {datetime.fromtimestamp(self.until, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return Goodbye(code=ErrorCode.BANNED, message=f"this user is banned{end}; ask an administrator")
