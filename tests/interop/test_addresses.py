"""A page that may use no device hides its addresses behind mDNS names: calls connect all the same, and at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.interop.calls import Dial, both_hear, chromium_calls, pycall_calls
from tests.interop.chromium import Chromium
from tests.interop.page import PagePhone, page_phone
from tests.phones import Phone
from tests.switchroom import Switchroom

pytestmark = pytest.mark.browser

LOOKUP_MS = 1000.0
"""How long a name that nobody answers for would be looked up."""


@pytest_asyncio.fixture
async def hidden(browser: Chromium, origin: str) -> AsyncIterator[PagePhone]:
    async with page_phone(browser, origin, "bob", may_capture=False) as it:
        yield it


@pytest.mark.parametrize("complete", [False, True], ids=["trickled", "in the description"])
@pytest.mark.parametrize("dial", [pycall_calls, chromium_calls])
async def test_hidden_addresses(
    alice: Phone, hidden: PagePhone, server: Switchroom, dial: Dial, complete: bool
) -> None:
    await hidden.login(server, capture="drawn", complete=complete)
    await dial(alice, hidden)
    described = await hidden.tab.run("phone.connection.localDescription.sdp")
    hosts = [line.split()[4] for line in described.splitlines() if line.startswith("a=candidate")]
    assert hosts and all(host.endswith(".local") for host in hosts)
    assert await hidden.connected() < LOOKUP_MS
    assert await hidden.tab.run("phone.connection.generation") == 0, "the first attempt failed"
    await both_hear(alice, hidden)
