"""The server's log on stderr: lines for people or JSON, with the user and call they are about, and never a secret."""

from __future__ import annotations

import json
import logging
import os
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from aiohttp.http_exceptions import BadHttpMessage

from .layers import misspelt
from .settings import Settings

FIELDS = ("user_id", "call_id", "session", "app_id", "reason")
"""What a line may be about, beside its words: given as `extra=`, or by `log_about` for all lines of a task."""

_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)
_TOKENS = re.compile(r"(?i)\b(usersig|user_sig|sig|token|authorization|password|secret|key)(=|: ?)[^\s&,;'\"]+")
_KEPT = r"\1\2***"


def log_about(**fields: Any) -> None:
    """Every further line of this task says this too."""
    _about.set({**(_about.get() or {}), **fields})


def set_up_logs(settings: Settings) -> None:
    """All loggers of this process write to stderr from now on, in the format that the settings name."""
    output = logging.StreamHandler()
    output.setFormatter((JsonLines if settings.log_format == "json" else PlainLines)(settings.secrets))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(output)
    root.setLevel(settings.log.upper())
    for line in misspelt(os.environ):
        logging.getLogger(__name__).warning(line)
    # What they tell below a warning holds statements with values, and requests with their query.
    for name in ("aiohttp", "aiosqlite", "alembic", "sqlalchemy", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    server = logging.getLogger("aiohttp.server")
    if not any(isinstance(one, NoHttp) for one in server.filters):
        server.addFilter(NoHttp())


class NoHttp(logging.Filter):
    """Who speaks no HTTP is nobody's mistake here: a line instead of a traceback, and nothing of what was said."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False: below the level of the log."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, BadHttpMessage):
            return True
        record.exc_info, record.args = None, (type(error).__name__,)
        record.msg = "somebody who speaks no HTTP was refused: %s"
        record.levelno, record.levelname = logging.INFO, "INFO"
        return logging.getLogger().isEnabledFor(logging.INFO)


class _Lines(logging.Formatter):
    """What both formats share: the fields, and that secrets are blotted out."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def about(self, record: logging.LogRecord) -> dict[str, Any]:
        given = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        return {**(_about.get() or {}), **given}

    def clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return _TOKENS.sub(_KEPT, text)

    def words(self, record: logging.LogRecord) -> str:
        return self.clean(record.getMessage())

    def trace(self, record: logging.LogRecord) -> str:
        return self.clean(self.formatException(record.exc_info)) if record.exc_info else ""


class PlainLines(_Lines):
    """`2026-01-31 12:00:00.123 INFO call ended call_id=… user_id=…`; line ends in user text are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback under it if there is one."""
        at = datetime.fromtimestamp(record.created).isoformat(" ", "milliseconds")
        about = "".join(f" {name}={value}" for name, value in self.about(record).items())
        line = f"{at} {record.levelname} {self.words(record)}{about}"
        trace = self.trace(record)
        line = line.replace("\r", "\\r").replace("\n", "\\n")
        return f"{line}\n{trace}" if trace else line


class JsonLines(_Lines):
    """One JSON object per line: `time` (UTC), `level`, `logger`, `message`, the fields, and `traceback` if any."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": at, "level": record.levelname.lower(), "logger": record.name, "message": self.words(record)}
        line |= self.about(record)
        if trace := self.trace(record):
            line["traceback"] = trace
        return json.dumps(line, default=str)
