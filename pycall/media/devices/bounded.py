"""Gives what may hang for ever, in a driver or a sound server, a limited time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

ResultT = TypeVar("ResultT")


def within(seconds: float, work: Callable[[], ResultT], name: str) -> ResultT:
    """What `work` gives or raises; `concurrent.futures.TimeoutError` if it takes longer.

    It is then left to a thread of its own, called `name`, which ends when it answers, or with the process.
    """
    result: Future[ResultT] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # nothing is swallowed: it is raised where the result is awaited
            result.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return result.result(seconds)
