"""What a line wants done: small values that the driver carries out, in order."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import CallError
from .events import Event
from .types import CallId, MediaType, UserId
from .wire import ClientMessage, Signaled


@dataclass(frozen=True, slots=True)
class Send:
    """Put this on the wire. Only asked for while the link is up and the snapshot has been applied."""

    message: ClientMessage


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the user."""

    event: Event


@dataclass(frozen=True, slots=True)
class OpenPeer:
    """Begin a media connection to a member; it replaces one of a lower generation."""

    user_id: UserId
    generation: int
    offers: bool
    """We make the offer; otherwise theirs is awaited."""


@dataclass(frozen=True, slots=True)
class ClosePeer:
    """End the media connection to a member; nothing more is sent or played."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give this description or candidate to the media connection with its sender."""

    signaled: Signaled


@dataclass(frozen=True, slots=True)
class StartMedia:
    """Capture may begin. Comes again with the new media when a running call switches between voice and video.

    Whether microphone and camera are open is `Line.audio_open` and `Line.video_open`, to be read after every input.
    """

    media: MediaType


@dataclass(frozen=True, slots=True)
class StopMedia:
    """Capture and playback stop now."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """The verb that made this `req_id` is answered; comes exactly once for each."""

    req_id: int
    error: CallError | None
    call_id: CallId | None
    """The call it was about; for `dial` the call that came of it (another id than dialed if both dialed each other)."""
    users: tuple[UserId, ...] = ()
    """For `invite`: for whom it rings now."""


Output = Send | Emit | OpenPeer | ClosePeer | Deliver | StartMedia | StopMedia | Resolve
