"""Tells a server where its callbacks go, by its REST interface, and knows which ones a call makes."""

from __future__ import annotations

import aiohttp

from .server import ServerProcess

BOTH_SIDES = ("caller_start_call", "callee_receive_call", "caller_call_end", "callee_call_end")
"""v1: two for each side of a call that goes as it should."""
START_AND_END = ("Call.CallbackAfterStartCall", "Call.CallbackAfterEndCall")
"""v4: one at the beginning of every call, one at its end."""


async def send_callbacks_to(server: ServerProcess, url: str, commands: tuple[str, ...]) -> None:
    """From now on the server reports these commands to `url`, and no others."""
    if commands[0].startswith("Call."):
        path, body = "/v4/call_config/set_callback", {"Url": url, "CallbackCommandList": list(commands)}
    else:
        path, body = "/v1/callback/set", {"address": url, "actions": list(commands)}
    async with aiohttp.ClientSession() as session, session.post(server.rest(path), json=body) as response:
        answer = await response.json()
    if response.status != 200 or answer.get("errorCode", answer.get("ErrorCode")) != 0:
        raise SystemExit(f"the server did not take its callbacks' address: {answer}")
