"""One person on the phone as a process of its own: does what lines on stdin ask, tells what happens on stdout.

python -m tests.calls.party SERVER USER TICKET SETTINGS      (SETTINGS: EngineConfig fields as JSON)
stdin    {"id": 1, "do": "tone", "args": [440]}
stdout   {"id": 1, "value": ...} or {"id": 1, "error": "..."}, and {"event": "CallBegan", ...} as it happens
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

from pycall import Event, MediaType, PyCallError
from tests.phones import Phone, phone


def say(**message: Any) -> None:
    line = json.dumps(message, default=lambda value: value.value if isinstance(value, Enum) else str(value))
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell(event: Event) -> None:
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    say(event=type(event).__name__, **fields)


def deeds(it: Phone) -> dict[str, Callable[..., Awaitable[Any]]]:
    """Everything that can be asked for."""
    engine = it.engine

    async def set_profile(name: str) -> None:
        engine.set_video_profile(name)

    async def state() -> str | None:
        return engine.state.value if engine.state else None

    async def seen_sizes() -> list[tuple[int, int]]:
        return it.eye.sizes

    async def members() -> dict[str, str]:
        return {member.user_id: member.state.value for member in engine.members}

    return {
        "call": lambda user, media: engine.call(user, MediaType(media)),
        "group_call": lambda group, users, media, room: engine.group_call(group, users, MediaType(media), room_id=room),
        "invite": engine.invite_user,
        "join_room": engine.join_in_group_call,
        "tones": it.ear.tones,
        "pictures_of": it.eye.pictures_of,
        "members": members,
        "switch": lambda media: engine.switch_media(MediaType(media)),
        "accept": engine.accept,
        "hangup": engine.hangup,
        "open_microphone": engine.open_microphone,
        "close_microphone": engine.close_microphone,
        "open_camera": engine.open_camera,
        "close_camera": engine.close_camera,
        "profile": set_profile,
        "tone": it.ear.tone,
        "silence": it.ear.silence,
        "pictures": it.eye.pictures,
        "size": it.eye.size,
        "sizes": seen_sizes,
        "state": state,
    }


async def answer(it: Phone, line: bytes) -> None:
    request = json.loads(line)
    try:
        value = await deeds(it)[request["do"]](*request["args"])
    except (PyCallError, AssertionError) as error:
        say(id=request["id"], error=f"{type(error).__name__}: {error}")
    else:
        say(id=request["id"], value=value)


async def main(server: str, user: str, ticket: str, settings: str) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with phone(server, **json.loads(settings)) as it:
        it.engine.on(Event, tell)
        await it.engine.login(user, ticket)
        say(ready=True)
        tasks = set()
        while line := await reader.readline():
            task = asyncio.create_task(answer(it, line))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
