"""Turns what happened in calls into rows of the outbox, which are stored together with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from . import callbacks_v1, callbacks_v4
from .callbacks import Callbacks, Generation
from .facts import Fact

_EVENTS = {Generation.V1: callbacks_v1.events_of, Generation.V4: callbacks_v4.events_of}


class Origin(NamedTuple):
    """Where a user's client is: what the documented query string tells as clientip and optplatform."""

    address: str = ""
    platform: str = "Unknown"


_PLATFORMS = {"iPhone": "iOS", "iPad": "iPad", "Android": "Android", "Mozilla": "Web"}


def platform_of(agent: str) -> str:
    """The documented name of a client's platform, from its User-Agent."""
    return next((name for word, name in _PLATFORMS.items() if word in agent), "Unknown")


class Announcer:
    """Of one app. `wake` is called when rows were stored."""

    def __init__(self, app_id: int, callbacks: Callbacks, wake: Callable[[int], None] = lambda _: None) -> None:
        self._app_id = app_id
        self._callbacks = callbacks
        self.wake = wake

    def rows(self, facts: Sequence[Fact], origin_of: Callable[[str], Origin], now: float) -> list[dict[str, Any]]:
        """The callbacks that are wanted, as rows; each has an id that stays the same however often it is sent."""
        rows = []
        for generation, events_of in _EVENTS.items():
            if self._callbacks.get(generation) is None:
                continue
            for fact in facts:
                for event in events_of(fact):
                    if self._callbacks.wants(generation, event.command):
                        rows.append(self._row(generation, fact, event, origin_of(fact.by), now))
        return rows

    def _row(
        self, generation: Generation, fact: Fact, event: callbacks_v1.Event, origin: Origin, now: float
    ) -> dict[str, Any]:
        return {
            "app_id": self._app_id,
            "generation": generation.value,
            "event_id": f"evt_{secrets.token_hex(16)}",
            "command": event.command,
            "call_id": fact.call.call_id,
            "body": msgspec.json.encode(event.body).decode(),
            "address": origin.address[:64],
            "platform": origin.platform[:16],
            "created_at": now,
            "due_at": now,
            "attempts": 0,
            "error": "",
            "died_at": None,
        }
