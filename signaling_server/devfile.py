"""The note of a development server, for programs of the same user: where it listens, and its made-up key."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pycall.core.errors import ConfigError, ErrorCode


def dev_file_path(environ: Mapping[str, str]) -> Path:
    """`$PYCALL_DEV_FILE`, else `pycall/dev.json` in `$XDG_STATE_HOME`, else in `~/.local/state`."""
    if named := environ.get("PYCALL_DEV_FILE"):
        return Path(named)
    state = environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "pycall" / "dev.json"


def make_folder(path: Path) -> None:
    """The folder of `path`, readable by this user only; raises ConfigError if it cannot be made."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error


def left_key(path: Path, app_id: int) -> str | None:
    """The key of a development server that did not end cleanly: its tickets stay good when it starts again."""
    note = _read(path)
    key = note.get("secret_key")
    return key if note.get("app_id") == app_id and isinstance(key, str) and len(key) >= 32 else None


def write_dev_file(path: Path, *, url: str, app_id: int, secret_key: str) -> None:
    """Write the note, readable by this user only; raises ConfigError."""
    text = json.dumps({"url": url, "app_id": app_id, "secret_key": secret_key})
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    make_folder(path)
    try:
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        raise _unusable(path, error) from error


def remove_dev_file(path: Path, *, url: str) -> None:
    """Take the note away again, unless a later server has written its own over it."""
    if _read(path).get("url") == url:
        path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, object]:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        ErrorCode.BAD_SETTING, f"cannot write {path}: {error.strerror}; name another file with PYCALL_DEV_FILE"
    )
