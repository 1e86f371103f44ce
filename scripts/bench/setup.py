"""How long a call takes to come about, by phase: two phones of pycall in processes of their own."""

from __future__ import annotations

import secrets
import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path

from pycall.config import DEFAULT_APP_ID
from pycall.core.usersig import make_user_sig
from signaling_server.app import serve
from signaling_server.settings import Settings

from .conductor import Process
from .course import Course
from .report import Value

CALLS = 7
READY_SECONDS = 60.0
PHASES = (
    ("dial to ring", "near", "dial", "far", "ring"),
    ("accept to answered", "far", "accept", "far", "accepted"),
    ("accept to first sound at the callee", "far", "accept", "far", "first_sound"),
    ("accept to first sound at the caller", "far", "accept", "near", "first_sound"),
    ("accept to first picture at the callee", "far", "accept", "far", "first_picture"),
    ("accept to first picture at the caller", "far", "accept", "near", "first_picture"),
    ("dial to both pictures, 300 ms of ringing in between", "near", "dial", "", "both"),
)
"""Name; which end's moment it begins with; which end's moment it ends with."""


async def run_setup(course: Course) -> None:
    """Several calls, one after the other; the middle and the slowest of each phase, ms."""
    if "pycall" not in [peer.name for peer in course.peers]:
        return
    with course.place("setup") as folder:
        times = await _measure(folder)
        columns = {
            "median ms": {name: round(statistics.median(values), 1) for name, values in times.items()},
            "slowest ms": {name: round(max(values), 1) for name, values in times.items()},
        }
        shown: dict[str, dict[str, Value]] = {name: dict(values) for name, values in columns.items()}
        course.show("setup", f"{CALLS} video calls of CallEngine on this machine", shown)


async def _measure(folder: Path) -> dict[str, list[float]]:
    key = secrets.token_hex(32)
    async with AsyncExitStack() as stack:
        settings = Settings(secret_keys=(key,), port=0, db=str(folder / "calls.db"), app_id=DEFAULT_APP_ID)
        server = await stack.enter_async_context(serve(settings))
        phones = {}
        for name, other in (("near", "far"), ("far", "near")):
            phone = phones[name] = Process(name, folder / f"{name}.log")
            await phone.start("setup_peer")
            stack.push_async_callback(phone.stop)
            sig = make_user_sig(DEFAULT_APP_ID, key, name, expire=3600, now=int(time.time()))
            phone.say({"name": name, "other": other, "server": server.url, "app_id": DEFAULT_APP_ID, "sig": sig})
        for phone in phones.values():
            await phone.hear("what", "ready", READY_SECONDS)
        calls = [await _one_call(phones) for _ in range(CALLS)]
    return {name: [call[name] for call in calls] for name in calls[0]}


async def _one_call(phones: dict[str, Process]) -> dict[str, float]:
    phones["near"].say({"do": "call"})
    moments: dict[tuple[str, str], float] = {}
    for end, whats in (
        ("near", ("dial", "first_sound", "first_picture")),
        ("far", ("ring", "accept", "accepted", "first_sound", "first_picture")),
    ):
        for what in whats:
            moments[end, what] = (await phones[end].hear("what", what))["when"]
    moments["", "both"] = max(moments["near", "first_picture"], moments["far", "first_picture"])
    phones["near"].say({"do": "hangup"})
    for phone in phones.values():
        await phone.hear("what", "over")
    return {name: 1000 * (moments[b, end] - moments[a, begin]) for name, a, begin, b, end in PHASES}
