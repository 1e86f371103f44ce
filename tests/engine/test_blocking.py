"""The fixture that watches the loop does watch it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import CodeType

import pytest
from blockbuster import BlockingError

import pycall

NAP = "import time\ntime.sleep(0.001)"


def as_if_in(folder: Path) -> CodeType:
    return compile(NAP, str(folder / "nap.py"), "exec")


async def test_a_blocking_call_of_ours_on_the_loop_fails_the_test() -> None:
    with pytest.raises(BlockingError):
        exec(as_if_in(Path(pycall.__file__).parent))


async def test_the_same_in_a_thread_or_in_a_test_is_nobodys_business(tmp_path: Path) -> None:
    await asyncio.to_thread(exec, as_if_in(Path(pycall.__file__).parent))
    exec(as_if_in(tmp_path))
