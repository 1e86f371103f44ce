"""What REST does with callbacks, the same for both generations: targets, and letters that could not be delivered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .callbacks import V1_COMMANDS, V4_COMMANDS, CallbackError, Generation, NoTarget, Target
from .rest import Caller
from .rest_errors import Fault, RestError

Address = Annotated[str, Meta(min_length=8, max_length=2048, extra_json_schema={"format": "uri"})]
V1Command = Annotated[str, Meta(max_length=64, extra_json_schema={"enum": sorted(V1_COMMANDS)})]
V4Command = Annotated[str, Meta(max_length=64, extra_json_schema={"enum": sorted(V4_COMMANDS)})]
Commands = Meta(max_length=64)


def target_of(caller: Caller, generation: Generation) -> Target:
    """Raises RestError (NO_CALLBACK) if none is set."""
    target = caller.tenant.callbacks.get(generation)
    if target is None:
        raise _none()
    return target


async def set_target(
    caller: Caller, generation: Generation, url: str, commands: tuple[str, ...], *, again: bool = False
) -> Target:
    """With `again` there must be one already. Raises RestError (PARAMETER, NO_CALLBACK)."""
    callbacks = caller.tenant.callbacks
    try:
        return await (callbacks.update if again else callbacks.set)(generation, url, commands)
    except NoTarget as error:
        raise _none() from error
    except CallbackError as error:
        raise RestError(Fault.PARAMETER, error.message[:200]) from error


async def delete_target(caller: Caller, generation: Generation) -> None:
    """Raises RestError (NO_CALLBACK) if none is set."""
    try:
        await caller.tenant.callbacks.delete(generation)
    except NoTarget as error:
        raise _none() from error


def _none() -> RestError:
    return RestError(Fault.NO_CALLBACK, "no callback is configured; set one first")
