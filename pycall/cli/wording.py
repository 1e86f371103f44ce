"""What the terminal is told: events as a sentence for people or an object for scripts, and complaints."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from pycall.core import events as ev
from pycall.core.errors import ErrorCode
from pycall.core.types import CallId, DeviceState, EndReason, MediaType, PeerQuality, UserId


@dataclass(frozen=True, slots=True)
class LoggedIn(ev.Event):
    """Signed in; calls can be made and will ring."""

    user_id: UserId
    server: str


@dataclass(frozen=True, slots=True)
class Calling(ev.Event):
    """The server has taken the call; their phone rings as soon as they are online."""

    call_id: CallId
    user_id: UserId
    media: MediaType


_REASONS: dict[EndReason, str] = {
    EndReason.HANGUP: "hung up",
    EndReason.CANCELED: "canceled",
    EndReason.REJECTED: "refused",
    EndReason.BUSY: "line busy",
    EndReason.NO_ANSWER: "no answer",
    EndReason.OFFLINE: "lost the connection to the server",
    EndReason.KICKED: "signed in elsewhere, or signed off by an administrator",
    EndReason.MEDIA_FAILED: "sound and picture did not get through",
    EndReason.MEDIA_LOST: "sound and picture were lost",
    EndReason.RECALLED: "dialed again",
    EndReason.OTHER_DEVICE_ACCEPTED: "answered on another device",
    EndReason.OTHER_DEVICE_REJECTED: "refused on another device",
    EndReason.ENDED_BY_SERVER: "ended by the server",
    EndReason.UNKNOWN: "the server no longer knows the call",
}


_DEVICE = {
    DeviceState.ADD: "was plugged in",
    DeviceState.REMOVE: "was pulled out",
    DeviceState.ACTIVE: "is in use now",
}


def _word(media: MediaType) -> str:
    return "video" if media.has_video else "voice"


def clock(seconds: float) -> str:
    """Minutes and seconds, as a phone shows them."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60:02}:{rest % 60:02}"


def _open(available: bool, thing: str) -> str:
    return f"{thing} on" if available else f"{thing} off"


def _ring_line(event: ev.Event) -> str | None:
    match event:
        case LoggedIn(user_id, server):
            return f"signed in as {user_id} at {server}"
        case Calling(_, user_id, media):
            return f"calling {user_id} ({_word(media)})"
        case ev.CallReceived():
            return _received_line(event)
        case ev.UserRinging(_, user_id):
            return f"{user_id}: it rings"
        case ev.UserRejected(_, user_id):
            return f"{user_id} refused"
        case ev.UserNoResponse(_, user_id):
            return f"{user_id} did not answer"
        case ev.UserLineBusy(_, user_id):
            return f"{user_id}: line busy"
        case ev.CallNotConnected(reason=reason, user_id=user_id):
            return f"no call: {_REASONS[reason]} ({user_id})"
    return None


def _received_line(event: ev.CallReceived) -> str:
    if event.inviter is not None:
        return f"{event.inviter} invites to a call of {event.caller} ({_word(event.media)})"
    whom = f" {', '.join(event.callees)}" if len(event.callees) > 1 else ""
    return f"{event.caller} calls{whom} ({_word(event.media)})"


_SETUP = {
    "secured": "connected after",
    "first_sound": "first heard after",
    "first_picture": "first seen after",
}
"""What a caller notices of the set-up, and in which words; all phases are in `--json`."""


def _quality_line(event: ev.Event) -> str | None:
    if not isinstance(event, ev.CallQuality):
        return None
    return "\n".join(_quality_of(user_id, quality) for user_id, quality in event.users.items()) or None


