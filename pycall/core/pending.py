"""Verbs whose answer is still to come: each is resolved exactly once, whatever becomes of link and call."""

from __future__ import annotations

from typing import TypeVar

from .errors import CallError
from .outputs import Output, Resolve
from .types import CallId, UserId
from .wire import Command

C = TypeVar("C", bound=Command)


class Pending:
    """Commands made for a verb, by request number, in the order they were made."""

    def __init__(self, outputs: list[Output]) -> None:
        self._outputs = outputs
        self._commands: dict[int, Command] = {}
        self._last = 0

    def next_id(self) -> int:
        """A request number never used before on this line."""
        self._last += 1
        return self._last

    def add(self, command: Command) -> int:
        """Somebody waits for the answer to this."""
        self._commands[command.req_id] = command
        return command.req_id

    def find(self, kind: type[C]) -> C | None:
        """The oldest open command of this kind."""
        return next((command for command in self._commands.values() if isinstance(command, kind)), None)

    def get(self, req_id: int) -> Command | None:
        """The open command with this number."""
        return self._commands.get(req_id)

    def all(self) -> list[Command]:
        """Every open command, oldest first."""
        return list(self._commands.values())

    def resolve(
        self, req_id: int, error: CallError | None, call_id: CallId | None, users: tuple[UserId, ...] = ()
    ) -> None:
        """Answer one, if it is still open."""
        if self._commands.pop(req_id, None) is not None:
            self._outputs.append(Resolve(req_id, error, call_id, users))
