"""What a call survives on its way: set-up over loss, black-outs, a change of address, and a link that never returns."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from . import netpath
from .conductor import BenchError
from .link import Impairment
from .linked import LinkedCall
from .report import Value, machine, table

DELAY = 0.025
"""Seconds one way."""
CALLS = 20
Row = dict[str, Value]


async def set_up(folder: Path, loss: float) -> Row:
    """From the answer until both hear each other."""
    async with LinkedCall(folder, Impairment(delay=DELAY, loss=loss)) as call:
        times = []
        for _ in range(CALLS):
            accepted, heard = await call.dial()
            times.append(heard - accepted)
            await call.hang_up()
        times.sort()
        return {"median s": _s(statistics.median(times)), "p95 s": _s(times[int(0.95 * CALLS) - 1]), "calls": CALLS}


async def black_out(folder: Path, seconds: float) -> Row:
    """Nothing passes for so long; then until each hears the other again."""
    async with LinkedCall(folder, Impairment(delay=DELAY)) as call:
        await call.dial()
        await call.link("cut")
        await asyncio.sleep(seconds)
        back = await call.link("join")
        heard = {name: await call.sound(name) for name in call.phones}
        await call.hang_up()
        return {f"{name}: sound back after s": _s(at - back) for name, at in heard.items()}


async def change_address(folder: Path) -> Row:
    async with LinkedCall(folder, Impairment(delay=DELAY)) as call:
        await call.dial()
        changed = await call.change_address()
        heard = await call.sound_again()
        await call.hang_up()
        return {f"{name}: sound back after s": _s(at - changed) for name, at in heard.items()}


async def never_again(folder: Path, door: str) -> Row:
    """With the whole link, far's signaling is gone as well."""
    async with LinkedCall(folder, Impairment(delay=DELAY)) as call:
        await call.dial()
        cut = await call.link(door)
        row: Row = {}
        for name in call.phones:
            reason, at = await call.over(name, 60.0)
            row[f"{name}: over after s"], row[f"{name}: reason"] = _s(at - cut), reason
        return row


def _s(seconds: float) -> float:
    return round(seconds, 2)


SCENARIOS: dict[str, Callable[[Path], Awaitable[Row]]] = {
    "set-up": lambda folder: set_up(folder, 0.0),
    "set-up, 10 % loss": lambda folder: set_up(folder, 0.1),
    "10 s black-out": lambda folder: black_out(folder, 10.0),
    "20 s black-out": lambda folder: black_out(folder, 20.0),
    "change of address": change_address,
    "UDP never again": lambda folder: never_again(folder, "no-udp"),
    "nothing ever again": lambda folder: never_again(folder, "cut"),
}


async def _run(wanted: list[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for name in wanted:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="pycall-bench-") as folder:
            try:
                found[name] = await SCENARIOS[name](Path(folder))
            except BenchError as error:
                found[name] = {"failed": str(error)}
        print(table(f"path: {name}, {1000 * DELAY:.0f} ms one way", {name: found[name]}), flush=True)
    return found


def main() -> int:
    """0 if everything could be measured."""
    parser = argparse.ArgumentParser(prog="scripts/bench_path", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="default: all of them, one by one")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    options = parser.parse_args()
    if reason := netpath.possible():
        print(f"scripts/bench_path {reason}", file=sys.stderr)
        return 2
    netpath.sweep()
    found = asyncio.run(_run(options.scenario or list(SCENARIOS)))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "at": time.time(), "path": found}, indent=2))
    return 1 if any("failed" in row for row in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
