"""`pycall demo`: one real call between two processes on this machine, and a report of what really arrived.

this process ── server on a free loopback port
     │ JSON lines
     ├── caller: 720p30 and sound from a real clip, calls, hangs up
     └── callee: the same the other way, answers by itself; what it sees and hears goes to demo.mkv
"""

from __future__ import annotations

import asyncio
import json as jsons
import secrets
import signal
import sys
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.usersig import make_user_sig

from .demo_process import PartyProcess, Word
from .exit_codes import ExitCode
from .start import interrupt_in_order
from .wording import complain

if TYPE_CHECKING:
    from signaling_server.app import Server

    from .demo_report import Report

START_SECONDS = 60.0
"""Two processes load their media libraries; a busy machine takes its time."""
STEP_SECONDS = 15.0
RESULT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Story:
    """What the two told of their call; moments in seconds of the monotonic clock."""

    caller: dict[str, Word]
    callee: dict[str, Word]


def run(*, seconds: float, out: str, json: bool) -> ExitCode:
    """Play the call and print the report; exit 0 only if picture and sound really arrived."""
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(ErrorCode.BAD_SETTING, f"cannot make the folder {out!r}: {error.strerror}") from error
    from signaling_server.app import serve
    from signaling_server.settings import Settings

    from .demo_report import make_report

    key = secrets.token_hex(32)
    interrupt_in_order()
    with TemporaryDirectory(prefix="pycall-demo-") as scratch:
        settings = Settings(secret_keys=(key,), port=0, db=str(Path(scratch) / "demo.db"))
        stage = Stage(serve(settings), settings.app_id, key, Path(scratch), folder / "demo.mkv", quiet=json)
        story = asyncio.run(_play(stage, seconds))
        report = make_report(story.caller, story.callee)
        _draw(report, folder / "demo.png")
    if json:
        sys.stdout.write(jsons.dumps(report.figures) + "\n")
    else:
        _print(report, folder)
    if report.problem is not None:
        complain(f"the call did not work: {report.problem}", "not_arrived")
        return ExitCode.NOT_READY
    return ExitCode.OK


def _draw(report: Report, path: Path) -> None:
    from .demo_picture import draw

    draw(report, path)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the call is played: its server (not started), its key, and where files go."""

    server: AbstractAsyncContextManager[Server]
    app_id: int
    key: str
    scratch: Path
    recording: Path
    quiet: bool


async def _play(stage: Stage, seconds: float) -> Story:
    """The call itself, from starting the server to the two results."""
    main = asyncio.current_task()
    if main is not None:
        _cancel_on(signal.SIGTERM, main)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(stage.server)
        parties = [PartyProcess(_role(name, server.url, stage)) for name in ("caller", "callee")]
        caller, callee = [await stack.enter_async_context(party) for party in parties]
        _say(stage.quiet, f"server {server.url}, starting two clients")
        await asyncio.gather(*(party.hear("ready", START_SECONDS) for party in parties))
        return await _call(caller, callee, seconds, quiet=stage.quiet)


async def _call(caller: PartyProcess, callee: PartyProcess, seconds: float, *, quiet: bool) -> Story:
    both = (caller, callee)
    caller.say("call")
    _say(quiet, "alice calls bob (720p30)")
    await callee.hear("received", STEP_SECONDS)
    await asyncio.gather(*(party.hear("first_picture", STEP_SECONDS) for party in both))
    for party in both:
        party.say("talk")
    await _talk(seconds, quiet=quiet)
    for party in both:
        party.say("stop")
    for word in ("stopped", "measured"):
        await asyncio.gather(*(party.hear(word, STEP_SECONDS) for party in both))
    caller.say("hangup")
    _say(quiet, "hung up, comparing what arrived with what was sent")
    await asyncio.gather(*(party.hear("result", RESULT_SECONDS) for party in both))
    return Story(caller.words, callee.words)


async def _talk(seconds: float, *, quiet: bool) -> None:
    """Let them talk, with a progress bar."""
    if quiet or not sys.stdout.isatty():
        _say(quiet, f"talking {seconds:g} s")
        await asyncio.sleep(seconds)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("talking"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} s"))
    began = time.monotonic()
    with Progress(*columns, console=Console(), transient=True) as progress:
        bar = progress.add_task("talking", total=seconds)
        while (passed := time.monotonic() - began) < seconds:
            progress.update(bar, completed=passed)
            await asyncio.sleep(min(0.2, seconds - passed))


def _role(role: str, server: str, stage: Stage) -> Word:
    """What a party is told about itself; its ticket goes by pipe, not by command line."""
    user, other = ("alice", "bob") if role == "caller" else ("bob", "alice")
    return {
        "role": role,
        "user": user,
        "other": other,
        "server": server,
        "app_id": stage.app_id,
        "sig": make_user_sig(stage.app_id, stage.key, user, now=int(time.time()), expire=86400),
        "folder": str(stage.scratch),
        "record": str(stage.recording) if role == "callee" else None,
    }


def _cancel_on(number: signal.Signals, task: asyncio.Task[object]) -> None:
    """End in order, children included, when asked to."""
    try:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    except NotImplementedError:  # Windows
        return


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _print(report: Report, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What arrived", show_header=False)
    for name, value in report.rows():
        table.add_row(name, value)
    console = Console()
    console.print(table)
    console.print(
        f"{folder / 'demo.mkv'}: what bob saw and heard; {folder / 'demo.png'}: sent and received", soft_wrap=True
    )
    if report.problem is None:
        console.print("the call worked")
