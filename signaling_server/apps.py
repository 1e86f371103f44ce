"""The apps of one server: each has its number (SDKAppID), its keys and its administrators, and nothing in common."""

from __future__ import annotations

import stat
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import msgspec

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.types import is_user_id

from .shapes import shape_error

MIN_KEY_BYTES = 16
MAX_KEYS = 4
_SAMPLES = ("secret", "change", "example", "password", "sample", "your-", "your_", "test", "0123456789", "123456789")
_LONG = 36
"""From this many bytes on, a sample's word inside a key is taken for chance."""


class Scope(str, Enum):
    """What an administrator may do over HTTP."""

    READ = "read"
    """See records, calls and the callback configuration."""
    WRITE = "write"
    """Change the callback configuration, send callbacks again, end calls."""


@dataclass(frozen=True, slots=True)
class Admin:
    """One administrator; signs in with a UserSig of this identifier."""

    identifier: str = "administrator"
    scopes: frozenset[Scope] = frozenset(Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Checked when made: raises ConfigError."""

    app_id: int
    secret_keys: tuple[str, ...] = field(repr=False)
    """The first one signs; more are accepted while keys are rotated."""
    admins: tuple[Admin, ...] = (Admin(),)

    def __post_init__(self) -> None:
        require(1 <= self.app_id < 2**53, "the app id must be a whole number from 1 (PYCALL_APP_ID)")
        require(0 < len(self.secret_keys) <= MAX_KEYS, f"app {self.app_id} needs 1 to {MAX_KEYS} secret keys")
        for key in self.secret_keys:
            check_key(key)
        names = [admin.identifier for admin in self.admins]
        for name in names:
            allowed = "1 to 32 characters of A-Z, a-z, 0-9, '_' and '-'"
            require(is_user_id(name), f"{name[:60]!r} cannot be an administrator: a user id is {allowed} (--admin)")
        require(len(set(names)) == len(names), f"an administrator of app {self.app_id} is named twice")

    def scopes_of(self, identifier: str) -> frozenset[Scope]:
        """What this identifier may do; nothing if it is no administrator."""
        return next((admin.scopes for admin in self.admins if admin.identifier == identifier), frozenset())


def admins_of(texts: Iterable[str]) -> tuple[Admin, ...]:
    """As settings write them: `NAME` or `NAME:write` for one with every scope, `NAME:read` for one that only looks."""
    return tuple(_admin(text) for text in texts)


def check_key(key: str) -> None:
    """Raises ConfigError for a key that is too short, or that everybody knows."""
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ConfigError(ErrorCode.BAD_SETTING, "the secret key is not UTF-8 text; use 64 hex digits") from error
    require(size >= MIN_KEY_BYTES, f"the secret key is shorter than {MIN_KEY_BYTES} bytes; use 32 random ones")
    sample = size < _LONG and any(word in key.lower() for word in _SAMPLES)
    require(not sample and len(set(key)) >= 6, "the secret key looks like a sample; use 32 random bytes")


def require(condition: bool, message: str) -> None:
    """Raises ConfigError with this message unless the condition holds."""
    if not condition:
        raise ConfigError(ErrorCode.BAD_SETTING, message)


class _AppEntry(msgspec.Struct, forbid_unknown_fields=True):
    app_id: int
    secret_keys: tuple[str, ...]
    admins: tuple[str, ...] = ("administrator",)


class _AppsFile(msgspec.Struct, forbid_unknown_fields=True):
    apps: tuple[_AppEntry, ...]


def read_apps(path: str) -> tuple[App, ...]:
    """The apps in a TOML file, each under `[[apps]]`: `app_id`, `secret_keys`, `admins`. Raises ConfigError."""
    try:
        mode = Path(path).stat().st_mode
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(ErrorCode.BAD_SETTING, f"cannot read the apps in {path!r}: {reason}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(ErrorCode.BAD_SETTING, f"{path} is no TOML; it holds [[apps]]") from error
    others = stat.S_IRGRP | stat.S_IROTH
    require(sys.platform == "win32" or not mode & others, f"{path} holds keys and others can read it: chmod 600 {path}")
    try:
        entries = msgspec.convert(document, _AppsFile).apps
    except msgspec.ValidationError as error:
        raise ConfigError(
            ErrorCode.BAD_SETTING, f"{path}: {shape_error(error, _AppsFile, whole='the file')}"
        ) from error
    return tuple(
        App(app_id=entry.app_id, secret_keys=entry.secret_keys, admins=admins_of(entry.admins)) for entry in entries
    )


def _admin(text: str) -> Admin:
    name, colon, scope = text.partition(":")
    if not colon:
        return Admin(name)
    require(scope in {"read", "write"}, f"an administrator is NAME, NAME:read or NAME:write, not {text[:60]!r}")
    return Admin(name, frozenset({Scope.READ}) if scope == "read" else frozenset(Scope))
