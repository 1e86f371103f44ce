"""Fixtures for all tests: nothing of ours may block the event loop, and a real signaling server to call through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from blockbuster import blockbuster_ctx

if TYPE_CHECKING:
    from tests.switchroom import Switchroom


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """A blocking call on the event loop with code of ours on the stack raises where it is made.

    Locks are exempt: those between the loop and a device's thread are held for microseconds, and whether another
    thread holds one just now is chance. So is writing to the terminal, which a pipe makes blocking. PostgreSQL's
    driver looks for password files when it connects.
    """
    with blockbuster_ctx(["pycall", "signaling_server"]) as blockbuster:
        for name in ["threading.Lock.acquire", "threading.Lock.acquire_lock", "io.TextIOWrapper.write"]:
            if name in blockbuster.functions:
                blockbuster.functions[name].deactivate()
        for function in blockbuster.functions.values():
            function.can_block_in("asyncpg/connect_utils.py", {"_parse_connect_dsn_and_args"})
        yield


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Switchroom]:
    """A real server on a free loopback port, in this loop, with a database of its own; it can be restarted."""
    from tests.switchroom import Switchroom

    async with Switchroom(tmp_path / "calls.db") as room:
        yield room
