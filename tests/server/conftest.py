"""A real server on a free loopback port, and raw WebSockets to it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from signaling_server.app import serve
from signaling_server.settings import Settings
from tests.certificates import make_certificate
from tests.server.raw import APP_ID, KEY, Room, room_of

OpenRoom = Callable[..., Awaitable[Room]]


@pytest_asyncio.fixture
async def open_room(tmp_path: Path, book: Path) -> AsyncIterator[OpenRoom]:
    """Starts a server with the settings given, and a room of clients."""
    shutil.copyfile(book, tmp_path / "calls.db")
    async with contextlib.AsyncExitStack() as stack:

        async def start(**settings: Any) -> Room:
            settings = {"secret_keys": (KEY,), "app_id": APP_ID, "port": 0, "db": str(tmp_path / "calls.db")} | settings
            clock = settings.pop("clock", None)
            server = await stack.enter_async_context(serve(Settings(**settings), clock))
            return await stack.enter_async_context(room_of(server.url))

        yield start


@pytest_asyncio.fixture
async def room(open_room: OpenRoom) -> Room:
    return await open_room()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key, in PEM."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))
