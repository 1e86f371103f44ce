"""What a documented verb was given: a dictionary, keywords, or arguments in native order, read by documented names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from pycall.compat.codes import TUICallError, TUIErrorCode
from pycall.compat.enums import TUICallType
from pycall.compat.payload import folded
from pycall.compat.structs import CallParams, RoomId, options_of
from pycall.core.types import MediaType

N = TypeVar("N", bound=IntEnum)

MAX_ROOM = 2**31 - 1
UNUSED = frozenset(
    folded(name)
    for name in ["offlinePushInfo", "cloudRecordPolicy", "isEphemeralCall", "assetsPath", "tim", "isDisablePush"]
)
"""Documented options that mean nothing here: there is no push, no cloud recorder and no Chat SDK."""
REQUIRED: Any = object()


class Given:
    """Values by documented name. Each reader raises the documented error (-1202 with an inner code)."""

    def __init__(self, verb: str, values: dict[str, Any]) -> None:
        self.verb = verb
        self._values = values

    def has(self, name: str) -> bool:
        """It was given, and is not None."""
        return self._values.get(folded(name)) is not None

    def any(self, name: str, default: Any = REQUIRED) -> Any:
        """The value as it is."""
        value = self._values.get(folded(name))
        if value is not None:
            return value
        if default is REQUIRED:
            raise self.wrong(TUIErrorCode.PARAM_REQUIRED, f"{name} is missing")
        return default

    def text(self, name: str, default: Any = REQUIRED) -> str:
        """A string; an empty one only where that is the default."""
        value = self.any(name, default)
        if not isinstance(value, str):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, f"{name} must be a string, not {type(value).__name__}")
        if not value and default is REQUIRED:
            raise self.wrong(TUIErrorCode.PARAM_EMPTY, f"{name} is empty")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings, without what is None; not empty."""
        value = self.any(name)
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, f"{name} must be a list of strings")
        found = [entry for entry in value if entry is not None]
        if not all(isinstance(entry, str) for entry in found):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, f"{name} must hold strings only")
        if not found:
            raise self.wrong(TUIErrorCode.PARAM_EMPTY, f"{name} is empty")
        return found

    def others(self, users: Iterable[str], own: str) -> tuple[str, ...]:
        """Each once, without oneself."""
        found = tuple(user for user in dict.fromkeys(users) if user != own)
        if not found:
            raise self.wrong(TUIErrorCode.PARAM_EMPTY, "there is nobody but yourself")
        return found

    def flag(self, name: str, default: Any = REQUIRED) -> bool:
        """True or False."""
        value = self.any(name, default)
        if not isinstance(value, bool):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, f"{name} must be True or False")
        return value

    def number(self, name: str, low: float, high: float, default: Any = REQUIRED) -> float:
        """A number within bounds."""
        value = self.any(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, f"{name} must be a number")
        if not low <= value <= high:
            raise self.wrong(TUIErrorCode.PARAM_RANGE, f"{name} must be {low:g} to {high:g}")
        return value

    def whole(self, name: str, low: int, high: int, default: Any = REQUIRED) -> int:
        """A whole number within bounds."""
        value = self.number(name, low, high, default)
        if not isinstance(value, int):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, f"{name} must be a whole number")
        return int(value)

    def one_of(self, name: str, kind: type[N], default: Any = REQUIRED) -> N:
        """A member of an enumeration, or its number."""
        value = self.any(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, f"{name} must be one of {_listed(kind)}")
        try:
            return kind(value)
        except ValueError:
            raise self.wrong(TUIErrorCode.PARAM_RANGE, f"{name} must be one of {_listed(kind)}") from None

    def media(self, name: str = "type") -> MediaType:
        """1 voice or 2 video."""
        wanted = self.one_of(name, TUICallType)
        if wanted is TUICallType.UNKNOWN:
            raise self.wrong(TUIErrorCode.PARAM_RANGE, f"{name} must be 1 (voice) or 2 (video)")
        return wanted.media

    def room(self) -> int | str | None:
        """The room's number or name; None: the engine chooses. A number beats a name."""
        value = self.any("roomID", 0)
        if isinstance(value, Mapping):  # as payloads have it
            value = value.get("intRoomId") or value.get("strRoomId") or 0
        if isinstance(value, RoomId):
            value = value.chosen or 0
        if isinstance(value, str) and value:
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(TUIErrorCode.PARAM_TYPE, "roomID must be a whole number; strRoomID takes a name")
        if not 0 <= value <= MAX_ROOM:
            raise self.wrong(TUIErrorCode.PARAM_RANGE, f"roomID must be 1 to {MAX_ROOM}")
        return value or self.text("strRoomID", "") or None

    def refused(self, problem: str) -> TUICallError:
        """The error for a verb that cannot be done now."""
        return TUICallError(TUIErrorCode.REQUEST_REFUSED, f"{self.verb}: {problem}")

    def wrong(self, inner: TUIErrorCode, problem: str) -> TUICallError:
        """The error for a bad argument."""
        return TUICallError(TUIErrorCode.PARAM_INVALID, f"{self.verb}: {problem}", inner)


def read(verb: str, order: tuple[str, ...], args: tuple[Any, ...], named: Mapping[str, Any]) -> Given:
    """Sort what came by documented name; `order` is the native order and, with it, all names there are.

    Raises `TUICallError` for an argument too many and for a name that no document has.
    """
    given = Given(verb, {})
    collected: dict[str, Any] = {}
    options = options_of(args[0]) if len(args) == 1 else None
    if options is not None:
        args = ()
    if len(args) > len(order):
        raise given.wrong(TUIErrorCode.PARAM_RANGE, f"takes {len(order)} arguments, not {len(args)}")
    known = {folded(name) for name in order} | UNUSED | _NESTED
    for name, value in [*zip(order, args, strict=False), *(options or {}).items(), *named.items()]:
        inner = options_of(value) if folded(name) in _NESTED else None
        if inner is None:
            collected[folded(name)] = value
            continue
        for field, entry in inner.items():  # what the verb itself was given counts more
            collected.setdefault(folded(field), entry)
        if isinstance(value, CallParams):  # the same object for all verbs: some have no use for a room or a group
            known |= {folded(field) for field in inner}
    for name in collected:
        if name not in known:
            raise given.wrong(TUIErrorCode.PARAM_INVALID, f"no option is called {name}; there are {', '.join(order)}")
    return Given(verb, collected)


_NESTED = {folded(name) for name in ["params", "options", "filter"]}
"""Arguments whose fields count as arguments of their own."""


def _listed(kind: type[IntEnum]) -> str:
    return ", ".join(f"{int(one)} ({one.name})" for one in kind)


Reader = Callable[[Given], Any]
