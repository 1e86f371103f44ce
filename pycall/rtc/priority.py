"""Keeps libraries from making this process a real-time one.

SVT-AV1, where it may (as root), gives its threads and the one that opens it the highest real-time priority, and what
those start inherits it: a program that waits busily then stops the whole machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TASKS = Path("/proc/self/task")


@contextmanager
def kept() -> Iterator[None]:
    """This thread has afterwards the priority it had, and threads that were started meanwhile have the same."""
    if sys.platform != "linux" or not _TASKS.is_dir():  # elsewhere the library does not do it
        yield
        return
    policy, parameters, before = os.sched_getscheduler(0), os.sched_getparam(0), _threads()
    try:
        yield
    finally:
        for thread in [0, *(_threads() - before)]:
            with suppress(ProcessLookupError):  # it has ended already
                os.sched_setscheduler(thread, policy, parameters)


def _threads() -> set[int]:
    return {int(task.name) for task in _TASKS.iterdir()}
