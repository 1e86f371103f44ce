"""Where callbacks go: for each app one target per generation of the interface, and the commands it wants.

    v1   commands like `caller_start_call`; changed with set, get, update and delete
    v4   `Call.CallbackAfterStartCall`, `…MemberChanged`, `…EndCall`; changed with set, get and delete

What is set here holds for everything that happens afterwards. What waits in the outbox is sent to the target of that
moment; it is dropped if the target is deleted, or does not want that command any more.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable
from enum import IntEnum
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from pycall.core.errors import ErrorCode, PyCallError

from .guard import refusal_of
from .store import Store
from .tables import outbox, targets

MAX_URL = 2048
V1_COMMANDS = frozenset({
    "not_answer", "reject", "call_busy", "cancel", "normal_end", "interrupt",
    "caller_start_call", "caller_call_accepted", "caller_call_missed", "caller_call_rejected", "caller_call_busy",
    "caller_cancel_call", "caller_call_failed", "caller_call_end", "caller_call_interrupted",
    "callee_receive_call", "callee_accept_call", "callee_not_answer_call", "callee_reject_call",
    "callee_ignore_call", "callee_call_canceled", "callee_call_end", "callee_call_interrupted",
    "invite_user", "join_in_group_call",
})  # fmt: skip
START_CALL = "Call.CallbackAfterStartCall"
MEMBER_CHANGED = "Call.CallbackAfterMemberChanged"
END_CALL = "Call.CallbackAfterEndCall"
V4_COMMANDS = frozenset({START_CALL, MEMBER_CHANGED, END_CALL})


class Generation(IntEnum):
    """Of the documented interface; the two do not overlap."""

    V1 = 1
    V4 = 4

    @property
    def commands(self) -> frozenset[str]:
        """Everything that can be wanted."""
        return V1_COMMANDS if self is Generation.V1 else V4_COMMANDS


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where one generation's callbacks go."""

    url: str
    commands: tuple[str, ...]
    """In the order in which they were given, each once."""
    disabled: str = ""
    """Why nothing is sent there any more (it answered 410), until it is set again; empty: it is in use."""
    failing_since: float | None = None
    """Since when nothing was taken there, in Unix seconds."""

    @property
    def shown_url(self) -> str:
        """For those who may not change it: what behind the path may be a token is hidden."""
        return re.sub(r"(?<=[?#]).+", "***", self.url)

    @property
    def tag(self) -> str:
        """Another one whenever anything is changed; for those who change what they have read."""
        settings = [self.url, self.commands, self.disabled]
        return hashlib.sha256(msgspec.json.encode(settings)).hexdigest()[:32]


class CallbackError(PyCallError):
    """This cannot be a target (BAD_ARGUMENT)."""


class Changed(CallbackError):
    """It is not what it was when it was read (WRONG_STATE)."""


class NoTarget(CallbackError):
    """There is none to be changed (WRONG_STATE)."""


