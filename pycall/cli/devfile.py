"""Reads the note that a development server leaves on this machine, so that `pycall call` can sign for itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DevServer:
    """Where the development server listens and what it trusts; `secret_key` is a secret and is not shown."""

    url: str
    app_id: int
    secret_key: str

    def __repr__(self) -> str:
        return f"DevServer({self.url}, app {self.app_id})"


def dev_file_path(environ: Mapping[str, str] | None = None) -> Path:
    """`$PYCALL_DEV_FILE`, else `pycall/dev.json` in `$XDG_STATE_HOME`, else in `~/.local/state`."""
    env = os.environ if environ is None else environ
    if named := env.get("PYCALL_DEV_FILE"):
        return Path(named)
    state = env.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "pycall" / "dev.json"


def read_dev_file(path: Path | None = None) -> DevServer | None:
    """The development server of this machine and user; None if there is no note or it cannot be read."""
    try:
        note = json.loads((path or dev_file_path()).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(note, dict):
        return None
    url, app_id, key = note.get("url"), note.get("app_id"), note.get("secret_key")
    if not isinstance(url, str) or type(app_id) is not int or not isinstance(key, str):
        return None
    return DevServer(url, app_id, key)
