"""One who calls too often: refused with a word on when to try again, and the other's phone stays silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from pycall import CallError, CallReceived, ErrorCode, MediaType
from pycall.compat.codes import TUIErrorCode, number_of
from signaling_server.limits import Limits
from tests.phones import phone, ring
from tests.switchroom import Switchroom


async def test_too_many_calls_are_refused_and_never_ring(tmp_path: Path) -> None:
    async with (
        Switchroom(tmp_path / "calls.db", limits=Limits(calls_per_user=1)) as server,
        phone(server.url) as alice,
        phone(server.url) as bob,
    ):
        await alice.engine.login("alice", server.ticket("alice"))
        await bob.engine.login("bob", server.ticket("bob"))
        await ring(alice, bob)
        await alice.engine.hangup()
        await bob.ended()
        with pytest.raises(CallError) as caught:
            await alice.engine.call("bob", MediaType.AUDIO)
        assert caught.value.code is ErrorCode.TOO_MANY and "try again in" in str(caught.value)
        assert number_of(caught.value.code) is TUIErrorCode.REQUEST_REFUSED
        assert alice.engine.call_id is None
        await ring(bob, alice)
        assert len(bob.all(CallReceived)) == 1
