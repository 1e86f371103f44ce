"""Fixtures for all tests: nothing of ours may block the event loop, and a real signaling server to call through."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from blockbuster import blockbuster_ctx

if TYPE_CHECKING:
    from tests.jumping import JumpingClock
    from tests.switchroom import Switchroom

LONGEST = (
    "test_crowd_machine.py",
    "test_calls.py",
    "test_sound.py",
    "test_keys.py",
    "test_crash.py",
    "test_rest_schema.py",
)
"""Of the files that run side by side, those that take the longest, most first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They begin, so that none of them runs on alone at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


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
async def jumping_clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    """`time.monotonic()` and the loop's time jump whenever the loop would wait."""
    from tests.jumping import JumpingClock

    clock = JumpingClock()
    clock.install(asyncio.get_running_loop(), monkeypatch)
    return clock


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that a server leaves behind that did nothing. On a copy of it a server starts in half the time."""
    from signaling_server.app import serve
    from signaling_server.settings import Settings

    path = tmp_path_factory.mktemp("book") / "calls.db"

    async def start_and_stop() -> None:
        async with serve(Settings(secret_keys=(secrets.token_hex(32),), app_id=1, port=0, db=str(path))):
            pass

    asyncio.run(start_and_stop())
    return path


@pytest_asyncio.fixture
async def server(tmp_path: Path, book: Path) -> AsyncIterator[Switchroom]:
    """A real server on a free loopback port, in this loop, with a database of its own; it can be restarted."""
    from tests.switchroom import Switchroom

    shutil.copyfile(book, tmp_path / "calls.db")
    async with Switchroom(tmp_path / "calls.db") as room:
        yield room
