"""What an application may hand to a CallEngine: checked before anything is sent or opened, one clear line each."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TypeVar

from pycall.core.errors import CallError, ConfigError, ErrorCode, LoginError
from pycall.core.events import Event
from pycall.core.types import (
    MAX_CALLEES,
    MAX_INFO_BYTES,
    MAX_RING_SECONDS,
    MAX_ROOM_BYTES,
    MAX_ROOM_NUMBER,
    MAX_USER_DATA_BYTES,
    AudioPlaybackDevice,
    DeviceKind,
    MediaType,
    UserId,
    VideoProfile,
    is_call_id,
    is_group_id,
    is_info,
    is_room_id,
    is_user_id,
)
from pycall.media.profiles import profile, upright
from pycall.media.sink import VideoSink, is_plain_function
from pycall.media.views import ViewSpec

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
V = TypeVar("V", bound=Event)
MAX_SIG_CHARACTERS = 4096
"""A real ticket has about 200."""
MAX_SHOWN = 60


def shown(value: object) -> str:
    """What was given, for a message of one line: its first 60 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def check_login(user_id: object, user_sig: object) -> None:
    """Raises `LoginError`."""
    if not is_user_id(user_id):
        raise LoginError(ErrorCode.BAD_ARGUMENT, f"{shown(user_id)} is no user id: 1 to 32 of A-Z a-z 0-9 _ -")
    if not isinstance(user_sig, str) or not user_sig.isascii() or not 0 < len(user_sig) <= MAX_SIG_CHARACTERS:
        raise LoginError(ErrorCode.SIG_MALFORMED, "this is no UserSig; make one with `pycall sig` or make_user_sig()")


def checked_event_types(wanted: type[V] | tuple[type[V], ...]) -> tuple[type[V], ...]:
    """One class of events or several, as a tuple."""
    types = wanted if isinstance(wanted, tuple) else (wanted,)
    for one in types or (None,):
        if not (isinstance(one, type) and issubclass(one, Event)):
            raise _bad(f"{shown(one)} is no event type: use a class such as pycall.CallReceived, without quotes")
    return types


def check_listener(event_type: type[Event], listener: object) -> None:
    """A class of events, and something that can be called."""
    checked_event_types(event_type)
    if isinstance(event_type, tuple):
        raise _bad("listen to one event type at a time, or to Event for all")
    if not callable(listener):
        raise _bad(f"the listener for {event_type.__name__} cannot be called: {shown(listener)}")


def check_wait(timeout: object) -> None:
    """Seconds, or None for ever."""
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout != timeout
    ):
        raise _bad(f"timeout must be seconds or None, not {shown(timeout)}")


def checked_callees(callees: UserId | Iterable[UserId], caller: UserId | None) -> tuple[UserId, ...]:
    """One id or several, as a tuple: each a valid id, taken once, the caller's own left out."""
    wanted = (callees,) if isinstance(callees, str) or not isinstance(callees, Iterable) else tuple(callees)
    for callee in wanted:
        if not is_user_id(callee):
            raise _bad(f"{shown(callee)} is no user id: 1 to 32 of A-Z a-z 0-9 _ -")
    others = tuple(user for user in dict.fromkeys(wanted) if user != caller)
    if wanted and not others:
        raise _bad("you cannot call yourself")
    if not 1 <= len(others) <= MAX_CALLEES:
        raise _bad(f"a call needs 1 to {MAX_CALLEES} callees, not {len(others)}")
    return others


def checked_media(media: object) -> MediaType:
    """`MediaType` or its value."""
    try:
        return MediaType(media)
    except ValueError:
        raise _bad(f"{shown(media)} is no media type; use MediaType.AUDIO or MediaType.VIDEO") from None


def check_ring(timeout: object) -> None:
    """Whole seconds, 0 (for ever) to a day."""
    if type(timeout) is not int or not 0 <= timeout <= MAX_RING_SECONDS:
        raise _bad(f"timeout must be whole seconds from 0 (for ever) to {MAX_RING_SECONDS}, not {shown(timeout)}")


