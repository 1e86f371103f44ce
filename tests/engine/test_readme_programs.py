"""The programs that the README shows do what it says they do."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pycall import CallEnded, CallReceived, EngineConfig, MediaType
from pycall.core.events import CallBegan, UserJoined
from tests.phones import Phone, phone, talk
from tests.switchroom import Switchroom

README = (Path(__file__).parents[2] / "README.md").read_text()


def program(name: str, server: Switchroom) -> Any:
    """The function of that name, as it is printed; its engines find the test's server."""
    (source,) = [
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if f"async def {name}(" in block
    ]
    names: dict[str, Any] = {}
    exec(compile(source, "README.md", "exec"), names)
    names["EngineConfig"] = partial(EngineConfig, server=server.url)
    return names[name]


async def test_the_bot_of_ten_lines_answers(
    alice: Phone, server: Switchroom, capsys: pytest.CaptureFixture[str]
) -> None:
    async with phone(server.url) as before:  # the server knows the bot from now on, and calls wait for it
        await before.engine.login("reception", server.ticket("reception"))
    bot = asyncio.create_task(program("reception", server)(server.ticket("reception")))
    await alice.engine.call("reception", MediaType.VIDEO)
    await alice.ear.tone(440)
    await alice.engine.hangup()
    await alice.ended()
    async with asyncio.timeout(10):
        while "alice hung up after" not in (told := capsys.readouterr().out):
            assert not bot.done()
            await asyncio.sleep(0)
    assert told.endswith(" s\n")
    bot.cancel()
    await asyncio.gather(bot, return_exceptions=True)


async def test_the_meeting_of_four(bob: Phone, server: Switchroom, capsys: pytest.CaptureFixture[str]) -> None:
    async with phone(server.url) as carol, phone(server.url) as dave:
        await carol.engine.login("carol", server.ticket("carol"))
        await dave.engine.login("dave", server.ticket("dave"))
        meeting = asyncio.create_task(program("meeting", server)(server.ticket("host")))
        for guest in (bob, carol, dave):
            await guest.saw(CallReceived)
            await guest.engine.accept()
            await guest.saw(CallBegan)
        await dave.until(lambda: {event.user_id for event in dave.all(UserJoined)} >= {"bob", "carol"})
        await dave.ear.tones(440, 1000)
        for guest in (bob, carol, dave):
            await guest.engine.hangup()
            await guest.ended()
        async with asyncio.timeout(10):
            await meeting
    told = capsys.readouterr().out.splitlines()
    assert set(told) == {f"{who} came" for who in ("bob", "carol", "dave")} | {
        f"{who} left: hangup" for who in ("bob", "carol", "dave")
    }


async def test_the_figures_of_a_call(
    alice: Phone, bob: Phone, server: Switchroom, capsys: pytest.CaptureFixture[str]
) -> None:
    await talk(alice, bob, MediaType.VIDEO)
    await bob.eye.pictures(5)
    await bob.ear.until(lambda: bob.ear.frames >= 75)
    watching = asyncio.create_task(program("watch", server)(bob.engine))
    await asyncio.sleep(0)
    await alice.engine.hangup()
    await bob.saw(CallEnded)
    async with asyncio.timeout(10):
        await watching
    told = capsys.readouterr().out
    assert re.search(r"^alice audio \d+ packets, 0 lost$", told, re.MULTILINE), told
    assert re.search(r"^alice video \d+ packets, 0 lost$", told, re.MULTILINE), told
    assert re.search(r"^alice sounded like [34]\.\d+ of 4.4 and froze \d+ times$", told, re.MULTILINE), told
