"""The eight states of the calling component, and the moves between them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from pycall.core.types import MediaType


class STATUS(StrEnum):
    """What the component shows.

    idle ──► dialing-c2c, dialing-group ──► calling-c2c-audio, calling-c2c-video
         └─► be-invited                 └─► calling-group-audio, calling-group-video ──► idle
    """

    IDLE = "idle"
    BE_INVITED = "be-invited"
    DIALING_C2C = "dialing-c2c"
    DIALING_GROUP = "dialing-group"
    CALLING_C2C_AUDIO = "calling-c2c-audio"
    CALLING_C2C_VIDEO = "calling-c2c-video"
    CALLING_GROUP_AUDIO = "calling-group-audio"
    CALLING_GROUP_VIDEO = "calling-group-video"


_CALLING = {
    (False, MediaType.AUDIO): STATUS.CALLING_C2C_AUDIO,
    (False, MediaType.VIDEO): STATUS.CALLING_C2C_VIDEO,
    (True, MediaType.AUDIO): STATUS.CALLING_GROUP_AUDIO,
    (True, MediaType.VIDEO): STATUS.CALLING_GROUP_VIDEO,
}


class KitStatus:
    """Where the component stands; `changed(old, new)` is called for each real change."""

    def __init__(self, changed: Callable[[STATUS, STATUS], None]) -> None:
        self.now = STATUS.IDLE
        self._changed = changed

    @property
    def calling(self) -> bool:
        """The conversation runs."""
        return self.now in _CALLING.values()

    def dials(self, *, group: bool) -> None:
        """Our user calls."""
        self._move(STATUS.DIALING_GROUP if group else STATUS.DIALING_C2C)

    def is_invited(self) -> None:
        """Somebody calls."""
        self._move(STATUS.BE_INVITED)

    def talks(self, media: MediaType, *, group: bool) -> None:
        """The conversation begins, switches between voice and video, or becomes one of a group."""
        self._move(_CALLING[group, media])

    def ends(self) -> None:
        """It is over, however."""
        self._move(STATUS.IDLE)

    def _move(self, new: STATUS) -> None:
        old, self.now = self.now, new
        if old is not new:
            self._changed(old, new)