def check_user_data(user_data: object) -> None:
    """A string of at most 4 KiB in UTF-8."""
    if not isinstance(user_data, str):
        raise _bad(f"user_data must be a string, not {type(user_data).__name__}")
    try:
        size = len(user_data.encode("utf-8"))
    except UnicodeEncodeError:
        raise _bad("user_data holds half a surrogate pair and cannot be sent as UTF-8") from None
    if size > MAX_USER_DATA_BYTES:
        raise _bad(f"user_data has {size} bytes; {MAX_USER_DATA_BYTES} at most")


def check_room(room_id: object) -> None:
    """A number from 1 to 2147483647, or a name of 1 to 64 characters."""
    if not is_room_id(room_id):
        raise _bad(
            f"{shown(room_id)} is no room id: 1 to {MAX_ROOM_NUMBER}, or a name of 1 to {MAX_ROOM_BYTES} characters"
        )


def check_group(group_id: object) -> None:
    """1 to 64 visible ASCII characters."""
    if not is_group_id(group_id):
        raise _bad(f"{shown(group_id)} is no group id: 1 to 64 visible characters")


def check_call_id(call_id: object) -> None:
    """32 lower-case hex digits."""
    if not is_call_id(call_id):
        raise _bad(f"{shown(call_id)} is no call id: take it from the one who called, or from CallReceived")


def check_info(text: object, what: str) -> None:
    """A string without control characters, of at most 500 bytes in UTF-8."""
    if not is_info(text):
        raise _bad(f"{what} must be a string of at most {MAX_INFO_BYTES} bytes without control characters")


def check_flag(flag: object, what: str) -> None:
    """True or False, nothing that merely counts as such."""
    if not isinstance(flag, bool):
        raise _bad(f"{what} must be True or False, not {shown(flag)}")


def checked_profile(name: object, *, portrait: bool = False) -> VideoProfile:
    """Raises `CallError` for a name that is no profile."""
    try:
        found = profile(name if isinstance(name, str) else shown(name))
    except ConfigError as error:
        raise _bad(str(error)) from None
    return upright(found) if portrait else found


def checked_user(user_id: object) -> UserId:
    """A valid user id."""
    if not is_user_id(user_id):
        raise _bad(f"{shown(user_id)} is no user id: 1 to 32 of A-Z a-z 0-9 _ -")
    return str(user_id)


def checked_choice(what: str, value: object, choices: tuple[T, ...]) -> T:
    """One of these, of the same type (True is no 1)."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    raise _bad(f"{what} must be {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}, not {shown(value)}")


def checked_bool(what: str, value: object) -> bool:
    """True or False, nothing that merely counts as one."""
    return checked_choice(what, value, (False, True))


def checked_device_kind(kind: object) -> DeviceKind:
    """`DeviceKind` or its value."""
    return _value(DeviceKind, kind)


def checked_playback(device: object) -> AudioPlaybackDevice:
    """`AudioPlaybackDevice` or its value."""
    return _value(AudioPlaybackDevice, device)


def _value(kind: type[E], value: object) -> E:
    try:
        return kind(value)
    except ValueError:
        names = " or ".join(repr(one.value) for one in kind)
        raise _bad(f"{shown(value)} must be {names}") from None


def checked_text(what: str, value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise _bad(f"{what} must be a string, not {type(value).__name__}")
    return value


def checked_level(what: str, value: object, most: float) -> float:
    """A number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise _bad(f"{what} must be 0 to {most:g}, not {shown(value)}")
    return float(value)


def checked_view(showing: object, size: object) -> ViewSpec:
    """A view and its size: (width, height) in pixels, 16 to 4096 each, or None."""
    if isinstance(showing, type) or not (isinstance(showing, str | VideoSink) or is_plain_function(showing)):
        given = showing.__name__ if isinstance(showing, type) else shown(showing)
        raise _bad(f"a view is the name of a sink, a sink or a plain function, not {given}")
    if size is None:
        return ViewSpec(showing)
    if not (isinstance(size, tuple | list) and len(size) == 2 and all(_is_side(side) for side in size)):
        raise _bad(f"size must be (width, height) in pixels, 16 to 4096, not {shown(size)}")
    return ViewSpec(showing, (size[0] // 2 * 2, size[1] // 2 * 2))


def _is_side(side: object) -> bool:
    return type(side) is int and 16 <= side <= 4096


def _bad(message: str) -> CallError:
    return CallError(ErrorCode.BAD_ARGUMENT, message)
