"""Listens to every log line at DEBUG, and knows the words that must never be in one."""

from __future__ import annotations

import logging

SECRET = "5ecret"
"""Part of every ticket, description and user text of the simulated world."""
LOGGERS = ("pycall", "signaling_server")


class Ears(logging.Handler):
    """Between `open` and `close` it hears what the programs log, and nobody else does."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines = 0
        self.leaks: list[str] = []
        self._before: list[tuple[int, bool]] = []

    def open(self) -> None:
        for logger in map(logging.getLogger, LOGGERS):
            self._before.append((logger.level, logger.propagate))
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
            logger.addHandler(self)

    def close(self) -> None:
        for logger, (level, propagate) in zip(map(logging.getLogger, LOGGERS), self._before, strict=False):
            logger.setLevel(level)
            logger.propagate = propagate
            logger.removeHandler(self)
        self._before.clear()
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        everything = str(record.__dict__)
        if SECRET in everything:
            self.leaks.append(everything)
