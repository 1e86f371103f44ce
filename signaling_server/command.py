"""The command line of the server by itself: told by flags, environment and file."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from pycall.core.errors import PyCallError

from .collector import held_collector
from .interrupts import Interrupts
from .logs import set_up_logs
from .open_files import allow_files
from .options import OPTIONS, Kind, table
from .settings import make_settings


def main(arguments: Sequence[str] | None, interrupts: Interrupts) -> int:
    """Returns the exit code: 0 ended as asked, 2 could not start."""
    given = vars(_parser().parse_args(arguments))
    if given.pop("settings"):
        sys.stdout.write(table() + "\n")
        return 0
    try:
        with held_collector():
            return _serve(given, interrupts)
    except PyCallError as error:
        sys.stderr.write(f"signaling_server: {error}\n")
        return 2


def _serve(given: dict[str, Any], interrupts: Interrupts) -> int:
    from .app import run  # loading it is the most of the start

    settings = make_settings(os.environ, **given)
    set_up_logs(settings)
    if not settings.dev:
        allow_files(settings.limits.sockets)
    if settings.dev:
        logging.getLogger(__name__).info(
            "development server, for this machine only; clients find its made-up key in %s", settings.dev_file
        )
    return run(settings, interrupts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m signaling_server",
        description="The signaling server of pycall. Needs PYCALL_SECRET_KEY in the environment, or --dev.",
    )
    parser.add_argument("--settings", action="store_true", help="print the table of all settings and end")
    for option in OPTIONS:
        if option.flag is None:
            continue
        told = f"{option.help} ({option.env})".replace("%", "%%")
        if option.kind is Kind.SWITCH:
            parser.add_argument(option.flag, dest=option.name, action="store_true", help=told)
        else:
            action = "append" if option.kind is Kind.LIST else "store"
            parser.add_argument(option.flag, dest=option.name, action=action, metavar=option.metavar or "N", help=told)
    return parser
