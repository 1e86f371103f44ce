"""What a line shows of itself at any moment."""

from __future__ import annotations

from .call import CallState
from .line_state import LineState
from .types import CallId, MediaType, Role, RoomId, Scene, UserId
from .wire import MemberView


class LineFace:
    """Read-only properties of `Line`."""

    def __init__(self, own: LineState) -> None:
        self._own = own

    @property
    def user_id(self) -> UserId | None:
        """Who is signed in; None before the first welcome, after signing out and after being kicked."""
        return self._own.user_id

    @property
    def state(self) -> CallState | None:
        """Where our call stands; None: no call."""
        return None if self._own.call is None else self._own.call.state

    @property
    def call_id(self) -> CallId | None:
        """The call on the line; it changes once if both sides dialed each other."""
        return None if self._own.call is None else self._own.call.call_id

    @property
    def media(self) -> MediaType | None:
        """What the call carries."""
        return None if self._own.call is None else self._own.call.media

    @property
    def role(self) -> Role | None:
        """Which end of the call we are."""
        return None if self._own.call is None else self._own.call.role

    @property
    def members(self) -> tuple[MemberView, ...]:
        """Everybody in the call, we too, as far as known here."""
        return () if self._own.call is None else tuple(self._own.call.members.values())

    @property
    def began_at(self) -> float | None:
        """When media first arrived."""
        return None if self._own.call is None else self._own.call.began_at

    @property
    def audio_open(self) -> bool:
        """Our user wants the microphone open."""
        return self._own.audio_open

    @property
    def video_open(self) -> bool:
        """Our user wants the camera open."""
        return self._own.video_open

    @property
    def dropped(self) -> int:
        """How many messages and reports came too late, twice, or uncalled for."""
        return self._own.dropped

    @property
    def scene(self) -> Scene | None:
        """What kind of call it is."""
        return None if self._own.call is None else self._own.call.scene

    @property
    def room_id(self) -> RoomId | None:
        """The call's room; None also until the server has said which."""
        return None if self._own.call is None else self._own.call.room_id

    @property
    def chat_group_id(self) -> str:
        """The chat group the call belongs to; empty: none."""
        return "" if self._own.call is None else self._own.call.chat_group_id

    @property
    def several_devices(self) -> bool:
        """Our user wants to be signed in on several devices; to be said with every login."""
        return self._own.several_devices

    @property
    def self_info(self) -> tuple[str, str]:
        """Nickname and avatar as set here, empty if not; to be said with every login."""
        return self._own.nickname, self._own.avatar
