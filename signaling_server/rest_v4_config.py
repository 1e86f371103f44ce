"""REST v4, `call_config`: where callbacks go, and those that could not be delivered."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .apps import Scope
from .callbacks import Generation
from .outbox import DeadLetter
from .rest import Caller, Operation
from .rest_callbacks import IF_MATCH, Address, Commands, V4Command, deleting, set_target, tag_of, target_of
from .rest_errors import Fault
from .rest_v4_words import RATE, Empty, Named, Page

NO_CALLBACK = frozenset({Fault.NO_CALLBACK})
TAG = tag_of(Generation.V4)


class CallbackTarget(Named, frozen=True, kw_only=True):
    """Where callbacks go, and which."""

    url: Address
    callback_command_list: Annotated[tuple[V4Command, ...], Commands]


class Letter(Named, frozen=True, kw_only=True):
    """A callback that could not be delivered."""

    id: int
    generation: Literal["v1", "v4"]
    event_id: str
    command: str
    call_id: str
    body: str
    attempts: int
    error: str
    """Why the last attempt failed."""
    event_time: float
    """When it was written, in Unix seconds."""
    died_time: float
    """When it was given up."""


class Letters(Named, frozen=True, kw_only=True):
    """One page of them, the newest first."""

    total_num: int
    page: int
    letter_list: tuple[Letter, ...]


LetterId = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class LetterIds(Named, frozen=True, kw_only=True):
    """Some of them."""

    id_list: Annotated[tuple[LetterId, ...], Meta(min_length=1, max_length=100)]


class Resent(Named, frozen=True, kw_only=True):
    """Those of them that there were."""

    id_list: tuple[int, ...]


async def set_callback(caller: Caller, asked: CallbackTarget) -> None:
    """Sets the target, whatever was set before."""
    await set_target(caller, Generation.V4, asked.url, asked.callback_command_list)


async def get_callback(caller: Caller, _asked: Empty) -> CallbackTarget:
    """The target that is set."""
    target = target_of(caller, Generation.V4)
    return CallbackTarget(url=target.url, callback_command_list=target.commands)


async def get_dead_letters(caller: Caller, asked: Page) -> Letters:
    """Callbacks of both generations that could not be delivered."""
    total, letters = await caller.tenant.outbox.dead_letters(page=asked.page, per_page=asked.number_per_page)
    return Letters(total_num=total, page=asked.page, letter_list=tuple(_letter(letter) for letter in letters))


async def resend_dead_letters(caller: Caller, asked: LetterIds) -> Resent:
    """Sends them again; answers with those that there were."""
    return Resent(id_list=tuple(await caller.tenant.outbox.resend(asked.id_list, caller.now)))


def _letter(letter: DeadLetter) -> Letter:
    return Letter(
        id=letter.id,
        generation="v1" if letter.generation is Generation.V1 else "v4",
        event_id=letter.event_id,
        command=letter.command,
        call_id=letter.call_id,
        body=letter.body,
        attempts=letter.attempts,
        error=letter.error,
        event_time=letter.created_at,
        died_time=letter.died_at,
    )


OPERATIONS = (
    Operation(
        path="/v4/call_config/set_callback",
        summary="Set where callbacks go",
        request=CallbackTarget,
        response=None,
        scope=Scope.WRITE,
        rate=RATE,
        faults=IF_MATCH,
        run=set_callback,
        tag=TAG,
    ),
    Operation(
        path="/v4/call_config/get_callback",
        summary="Where callbacks go",
        request=Empty,
        response=CallbackTarget,
        scope=Scope.READ,
        rate=RATE,
        faults=NO_CALLBACK,
        run=get_callback,
        tag=TAG,
    ),
    Operation(
        path="/v4/call_config/delete_callback",
        summary="No callbacks any more",
        request=Empty,
        response=None,
        scope=Scope.WRITE,
        rate=RATE,
        faults=NO_CALLBACK | IF_MATCH,
        run=deleting(Generation.V4),
    ),
    Operation(
        path="/v4/call_config/get_dead_letters",
        summary="Callbacks that could not be delivered",
        request=Page,
        response=Letters,
        scope=Scope.READ,
        rate=RATE,
        run=get_dead_letters,
    ),
    Operation(
        path="/v4/call_config/resend_dead_letters",
        summary="Send callbacks again",
        request=LetterIds,
        response=Resent,
        scope=Scope.WRITE,
        rate=RATE,
        run=resend_dead_letters,
    ),
)
