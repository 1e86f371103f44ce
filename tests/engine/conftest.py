"""Two phones, signed in as alice and bob at one server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.phones import Phone, phone
from tests.switchroom import Switchroom


@pytest_asyncio.fixture
async def alice(server: Switchroom) -> AsyncIterator[Phone]:
    async with phone(server.url, audio_source="tone:440", volume_interval=0.2, quality_interval=1.0) as it:
        await it.engine.login("alice", server.ticket("alice"))
        yield it


@pytest_asyncio.fixture
async def bob(server: Switchroom) -> AsyncIterator[Phone]:
    async with phone(server.url, audio_source="tone:1000") as it:
        await it.engine.login("bob", server.ticket("bob"))
        yield it
