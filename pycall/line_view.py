"""What an engine shows of its line at any moment; all of it is read from the Line, nothing is kept here."""

from __future__ import annotations

import time
from typing import Any

from pycall.core.call import CallState
from pycall.core.types import CallId, MediaType, Role, RoomId, Scene, UserId
from pycall.core.wire import MemberView
from pycall.driver import Driver


class LineView:
    """Read-only properties of `CallEngine`."""

    def __init__(self, driver: Driver) -> None:
        self._shown = driver

    @property
    def user_id(self) -> UserId | None:
        """Who was signed in last."""
        return self._shown.line.user_id

    @property
    def signed_in(self) -> bool:
        """True from the login until the logout, a kick or an expired ticket; also while the link is being restored."""
        return self._shown.signed_in

    @property
    def state(self) -> CallState | None:
        """Where the call stands; None without a call."""
        return self._shown.line.state

    @property
    def call_id(self) -> CallId | None:
        return self._shown.line.call_id

    @property
    def media(self) -> MediaType | None:
        return self._shown.line.media

    @property
    def role(self) -> Role | None:
        return self._shown.line.role

    @property
    def scene(self) -> Scene | None:
        """What kind of call it is; one of two becomes one of many when somebody is invited."""
        return self._shown.line.scene

    @property
    def room_id(self) -> RoomId | None:
        """The call's room, a number or a name."""
        return self._shown.line.room_id

    @property
    def chat_group_id(self) -> str:
        """The chat group the call belongs to; empty: none."""
        return self._shown.line.chat_group_id

    @property
    def members(self) -> tuple[MemberView, ...]:
        """Everybody in the call as the server sees them."""
        return self._shown.line.members

    @property
    def duration(self) -> float:
        """Seconds since the conversation began; 0 before that and without a call."""
        began = self._shown.line.began_at
        return 0.0 if began is None else max(0.0, time.monotonic() - began)

    @property
    def microphone_open(self) -> bool:
        return self._shown.line.audio_open

    @property
    def camera_open(self) -> bool:
        return self._shown.line.video_open

    def get_stats(self) -> dict[UserId, list[dict[str, Any]]]:
        """What the connection with each person has counted so far, named as a browser's `getStats` names it (W3C
        webrtc-stats): dictionaries with `type` (`inbound-rtp`, `outbound-rtp`, `remote-inbound-rtp`, `candidate-pair`,
        `local-candidate`, `remote-candidate`, `transport`, `codec`), `id` and, for streams, `kind`. Empty
        without a call.
        """
        return self._shown.statistics()
