"""What every first call of a process would otherwise wait for: libraries, tables and keys, made ready beforehand."""

from __future__ import annotations

import logging
from functools import cache

from pycall.core.errors import MediaError

from . import opus
from .dtls import WideCertificate
from .patches import install

logger = logging.getLogger(__name__)


@cache
def warm_up() -> None:
    """About 10 ms of CPU once per process; may run in a thread. Nothing is opened, nothing is sent.

    What fails here fails again, and is told, where it is needed.
    """
    try:
        install()
        opus.load()
    except MediaError as error:
        logger.debug("not made ready: %s", error)
        return
    WideCertificate.generateCertificate()
