"""Calls between two network namespaces: a link that breaks and comes back, another address, UDP that is blocked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.bench import netpath
from scripts.bench.link import Impairment
from scripts.bench.linked import LinkedCall
from scripts.bench.netpath import ADDRESSES
from tests.turn_server import PASSWORD, USER, coturn

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

BLACK_OUT = 7.5
"""Seconds: longer than silence (3 s) and the first attempt at a new connection (2 s later)."""


@asynccontextmanager
async def linked(folder: Path, **config: Any) -> AsyncIterator[LinkedCall]:
    netpath.sweep()
    async with LinkedCall(folder, Impairment(delay=0.025), config=config) as call:
        yield call


async def test_a_black_out_and_then_another_address(tmp_path: Path) -> None:
    async with linked(tmp_path) as call:
        await call.dial()
        await call.link("cut")
        for name in call.phones:
            await call.silence(name)
        await asyncio.sleep(BLACK_OUT)
        back = await call.link("join")
        for name in call.phones:
            assert await call.sound(name) - back <= 3.0
        # As long as a connection is being replaced, the call is not as it was.
        for phone in call.phones.values():
            await phone.hear("what", "CallReconnected", 15.0)
        changed = await call.change_address()
        # The new path may stand before half a second has passed: then there was no silence to hear.
        for heard in (await call.sound_again()).values():
            assert heard - changed <= 5.0
        await call.hang_up()


@pytest.mark.turn
async def test_where_udp_is_blocked_a_call_goes_by_tcp_to_a_relay(tmp_path: Path) -> None:
    server = f"turn:{USER}:{PASSWORD}@{ADDRESSES[0]}:3478?transport=tcp"
    async with linked(tmp_path, ice_servers=(server,)) as call:
        prefix = ("ip", "netns", "exec", call.namespaces[0])
        async with coturn(tmp_path, *prefix, host=ADDRESSES[0]):
            await call.link("no-udp")
            accepted, heard = await call.dial()
            assert heard - accepted <= 8.0
            await call.hang_up()
