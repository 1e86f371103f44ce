"""Keeps a process from growing from call to call, where glibc allocates its memory."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from functools import cache

_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's malloc.h."""
ARENAS = 1
"""glibc gives each new thread one of 8 arenas per processor, and keeps in it what was freed. Each call has threads of
its own, with pictures of a megabyte: over a hundred calls an end grew to 180 MB, with one arena it stays at 115. It
costs no time: Python runs one thread at a time, and codecs allocate little while they run."""


@cache
def hold_together() -> None:
    """One arena from now on, unless whoever started the process has chosen. To be called before there are threads: what
    they were given already stays."""
    library = _glibc()
    if library is not None and "MALLOC_ARENA_MAX" not in os.environ:
        library.mallopt(_ARENA_MAX, ARENAS)


def give_back() -> None:
    """What a call has left behind, to Python and to the system; takes some milliseconds.

    A call's objects refer to each other, so only Python's collector frees them, and it does not know that a megabyte
    hangs on each two hundred. Most are young; to look at the old ones as well would stop everything for 0.1 s.
    """
    if gc.isenabled():
        gc.collect(1)
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """None where another C library allocates: they give back by themselves."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None
