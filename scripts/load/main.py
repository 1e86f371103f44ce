"""Measures the signaling server under load, server and generator in separate processes; prints a table, writes JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from .limit import limit
from .records import many_records
from .scenarios import Bench, Figure, burst, calls, dead_target, idle, logins

SCENARIOS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "echo": limit,
    "idle": idle,
    "logins": logins,
    "calls": calls,
    "burst": burst,
    "dead": dead_target,
    "records": many_records,
}
OPEN_FILES = 20_000


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_server", description=__doc__)
    parser.add_argument("--scenario", default=",".join(SCENARIOS), help="default: %(default)s")
    parser.add_argument("--seconds", type=float, help="of each measurement, instead of the scenario's own")
    parser.add_argument("--fast", action="store_true", help="a tenth of the users, records and time")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--strict", action="store_true", help="exit code 1 if an aim is missed")
    options = parser.parse_args(words)
    unknown = set(options.scenario.split(",")) - set(SCENARIOS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(SCENARIOS)}")
    return options


def table(figures: list[Figure]) -> str:
    """A line for each figure, and whether its aim was met."""
    rows = [["scenario", "figure", "value", "aim", ""]]
    for one in figures:
        sign = "" if one.aim is None else (">= " if one.at_least else "<= ") + f"{one.aim:g}"
        met = {None: "", True: "ok", False: "MISSED"}[one.met]
        rows.append([one.scenario, one.name, f"{one.value:g}", sign, met])
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join([a.ljust(widths[0]), b.ljust(widths[1]), c.rjust(widths[2]), d.rjust(widths[3]), e]).rstrip()
        for a, b, c, d, e in rows
    )


def machine() -> dict[str, object]:
    """Where and when this was measured."""
    return {
        "at": time.strftime("%Y-%m-%d %H:%M:%S"),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load average": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in ("aiohttp", "sqlalchemy")},
    }


def _cores() -> tuple[int | None, int | None]:
    """One for the server, another for the generator, where the system lets us choose."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        return None, None
    os.sched_setaffinity(0, {mine[1]})
    return mine[0], mine[1]


async def _run(bench: Bench, names: list[str]) -> bool:
    work = asyncio.create_task(_scenarios(bench, names))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return False
    return True


async def _scenarios(bench: Bench, names: list[str]) -> None:
    for name in names:
        sys.stderr.write(f"{name} ...\n")
        await SCENARIOS[name](bench)


def main(words: list[str] | None = None) -> int:
    """0 measured, 1 an aim was missed and `--strict` asked for that, 130 interrupted."""
    options = _arguments(words)
    where = machine()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(OPEN_FILES, hard)), hard))
    folder = Path(tempfile.mkdtemp(prefix="pycall-load-"))
    bench = Bench(folder, options.seconds, options.fast, _cores())
    try:
        done = asyncio.run(_run(bench, options.scenario.split(",")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(bench.figures))
    if options.json:
        figures = [{**vars(one), "met": one.met} for one in bench.figures]
        options.json.write_text(json.dumps({"machine": where, "figures": figures}, indent=1) + "\n")
    if not done:
        return 130
    return int(options.strict and any(one.met is False for one in bench.figures))


if __name__ == "__main__":
    sys.exit(main())
