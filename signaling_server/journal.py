"""Changes to dictionaries that can be taken back, exactly, as long as it is not known that they were stored."""

from __future__ import annotations

from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_ABSENT = object()


class Journal:
    """Remembers what every change replaced. The values themselves are never changed, only replaced."""

    def __init__(self) -> None:
        self._open: list[tuple[dict[Any, Any], Any, Any]] = []
        self._handed_out: list[tuple[dict[Any, Any], Any, Any]] = []

    def put(self, book: dict[K, V], key: K, value: V) -> None:
        """`book[key] = value`."""
        self._open.append((book, key, book.get(key, _ABSENT)))
        book[key] = value

    def drop(self, book: dict[K, V], key: K) -> None:
        """Take `key` out, if it is there."""
        if key in book:
            self._open.append((book, key, book.pop(key)))

    def hand_out(self) -> None:
        """What was done since the last time is on its way to the store; what was on its way before has arrived."""
        self._handed_out, self._open = self._open, []

    def revert(self) -> None:
        """What was handed out last, and everything since, has not happened."""
        for book, key, old in reversed(self._handed_out + self._open):
            if old is _ABSENT:
                book.pop(key, None)
            else:
                book[key] = old
        self._handed_out, self._open = [], []
