"""Keeps a library from making the thread that calls it a real-time one.

SVT-AV1, where it may (as root), gives the thread that opens it the highest real-time priority, as it does its own, and
what that thread starts inherits it: a program that waits busily then stops the whole machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept() -> Iterator[None]:
    """This thread has afterwards the priority it had."""
    if sys.platform != "linux":  # elsewhere the library does not do it
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
