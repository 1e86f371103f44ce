"""REST v1, `callback`: where callbacks go."""

from __future__ import annotations

from typing import Annotated

from .apps import Scope
from .callbacks import Generation, Target
from .rest import Caller, Operation
from .rest_callbacks import IF_MATCH, Address, Commands, V1Command, deleting, set_target, tag_of, target_of
from .rest_errors import Fault
from .rest_v1_words import Empty, Named

CALLBACK_RATE = 10


class CallbackTarget(Named, frozen=True, kw_only=True):
    """Where callbacks go, and which."""

    address: Address
    actions: Annotated[tuple[V1Command, ...], Commands]


async def set_callback(caller: Caller, asked: CallbackTarget) -> CallbackTarget:
    """Sets the target, whatever was set before."""
    return _told(await set_target(caller, Generation.V1, asked.address, asked.actions))


async def update_callback(caller: Caller, asked: CallbackTarget) -> CallbackTarget:
    """Changes the target that is set."""
    return _told(await set_target(caller, Generation.V1, asked.address, asked.actions, again=True))


async def get_callback(caller: Caller, _asked: Empty) -> CallbackTarget:
    """The target that is set."""
    return _told(target_of(caller, Generation.V1))


def _told(target: Target) -> CallbackTarget:
    return CallbackTarget(address=target.url, actions=target.commands)


NO_CALLBACK = frozenset({Fault.NO_CALLBACK})
TAG = tag_of(Generation.V1)


OPERATIONS = (
    Operation(
        path="/v1/callback/set",
        summary="Set where callbacks go",
        request=CallbackTarget,
        response=CallbackTarget,
        scope=Scope.WRITE,
        rate=CALLBACK_RATE,
        faults=IF_MATCH,
        run=set_callback,
        tag=TAG,
    ),
    Operation(
        path="/v1/callback/get",
        summary="Where callbacks go",
        request=Empty,
        response=CallbackTarget,
        scope=Scope.READ,
        rate=CALLBACK_RATE,
        faults=NO_CALLBACK,
        run=get_callback,
        tag=TAG,
    ),
    Operation(
        path="/v1/callback/update",
        summary="Change where callbacks go",
        request=CallbackTarget,
        response=CallbackTarget,
        scope=Scope.WRITE,
        rate=CALLBACK_RATE,
        faults=NO_CALLBACK | IF_MATCH,
        run=update_callback,
        tag=TAG,
    ),
    Operation(
        path="/v1/callback/delete",
        summary="No callbacks any more",
        request=Empty,
        response=None,
        scope=Scope.WRITE,
        rate=CALLBACK_RATE,
        faults=NO_CALLBACK | IF_MATCH,
        run=deleting(Generation.V1),
    ),
)
