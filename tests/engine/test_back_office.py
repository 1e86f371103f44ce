"""A call that the back office ends: both hear why, hang up, and the record says so."""

from __future__ import annotations

from typing import Any

import aiohttp

from pycall import CallEnded, CallNotConnected, EndReason
from tests.phones import phone, ring, talk
from tests.server.office import END, query
from tests.switchroom import Switchroom


async def post(server: Switchroom, path: str, body: dict[str, Any]) -> dict[str, Any]:
    base = server.url.replace("ws", "http", 1).removesuffix("/ws")
    url = f"{base}{path}?{query(usersig=server.ticket('administrator'))}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        assert response.status == 200
        return dict(await response.json())


async def test_a_conversation_is_ended_by_the_server(server: Switchroom) -> None:
    async with phone(server.url) as alice, phone(server.url) as bob:
        for user in [alice, bob]:
            name = "alice" if user is alice else "bob"
            await user.engine.login(name, server.ticket(name))
        await talk(alice, bob)
        call_id = str(alice.engine.call_id)
        await post(server, END, {"CallId": call_id})
        for user in [alice, bob]:
            ended = await user.ended()
            assert isinstance(ended, CallEnded)
            assert (ended.call_id, ended.reason, ended.user_id) == (call_id, EndReason.ENDED_BY_SERVER, "administrator")
            assert user.engine.call_id is None
        told = await post(server, "/v4/call_record_http_srv/get_record_by_callid", {"CallId": call_id})
        assert told["Response"]["CallRecord"]["CallResult"] == "Interrupt"
        await talk(bob, alice)


async def test_a_ring_is_ended_by_the_server(server: Switchroom) -> None:
    async with phone(server.url) as alice, phone(server.url) as bob:
        await alice.engine.login("alice", server.ticket("alice"))
        await bob.engine.login("bob", server.ticket("bob"))
        await ring(alice, bob)
        await post(server, END, {"CallId": str(alice.engine.call_id)})
        for user in [alice, bob]:
            ended = await user.ended()
            assert isinstance(ended, CallNotConnected) and ended.reason is EndReason.ENDED_BY_SERVER
