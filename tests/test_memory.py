"""What keeps a process from growing from call to call: one arena of glibc's, and what was freed is given back."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import subprocess
import sys
import weakref

import pytest

from pycall import memory

pytestmark = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another C library allocates")

PROGRAM = """
import ctypes, os, sys, threading
from pycall import memory

if "hold" in sys.argv:
    memory.hold_together()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
blocks, here = [], threading.Barrier(8)

def work():
    here.wait()
    blocks.extend(libc.malloc(100_000) for _ in range(100))
    here.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for block in blocks: ctypes.memset(block, 1, 100_000)
print("held", open("/proc/self/statm").read().split()[1], flush=True)
for block in blocks[:-1]: libc.free(block)
memory.give_back()
print("given", open("/proc/self/statm").read().split()[1], flush=True)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""


def told(*arguments: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env={**os.environ, **environment}, capture_output=True, text=True,
        check=True, timeout=30,
    ).stdout  # fmt: skip


def arenas(text: str) -> int:
    return len(re.findall("<heap nr=", text))


def test_threads_share_one_arena() -> None:
    assert arenas(told("hold")) == 1 < arenas(told())


def test_who_started_the_process_chooses() -> None:
    assert arenas(told("hold", MALLOC_ARENA_MAX="3")) == 3


def test_what_was_freed_is_given_back() -> None:
    pages = {what: int(number) for what, number in re.findall(r"(held|given) (\d+)", told("hold"))}
    assert (pages["held"] - pages["given"]) * os.sysconf("SC_PAGE_SIZE") > 60_000_000


class Call:
    """Refers to itself, as all that belongs to a call does."""

    def __init__(self) -> None:
        self.own = self


@pytest.mark.parametrize("collects", [True, False])
def test_what_a_call_left_behind_is_collected_unless_the_program_collects_for_itself(collects: bool) -> None:
    gc.disable()
    try:
        left = weakref.ref(Call())
        if collects:
            gc.enable()
        memory.give_back()
        assert (left() is None) is collects
    finally:
        gc.enable()
