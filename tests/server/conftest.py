"""A real server on a free loopback port, and raw WebSockets to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from signaling_server.app import serve
from signaling_server.settings import Settings
from tests.server.raw import APP_ID, KEY, Room, room_of

OpenRoom = Callable[..., Awaitable[Room]]


@pytest_asyncio.fixture
async def open_room(tmp_path: Path) -> AsyncIterator[OpenRoom]:
    """Starts a server with the settings given, and a room of clients."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**settings: Any) -> Room:
            settings = {"secret_keys": (KEY,), "app_id": APP_ID, "port": 0, "db": str(tmp_path / "calls.db")} | settings
            server = await stack.enter_async_context(serve(Settings(**settings)))
            return await stack.enter_async_context(room_of(server.url))

        yield start


@pytest_asyncio.fixture
async def room(open_room: OpenRoom) -> Room:
    return await open_room()
