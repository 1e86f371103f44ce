"""`python -m signaling_server`: the server by itself, from arguments and environment."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from pycall.core.errors import PyCallError

from .app import run
from .settings import DEFAULT_DB, DEFAULT_HOST, DEFAULT_PORT, make_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 ended as asked, 2 could not start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = make_settings(
            os.environ,
            dev=options.dev,
            host=options.host,
            port=options.port,
            db=options.db,
            app_id=options.app_id,
            origins=tuple(options.origin),
        )
        if settings.dev:
            logging.getLogger(__name__).info(
                "development server, for this machine only; clients find its made-up key in %s", settings.dev_file
            )
        return run(settings)
    except PyCallError as error:
        sys.stderr.write(f"signaling_server: {error}\n")
        return 2
    except KeyboardInterrupt:  # where there are no signal handlers
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m signaling_server",
        description="The signaling server of pycall. Needs PYCALL_SECRET_KEY in the environment, or --dev.",
    )
    parser.add_argument("--dev", action="store_true", help="make up a secret key and listen on this machine only")
    parser.add_argument("--host", help=f"address to listen on (PYCALL_HOST, {DEFAULT_HOST})")
    parser.add_argument("--port", type=int, help=f"port to listen on, 0 for any free one (PYCALL_PORT, {DEFAULT_PORT})")
    parser.add_argument(
        "--db", help=f"database, a path or URL (PYCALL_DB, {DEFAULT_DB}; with --dev beside the dev file)"
    )
    parser.add_argument("--app-id", type=int, help="SDKAppID of the tickets (PYCALL_APP_ID)")
    parser.add_argument(
        "--origin", action="append", default=[], help="a web page's origin that may connect; repeatable"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
