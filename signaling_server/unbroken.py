"""Work that is not left in the middle: whoever is cancelled while it runs is cancelled when it is done.

A database driver that is cancelled inside a statement can leave its transaction open behind it, and with SQLite that
locks everybody out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_inside: ContextVar[bool] = ContextVar("unbroken", default=False)


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which runs to its end in any case; inside of other such work it just runs."""
    if _inside.get():
        return await work
    task = asyncio.create_task(_marked(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _ended(task)
        raise


def whole(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make all of an async function unbroken."""

    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await unbroken(function(*args, **kwargs))

    return run


async def _marked(work: Coroutine[Any, Any, T]) -> T:
    _inside.set(True)
    return await work


async def _ended(task: asyncio.Task[Any]) -> None:
    """Wait for it, however often that is cancelled; what it raises is of no interest to whoever is cancelled."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
    if not task.cancelled():
        task.exception()
