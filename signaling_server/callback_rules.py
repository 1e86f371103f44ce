"""What the settings say about callbacks."""

from __future__ import annotations

from dataclasses import dataclass

from pycall.core.errors import ConfigError, ErrorCode

from .options import BY_KEY

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
            raise _wrong("must not last longer than a day together")

    @property
    def later(self) -> tuple[float, ...]:
        """The retries as numbers."""
        return tuple(map(_seconds, self.retries))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise _wrong(f"must be numbers of seconds, not {text[:40]!r}") from error
    if not 0 <= seconds <= MAX_RETRY:
        raise _wrong(f"must be 0 to {MAX_RETRY:.0f} seconds each, not {text[:40]!r}")
    return seconds


def _wrong(what: str) -> ConfigError:
    return ConfigError(ErrorCode.BAD_SETTING, f"{BY_KEY['callbacks.retries'].spoken} {what}")
