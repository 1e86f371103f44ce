"""Runs the benchmark's table side by side in one run, prints it and writes JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil

from . import netpath
from .bots import run_bots
from .conductor import PEERS
from .content import prepare
from .course import Course
from .report import machine
from .scenarios import CALLS, run_calls
from .setup import run_setup
from .viewers import run_viewers

OTHERS: dict[str, Callable[[Course], Awaitable[None]]] = {
    "viewers": run_viewers,
    "bots": run_bots,
    "setup": run_setup,
}
PREFIX = "pycall-bench-"
DEFAULT_PEERS = "pycall,aiortc,chromium,chromium-h264"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_media", description=__doc__)
    parser.add_argument("--only", default=DEFAULT_PEERS, help=f"of {', '.join(PEERS)} (default: %(default)s)")
    parser.add_argument("--scenario", default=",".join([*CALLS, *OTHERS]), help="default: %(default)s")
    parser.add_argument("--seconds", type=float, help="of each measurement, instead of the scenario's own")
    parser.add_argument("--both", action="store_true", help="pictures both ways")
    parser.add_argument("--fast", action="store_true", help="schedules and measurements in a quarter of the time")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--keep", type=Path, help="leave the notes of every call in this folder")
    options = parser.parse_args()
    for text, known in ((options.only, PEERS), (options.scenario, [*CALLS, *OTHERS])):
        unknown = set(text.split(",")) - set(known)
        if unknown:
            parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    return options


def _sweep() -> None:
    """Remove the folders of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = re.match(rf"{PREFIX}(\d+)-", folder.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


async def _run(course: Course, scenarios: list[str]) -> None:
    for name in scenarios:
        if name in CALLS:
            await run_calls(course, CALLS[name])
        else:
            await OTHERS[name](course)


async def _until_stopped(course: Course, scenarios: list[str]) -> bool:
    """False if Ctrl-C or SIGTERM ended it; everything that was started is gone then."""
    work = asyncio.create_task(_run(course, scenarios))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return False
    return True


def main() -> int:
    options = _arguments()
    if not netpath.possible():
        netpath.sweep()
    _sweep()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder)
        course = Course(
            folder=folder,
            peers=[PEERS[name] for name in options.only.split(",")],
            seconds_wanted=options.seconds,
            fast=options.fast,
            both_ways=options.both,
        )
        finished = asyncio.run(_until_stopped(course, options.scenario.split(",")))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "found": course.found}, indent=1))
    if not finished:
        print("stopped", file=sys.stderr)
        return 130
    return 1 if course.failed else 0


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main())