def _quality_of(user_id: UserId, quality: PeerQuality) -> str:
    """Their voice, their picture, and how long the set-up took, as far as there is anything to tell."""
    parts = []
    if quality.mos is not None and quality.delay is not None:
        parts.append(
            f"voice {quality.mos:.1f} of 4.4, {quality.concealed:.1%} made up, {quality.delay * 1000:.0f} ms behind"
        )
    if quality.size != (0, 0):
        width, height = quality.size
        parts.append(
            f"picture {width}x{height} at {quality.fps:.1f} fps, froze {quality.freezes} times ({quality.frozen:.1f} s)"
        )
    setup = [f"{words} {quality.setup[phase]:.1f} s" for phase, words in _SETUP.items() if phase in quality.setup]
    if setup:
        parts.append(", ".join(setup))
    return f"quality of {user_id}: " + ("; ".join(parts) or "nothing arrived")


def _call_line(event: ev.Event) -> str | None:
    match event:
        case ev.UserJoined(_, user_id):
            return f"{user_id} is in the call"
        case ev.UserInviting(_, inviter, user_id):
            return f"{inviter} invites {user_id}"
        case ev.UserInfoChanged(user_id, nickname):
            return f"{user_id} is called {nickname or user_id} now"
        case ev.CallBegan(media=media):
            return f"talking ({_word(media)})"
        case ev.UserAudioAvailable(user_id, available):
            return f"{user_id}: {_open(available, 'microphone')}"
        case ev.UserVideoAvailable(user_id, available):
            return f"{user_id}: {_open(available, 'camera')}"
        case ev.CallMediaChanged(new=new, user_id=user_id):
            return f"{user_id} switched to {_word(new)}"
        case ev.CallReconnecting():
            return "sound and picture are lost, reconnecting"
        case ev.CallReconnected():
            return "sound and picture are back"
        case ev.UserLeft(_, user_id, reason):
            return f"{user_id} left: {_REASONS[reason]}"
        case ev.CallEnded(reason=reason, user_id=user_id, duration=duration):
            return f"call ended after {clock(duration)}: {_REASONS[reason]} ({user_id})"
    return None


SIGNED_OFF = {
    ErrorCode.KICKED: "signed in elsewhere",
    ErrorCode.SIGNED_OFF: "signed off by an administrator",
    ErrorCode.BANNED: "banned by an administrator",
}


def _line_line(event: ev.Event) -> str | None:
    match event:
        case ev.SignalingLost():
            return "connection to the server lost, reconnecting; the call goes on"
        case ev.SignalingRestored():
            return "connection to the server is back"
        case ev.KickedOffline(code):
            return f"{SIGNED_OFF[code]}: this line is closed"
        case ev.UserSigExpired():
            return "the ticket is no longer good: make a new one with `pycall sig`"
        case ev.DevicesChanged(kind, device_id, state):
            return f"{kind.value} {device_id} {_DEVICE[state]}"
        case ev.RecordingEnded():
            return _recorded_line(event)
        case ev.ErrorOccurred(code, message):
            return f"{message} [{code.value}]"
    return None


def _recorded_line(event: ev.RecordingEnded) -> str:
    if not event.left_out:
        return f"recorded in {event.path}"
    came = event.pictures + event.left_out
    return f"recorded in {event.path}; {event.left_out} of {came} pictures are left out"


def sentence(event: ev.Event) -> str | None:
    """One line for people; None for what the status line shows anyway (levels, quality, rates)."""
    return _ring_line(event) or _call_line(event) or _quality_line(event) or _line_line(event)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def event_name(kind: type[ev.Event]) -> str:
    """`CallReceived` -> `call_received`: the stable name in `--json` output."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


def to_json(event: ev.Event) -> str:
    """One line of JSON: `event` names it, the rest are its fields."""
    body = {"event": event_name(type(event))}
    body.update({f.name: _plain(getattr(event, f.name)) for f in fields(event)})
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def complain(message: str, code: str, *, json_too: bool = False) -> None:
    """One line on stderr: what is wrong, what to do, the stable code; `json_too`: an object on stdout as well."""
    line = " ".join(message.split())
    sys.stderr.write(f"pycall: {line} [{code}]\n")
    sys.stderr.flush()
    if json_too:
        body = {"event": event_name(ev.ErrorOccurred), "code": code, "message": line}
        sys.stdout.write(json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n")
        sys.stdout.flush()
