"""Runs whole engines for long: many calls in a row, then one long call, and looks at what grows; a table and JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import socket
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from pycall import make_user_sig

from .report import machine, table

APP_ID = 1400000000
START_SECONDS = 30.0
GROWTH = 0.05
"""Share by which the last quarter may need more memory than the second."""
FIGURES = ("memory", "descriptors", "threads", "tasks")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="in a row, 0 for none (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=30, help="of the long call, 0 for none (default: %(default)s)")
    parser.add_argument("--profile", default="720p30", help="of the pictures (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    return parser.parse_args()


@asynccontextmanager
async def _started(
    *command: str, environment: dict[str, str] | None = None, errors: int | None = None
) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, stdout=PIPE, stderr=errors, env={**os.environ, **(environment or {})}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def _listens(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            return


async def _line(process: Process, seconds: float | None) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(seconds):
        line = await process.stdout.readline()
    if not line:
        raise SystemExit("a process of the benchmark ended too early; its last words are above")
    return line.decode()


class Room:
    """A server and somebody who answers every call."""

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._key = secrets.token_hex(32)
        self._url = ""
        self._far: list[dict[str, float]] = []

    async def open(self, stack: AsyncExitStack) -> None:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {"PYCALL_SECRET_KEY": self._key, "PYTHONUNBUFFERED": "1", "PYCALL_APP_ID": str(APP_ID)}
        port = _free_port()
        environment |= {f"PYCALL_LIMITS_{name}": "100000" for name in ("CALLS_PER_USER", "CALLS_TO_CALLEE")}
        command = ("signaling_server", "--port", str(port), "--db", f"{folder}/calls.db")
        await stack.enter_async_context(_started(*command, environment=environment, errors=DEVNULL))
        await _listens(port)
        self._url = f"ws://127.0.0.1:{port}/ws"
        far = await stack.enter_async_context(self._peer("far"))
        await _line(far, START_SECONDS)
        self._listening = asyncio.create_task(self._listen(far))
        stack.callback(self._listening.cancel)

    async def _listen(self, far: Process) -> None:
        while True:
            self._far.append(json.loads(await _line(far, START_SECONDS)))

    def _peer(self, name: str, calls: int = 0, seconds: float = 0.0) -> Any:
        ticket = make_user_sig(APP_ID, self._key, name, expire=86400, now=int(time.time()))
        role = {"name": name, "server": self._url, "app_id": APP_ID, "ticket": ticket, "profile": self._profile}
        return _started("scripts.bench.soak_peer", json.dumps({**role, "calls": calls, "seconds": seconds}))

    async def samples(self, calls: int, seconds: float) -> tuple[list[dict[str, float]], list[dict[str, float]], int]:
        """What the caller measured, what the other end did meanwhile, and how many calls failed."""
        found = []
        self._far.clear()
        async with self._peer("near", calls, seconds) as near:
            while "failed" not in (sample := json.loads(await _line(near, 120.0))):
                found.append(sample)
        return found, list(self._far), sample["failed"]


def figures(samples: list[dict[str, float]], failed: int) -> dict[str, float | str | None]:
    """The second quarter against the last."""
    quarter = max(1, len(samples) // 4)
    second, last = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    rows: dict[str, float | str | None] = {"samples": len(samples), "failed calls": failed}
    for name in FIGURES:
        before, after = (sum(sample[name] for sample in part) / len(part) for part in (second, last))
        rows[f"{name}, second quarter"], rows[f"{name}, last quarter"] = round(before, 1), round(after, 1)
        rows[f"{name}, most"] = round(max(sample[name] for sample in samples), 1)
    rows["memory grows %"] = round(100 * (after_to_before(samples, quarter) - 1), 1)
    return rows


def after_to_before(samples: list[dict[str, float]], quarter: int) -> float:
    """Memory of the last quarter over that of the second."""
    second, last = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    return (sum(s["memory"] for s in last) / len(last)) / (sum(s["memory"] for s in second) / len(second))


async def _run(options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        room = Room(options.profile)
        await room.open(stack)
        for name, calls, seconds in (("calls in a row", options.calls, 0.0), ("one call", 0, options.minutes * 60)):
            if calls or seconds:
                near, far, failed = await room.samples(calls, seconds)
                for end, samples in (("", near), (", callee", far)):
                    found[name + end] = {**figures(samples, failed), "all": samples}
    return found


def main() -> int:
    options = _arguments()
    found = asyncio.run(_run(options))
    columns = {name: {key: value for key, value in one.items() if key != "all"} for name, one in found.items()}
    print(table(f"both ends of {options.profile} calls, memory in MB", columns))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "found": found}, indent=1))
    grown = any(one["memory grows %"] > 100 * GROWTH or one["failed calls"] for one in found.values())
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
