"""One user's phone line with at most one call on it: a pure machine, fed with inputs and time, drained of outputs."""

from __future__ import annotations

from typing import Literal

from .call import CallState
from .outputs import ClosePeer, Deliver, Emit, OpenPeer, Output, Resolve, Send, StartMedia, StopMedia
from .types import CallId, MediaType, PeerState, Role, UserId
from .wire import MemberView, ServerMessage, Welcome

__all__ = [
    "CallState",
    "ClosePeer",
    "Deliver",
    "Emit",
    "Line",
    "OpenPeer",
    "Output",
    "Resolve",
    "Send",
    "StartMedia",
    "StopMedia",
]


class Line:
    """The line also emits SignalingLost, SignalingRestored and KickedOffline; nobody else needs to.

    `req_id`s grow for the life of the line, so one line belongs to one `device_id`: never a new line with an old one.
    """

    def __init__(self, *, connect_timeout: float = 20.0) -> None:
        self.connect_timeout = connect_timeout
        self.user_id: UserId | None = None
        self.audio_open = False
        self.video_open = False
        self.dropped = 0

    @property
    def state(self) -> CallState | None:
        raise NotImplementedError

    @property
    def call_id(self) -> CallId | None:
        raise NotImplementedError

    @property
    def media(self) -> MediaType | None:
        raise NotImplementedError

    @property
    def role(self) -> Role | None:
        raise NotImplementedError

    @property
    def members(self) -> tuple[MemberView, ...]:
        raise NotImplementedError

    @property
    def began_at(self) -> float | None:
        raise NotImplementedError

    def dial(
        self,
        call_id: CallId,
        callees: tuple[UserId, ...],
        media: MediaType,
        *,
        timeout: int,
        user_data: str,
        now: float,
    ) -> int:
        raise NotImplementedError

    def accept(self, now: float) -> int:
        raise NotImplementedError

    def reject(self, now: float, *, busy: bool = False) -> int:
        raise NotImplementedError

    def hangup(self, now: float) -> int:
        raise NotImplementedError

    def switch_media(self, media: MediaType, now: float) -> int:
        raise NotImplementedError

    def set_media(self, *, audio: bool | None = None, video: bool | None = None, now: float) -> int:
        raise NotImplementedError

    def logout(self, now: float) -> int:
        """Leave any call and sign out; resolves with the server's reply, or when the link is lost."""
        raise NotImplementedError

    def source_failed(self, kind: Literal["audio", "video"], failed: bool, now: float) -> None:
        raise NotImplementedError

    def link_up(self, welcome: Welcome, now: float) -> None:
        raise NotImplementedError

    def link_lost(self, now: float) -> None:
        raise NotImplementedError

    def kicked(self, now: float) -> None:
        raise NotImplementedError

    def receive(self, message: ServerMessage, now: float) -> None:
        raise NotImplementedError

    def peer_changed(self, user_id: UserId, generation: int, state: PeerState, now: float) -> None:
        raise NotImplementedError

    def handle_timer(self, now: float) -> None:
        raise NotImplementedError

    def outputs(self) -> list[Output]:
        raise NotImplementedError

    def deadline(self) -> float | None:
        raise NotImplementedError
