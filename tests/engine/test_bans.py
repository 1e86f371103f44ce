"""An administrator signs people off: what a program with a real engine is told, and that it stays away."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from pycall import CallBegan, CallEnded, CallNotConnected, CallReceived, EndReason, KickedOffline, LoginError
from pycall.core.errors import ErrorCode
from pycall.core.events import SignalingLost, UserNoResponse
from tests.phones import phone, ring, talk
from tests.relay import Relay
from tests.switchroom import APP_ID, Switchroom


async def administer(server: Switchroom, verb: str, user_id: str) -> None:
    url = server.url.replace("ws", "http", 1).removesuffix("/ws") + f"/admin/api/users/{verb}"
    headers = {"Authorization": f"UserSig {APP_ID}:administrator:{server.ticket('administrator')}"}
    body: dict[str, Any] = {"user_id": user_id}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as response:
        assert response.status == 200, await response.text()


async def test_p10_banned_in_a_call_and_let_in_again(server: Switchroom) -> None:
    async with phone(server.url) as alice, phone(server.url) as bob:
        await alice.engine.login("alice", server.ticket("alice"))
        await bob.engine.login("bob", server.ticket("bob"))
        await talk(alice, bob)
        await administer(server, "ban", "bob")
        assert (await bob.saw(KickedOffline)).code is ErrorCode.BANNED
        for user in [alice, bob]:
            ended = await user.ended()
            assert isinstance(ended, CallEnded) and (ended.reason, ended.user_id) == (EndReason.KICKED, "bob")
        assert not bob.engine.signed_in and alice.engine.signed_in
        for _ in range(2):
            with pytest.raises(LoginError, match="banned; ask an administrator") as caught:
                await bob.engine.login("bob", server.ticket("bob"))
            assert caught.value.code is ErrorCode.BANNED
            await server.restart()
        await alice.engine.login("alice", server.ticket("alice"))
        await administer(server, "unban", "bob")
        await bob.engine.login("bob", server.ticket("bob"))
        await talk(bob, alice)
        assert len(bob.all(KickedOffline)) == 1


async def test_p10_kicked_while_it_rings_and_back_again(server: Switchroom) -> None:
    async with phone(server.url) as alice, phone(server.url) as bob:
        await alice.engine.login("alice", server.ticket("alice"))
        await bob.engine.login("bob", server.ticket("bob"))
        await ring(alice, bob)
        await administer(server, "kick", "bob")
        assert (await bob.saw(KickedOffline)).code is ErrorCode.SIGNED_OFF
        assert isinstance(await bob.ended(), CallNotConnected)
        await bob.engine.login("bob", server.ticket("bob"))
        await bob.saw(CallReceived, count=2)
        await bob.engine.accept()
        await alice.saw(CallBegan)
        assert not alice.all(UserNoResponse)


async def test_p10_banned_while_the_link_was_down(server: Switchroom) -> None:
    async with Relay(server.url) as relay, phone(relay.url) as bob:
        await bob.engine.login("bob", server.ticket("bob"))
        relay.close_door()
        await bob.saw(SignalingLost)
        await administer(server, "ban", "bob")
        relay.open_door()
        assert (await bob.saw(KickedOffline)).code is ErrorCode.BANNED
        await administer(server, "unban", "bob")
        assert not bob.engine.signed_in
        assert "signaling client" not in {task.get_name() for task in asyncio.all_tasks()}, "nothing is tried again"
        await bob.engine.login("bob", server.ticket("bob"))
        assert len(bob.all(KickedOffline)) == 1
