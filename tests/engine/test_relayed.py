"""Two who may only meet through a TURN server: the signaling server tells them of it, with credentials of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pycall import MediaType
from signaling_server.turn import Turn
from tests.phones import phone, talk
from tests.switchroom import Switchroom
from tests.turn_server import coturn


@pytest.mark.turn
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_through_the_relay_that_the_server_names(tmp_path: Path, transport: str) -> None:
    secret = "shared by two servers"
    async with coturn(tmp_path, secret=secret) as relay:
        turn = Turn(urls=(f"turn:{relay.host}:{relay.port}?transport={transport}",), secret=secret)
        async with (
            Switchroom(tmp_path / "calls.db", turn=turn) as server,
            phone(server.url, relay_only=True) as alice,
            phone(server.url, relay_only=True, audio_source="tone:880") as bob,
        ):
            await alice.engine.login("alice", server.ticket("alice"))
            await bob.engine.login("bob", server.ticket("bob"))
            await talk(alice, bob, MediaType.VIDEO)
            await alice.ear.tone(880)
            await bob.ear.tone(440)
            await alice.eye.pictures(2)
