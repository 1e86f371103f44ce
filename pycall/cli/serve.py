"""`pycall serve`: the signaling server in this process, and the next two commands to try."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from pycall.core.errors import ErrorCode, PyCallError

from .exit_codes import ExitCode

EVERYWHERE = ("0.0.0.0", "::")
"""Hosts that mean every address: others reach this machine by its name."""

if TYPE_CHECKING:
    from signaling_server.app import Server
    from signaling_server.interrupts import Interrupts
    from signaling_server.settings import Settings


def run(**values: object) -> ExitCode:
    """Serve until Ctrl-C; raises ConfigError (PORT_TAKEN, BAD_SETTING) before anything is started."""
    from signaling_server.collector import held_collector
    from signaling_server.interrupts import Interrupts

    interrupts = Interrupts()
    with held_collector():
        from signaling_server.app import serve
        from signaling_server.logs import set_up_logs
        from signaling_server.open_files import allow_files
        from signaling_server.settings import make_settings

        settings = make_settings(os.environ, **values)
        set_up_logs(settings)
        if not settings.dev:
            allow_files(settings.limits.sockets)
        return asyncio.run(_serve(settings, serve(settings), interrupts))


async def _serve(settings: Settings, serving: AbstractAsyncContextManager[Server], interrupts: Interrupts) -> ExitCode:
    from signaling_server.collector import calm_collector

    stop = interrupts.stop_event()
    async with serving as server:
        calm_collector()
        if settings.log_format == "text":  # who reads JSON is a program, and its log says where it listens
            _greet(settings, server)
        waits = [asyncio.create_task(event.wait()) for event in (stop, server.exchange_ended)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not stop.is_set():
            raise PyCallError(ErrorCode.STORAGE, "the server has stopped by itself: see its log")
    return ExitCode.OK


def _greet(settings: Settings, server: Server) -> None:
    """Where it listens, and what to type in two other terminals."""
    url = server.url if settings.host not in EVERYWHERE else server.url.replace("127.0.0.1", socket.gethostname())
    lines = [f"pycall server: {url}"]
    if settings.dev:
        lines += [
            "development server: made-up secret key, this machine only",
            "try, in two other terminals:",
            "  pycall answer --as bob",
            "  pycall call bob --as alice --video",
        ]
    else:
        lines += [
            "make a ticket for each user here, with the same secret key, then call with it:",
            "  pycall sig bob",
            f"  pycall answer --as bob --server {url} --sig TICKET",
            f"  pycall call bob --as alice --server {url} --sig TICKET --video",
        ]
    sys.stdout.write("\n".join([*lines, "Ctrl-C ends the server"]) + "\n")
    sys.stdout.flush()
