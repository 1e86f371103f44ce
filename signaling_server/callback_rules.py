"""What the settings say about callbacks."""

from __future__ import annotations

from dataclasses import dataclass

from pycall.core.errors import ConfigError, ErrorCode

MAX_RETRY = 86400.0
"""Seconds between two attempts, and from the first to the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRules:
    """Checked when made: raises ConfigError."""

    allow_private: bool = False
    """Targets may be in private networks and on this machine."""
    retries: tuple[str, ...] = ("30", "300", "1800", "7200", "18000", "36000")
    """Seconds before each retry after the documented ones (0, 1, 1, 2, 3, 5); then it is a dead letter."""

    def __post_init__(self) -> None:
        if sum(self.later) > MAX_RETRY:
            raise ConfigError(
                ErrorCode.BAD_SETTING, "the retries of callbacks last longer than a day (callbacks.retries)"
            )

    @property
    def later(self) -> tuple[float, ...]:
        """The retries as numbers."""
        try:
            seconds = tuple(float(text) for text in self.retries)
        except ValueError as error:
            raise ConfigError(ErrorCode.BAD_SETTING, "callbacks.retries are numbers of seconds") from error
        if not all(0 <= one <= MAX_RETRY for one in seconds):
            raise ConfigError(ErrorCode.BAD_SETTING, f"callbacks.retries are 0 to {MAX_RETRY:.0f} seconds each")
        return seconds
