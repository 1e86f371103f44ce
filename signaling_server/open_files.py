"""Room for as many open files as there may be sockets: shells usually allow a process 1024, and more if it asks."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

SPARE = 200
"""For the database, callbacks on their way and HTTP requests."""


def allow_files(sockets: int) -> None:
    """Ask for so many; warns if this process may not have them. Windows has no such limit."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless, wanted = resource.RLIM_INFINITY, sockets + SPARE
    if soft == endless or soft >= wanted:
        return
    allowed = wanted if hard == endless else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < sockets:
        advice = "raise the limit (ulimit -Hn, LimitNOFILE), or lower --limits-sockets"
        logger.warning("only %d files may be open, too few for %d sockets: %s", allowed, sockets, advice)
