"""What a call of many costs: CPU of each process of a mesh, and the pictures that get through."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from pycall.config import DEFAULT_APP_ID
from pycall.core.usersig import make_user_sig
from signaling_server.app import serve
from signaling_server.settings import Settings

from .conductor import Process
from .report import Value, machine, table

READY_SECONDS = 60.0
NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan")


async def measure(people: int, profile: str, seconds: float, folder: Path) -> dict[str, dict[str, Value]]:
    """By person: CPU in percent of a core, and the rate of the picture that comes most slowly."""
    key, names = secrets.token_hex(32), NAMES[:people]
    async with AsyncExitStack() as stack:
        settings = Settings(secret_keys=(key,), port=0, db=str(folder / "calls.db"), app_id=DEFAULT_APP_ID)
        server = await stack.enter_async_context(serve(settings))
        phones: dict[str, Process] = {}
        for name in names:
            phone = phones[name] = Process(name, folder / f"{name}.log")
            await phone.start("group_peer")
            stack.push_async_callback(phone.stop)
            sig = make_user_sig(DEFAULT_APP_ID, key, name, expire=3600, now=int(time.time()))
            role = {"name": name, "others": people - 1, "server": server.url, "app_id": DEFAULT_APP_ID}
            phone.say({**role, "sig": sig, "profile": profile})
        for phone in phones.values():
            await phone.hear("what", "ready", READY_SECONDS)
        phones[names[0]].say({"do": "call", "others": names[1:]})
        if people > 2:
            for phone in phones.values():
                await phone.hear("what", "together", READY_SECONDS)
        for phone in phones.values():
            await phone.hear("what", "began", READY_SECONDS)
        await asyncio.sleep(3)
        for phone in phones.values():
            phone.say({"do": "measure", "seconds": seconds})
        heard = {name: await phone.hear("what", "measured", seconds + READY_SECONDS) for name, phone in phones.items()}
    return {
        name: {
            "CPU, % of a core": round(100 * found["cpu"], 1),
            "pictures/s of the slowest": round(min(found["fps"].values(), default=0.0), 1),
            "people seen": len(found["fps"]),
        }
        for name, found in heard.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4, help="2 to 9")
    parser.add_argument("--profile", default="360p15")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(options.people, options.profile, options.seconds, Path(folder)))
    print(table(f"{options.people} people in one call, {options.profile}, on this machine", figures))
    total = sum(float(person["CPU, % of a core"] or 0) for person in figures.values())
    print(f"all together: {total:.0f} % of a core")
    if options.json:
        written = {"machine": machine(), "profile": options.profile, "people": figures, "total_cpu_percent": total}
        Path(options.json).write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
