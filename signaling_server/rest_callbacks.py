"""What REST does with callbacks, the same for both generations: targets, and letters that could not be delivered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from .callbacks import V1_COMMANDS, V4_COMMANDS, CallbackError, Changed, Generation, NoTarget, Target
from .rest import Caller
from .rest_errors import Fault, RestError

Address = Annotated[str, Meta(min_length=8, max_length=2048, extra_json_schema={"format": "uri"})]
V1Command = Annotated[str, Meta(max_length=64, extra_json_schema={"enum": sorted(V1_COMMANDS)})]
V4Command = Annotated[str, Meta(max_length=64, extra_json_schema={"enum": sorted(V4_COMMANDS)})]
Commands = Meta(max_length=64)
IF_MATCH = frozenset({Fault.CHANGED})
"""Of operations that look at `If-Match`."""


def shown_to(caller: Caller, generation: Generation) -> Target | None:
    """The target, if one is set; who may not change it does not see what may be a token in its address."""
    target = caller.tenant.callbacks.get(generation)
    return target if target is None or caller.writes else replace(target, url=target.shown_url)


def target_of(caller: Caller, generation: Generation) -> Target:
    """The same; raises RestError (NO_CALLBACK) if none is set."""
    target = shown_to(caller, generation)
    if target is None:
        raise _none()
    return target


def tag_of(generation: Generation) -> Callable[[Caller], str | None]:
    """The tag of the target that is set, for whoever asks."""

    def tag(caller: Caller) -> str | None:
        target = shown_to(caller, generation)
        return None if target is None else target.tag

    return tag


async def set_target(
    caller: Caller, generation: Generation, url: str, commands: tuple[str, ...], *, again: bool = False
) -> Target:
    """With `again` there must be one already. Raises RestError (PARAMETER, NO_CALLBACK, CHANGED)."""
    callbacks = caller.tenant.callbacks
    try:
        return await callbacks.set(generation, url, commands, again=again, tag=caller.if_match)
    except CallbackError as error:
        raise _refused(error) from error


def deleting(generation: Generation) -> Callable[[Caller, object], Awaitable[None]]:
    """No callbacks of this generation any more; raises RestError (NO_CALLBACK, CHANGED)."""

    async def delete_callback(caller: Caller, _asked: object) -> None:
        try:
            await caller.tenant.callbacks.delete(generation, tag=caller.if_match)
        except CallbackError as error:
            raise _refused(error) from error

    return delete_callback


def _refused(error: CallbackError) -> RestError:
    match error:
        case NoTarget():
            return _none()
        case Changed():
            return RestError(Fault.CHANGED, error.message)
        case _:
            return RestError(Fault.PARAMETER, error.message[:200])


def _none() -> RestError:
    return RestError(Fault.NO_CALLBACK, "no callback is configured; set one first")
