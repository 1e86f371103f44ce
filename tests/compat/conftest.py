"""Alice and Bob at one server, by the documented names."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.compat.desk import Trtc, Tui, trtc, tui
from tests.switchroom import Switchroom


@pytest_asyncio.fixture
async def alice(server: Switchroom) -> AsyncIterator[Tui]:
    async with tui(server, "alice") as it:
        yield it


@pytest_asyncio.fixture
async def bob(server: Switchroom) -> AsyncIterator[Tui]:
    async with tui(server, "bob", audio_source="tone:1000") as it:
        yield it


@pytest_asyncio.fixture
async def inviter(server: Switchroom) -> AsyncIterator[Trtc]:
    async with trtc(server, "alice") as it:
        yield it


@pytest_asyncio.fixture
async def invitee(server: Switchroom) -> AsyncIterator[Trtc]:
    async with trtc(server, "bob", audio_source="tone:1000") as it:
        yield it
