"""Who speaks: one of all who are loud enough, without jumping to and fro between two who talk at once."""

from __future__ import annotations

from collections.abc import Mapping

from .types import UserId

AUDIBLE = 10
"""Below this volume (of 100) somebody is silent (TUICallKit, MIN_AUDIO_VOLUME)."""
HOLD_SECONDS = 1.0
"""Who speaks keeps the floor this long while somebody else is louder, or while silent themselves."""


class Speaker:
    """Fed with everybody's volumes; `now` is any monotonic clock in seconds."""

    def __init__(self) -> None:
        self.user_id: UserId | None = None
        self._sure_at = 0.0
        """When the speaker was last the loudest."""

    def hear(self, volumes: Mapping[UserId, int], now: float) -> bool:
        """True if another one speaks now, or nobody any more."""
        loudest = max(volumes, key=lambda user: (volumes[user], user == self.user_id), default=None)
        if loudest is not None and volumes[loudest] < AUDIBLE:
            loudest = None
        if loudest == self.user_id:
            self._sure_at = now
            return False
        if self.user_id in volumes and now - self._sure_at < HOLD_SECONDS:
            return False
        self.user_id, self._sure_at = loudest, now
        return True