class Callbacks:
    """The targets of one app, in memory as in the database; what is written raises StoreError if it fails."""

    def __init__(self, store: Store, *, allow_private: bool = False) -> None:
        self._store = store
        self._allow_private = allow_private
        self._targets: dict[Generation, Target] = {}
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read what was set before; once, at the start."""
        query = sa.select(targets).where(targets.c.app_id == self._store.app_id)
        async with self._store.database.reading() as connection:
            for row in await connection.execute(query):
                self._targets[Generation(row.generation)] = Target(
                    url=row.url, commands=tuple(row.commands), disabled=row.disabled, failing_since=row.failing_since
                )

    def get(self, generation: Generation) -> Target | None:
        """The target, if one is set."""
        return self._targets.get(generation)

    def wants(self, generation: Generation, command: str) -> bool:
        """Whether that command is to be sent at all."""
        target = self._targets.get(generation)
        return target is not None and not target.disabled and command in target.commands

    async def set(
        self, generation: Generation, url: str, commands: Iterable[str], *, again: bool = False, tag: str | None = None
    ) -> Target:
        """Make this the target, whatever was set before; raises CallbackError for what can never work.

        With `again` there must be one already, else it raises NoTarget; with the `tag` of what was read it raises
        Changed if another has been set since.
        """
        target = Target(url=url, commands=self._checked(generation, commands))
        problem = check_url(url, allow_private=self._allow_private)
        if problem is not None:
            raise CallbackError(ErrorCode.BAD_ARGUMENT, problem)
        async with self._changing:
            self._require(generation, again, tag)
            await self._write(generation, target)
        return target

    async def delete(self, generation: Generation, *, tag: str | None = None) -> None:
        """No callbacks of this generation any more; what waits for it is dropped, dead letters stay."""
        async with self._changing:
            self._require(generation, True, tag)
            async with self._store.database.writing() as connection:
                await connection.execute(sa.delete(targets).where(*self._own(targets, generation)))
                waiting = (*self._own(outbox, generation), outbox.c.died_at.is_(None))
                await connection.execute(sa.delete(outbox).where(*waiting))
            self._targets.pop(generation, None)

    async def disable(self, generation: Generation, why: str) -> None:
        """Send nothing there until it is set again; its callbacks become dead letters."""
        async with self._changing:
            target = self._targets.get(generation)
            if target is not None:
                await self._write(generation, msgspec.structs.replace(target, disabled=why[:200]))

    async def note_failing(self, generation: Generation, url: str, since: float | None) -> None:
        """Keep since when nothing was taken there (None: something was), if this is still the target's address."""
        async with self._changing:
            target = self._targets.get(generation)
            if target is not None and target.url == url and target.failing_since != since:
                await self._write(generation, msgspec.structs.replace(target, failing_since=since))

    def _require(self, generation: Generation, there: bool, tag: str | None) -> None:
        target = self._targets.get(generation)
        if there and target is None:
            raise NoTarget(ErrorCode.WRONG_STATE, "no callback is configured; set one first")
        if tag is not None and (target is None or tag not in {"*", target.tag}):
            raise Changed(ErrorCode.WRONG_STATE, "the callback was changed by somebody else; read it again")

    def _checked(self, generation: Generation, commands: Iterable[str]) -> tuple[str, ...]:
        wanted = tuple(dict.fromkeys(commands))
        unknown = next((command for command in wanted if command not in generation.commands), None)
        if unknown is not None:
            raise CallbackError(ErrorCode.BAD_ARGUMENT, f"there is no callback command {unknown[:60]!r}")
        return wanted

    async def _write(self, generation: Generation, target: Target) -> None:
        row = {**msgspec.structs.asdict(target), "commands": list(target.commands)}
        keys = {"app_id": self._store.app_id, "generation": generation.value}
        async with self._store.database.writing() as connection:
            await connection.execute(sa.delete(targets).where(*self._own(targets, generation)))
            await connection.execute(sa.insert(targets).values(**keys, **row))
        self._targets[generation] = target

    def _own(self, table: sa.Table, generation: Generation) -> tuple[sa.ColumnElement[bool], ...]:
        return table.c.app_id == self._store.app_id, table.c.generation == generation.value


def check_url(url: str, *, allow_private: bool) -> str | None:
    """What is wrong with the URL of a target, as far as its text tells; None: nothing.

    Where it leads is checked again each time something is sent, at the address that is dialed.
    """
    if len(url) > MAX_URL or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        return f"the address must be an ASCII URL of at most {MAX_URL} characters without spaces"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "the address is no URL"
    if parts.scheme not in {"http", "https"} or not url.startswith(("http://", "https://")):
        return "the address must begin with http:// or https://"
    if parts.username is not None or parts.password is not None:
        return "the address must not hold a user name or password"
    if not host or port == 0:
        return "the address has no host, or port 0"
    return None if allow_private else refusal_of(host)
