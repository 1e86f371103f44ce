"""What the server can be told, from arguments and environment; anything missing or wrong is one clear line."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pycall.core.errors import ConfigError, ErrorCode

from .devfile import dev_file_path, left_key, make_folder
from .limits import Limits

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8790
DEFAULT_DB = "pycall.db"
DEFAULT_APP_ID = 1400000000
MIN_KEY_BYTES = 16
_SAMPLES = ("secret", "change", "example", "password", "sample", "your-", "your_", "test", "0123456789", "123456789")
_LONG = 36
"""From this many bytes on, a sample's word inside a key is taken for chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Checked when made: raises ConfigError for what cannot work."""

    secret_keys: tuple[str, ...] = field(repr=False)
    """The first one signs; more are accepted while keys are rotated."""
    app_id: int = DEFAULT_APP_ID
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    """0: any free port."""
    db: str = DEFAULT_DB
    """A path, or an SQLAlchemy URL with an asyncio driver."""
    dev: bool = False
    dev_file: Path | None = None
    """Where to leave the note for this machine's clients; None: nowhere."""
    origins: tuple[str, ...] = ()
    """Web pages' origins that may connect, besides the server's own."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        _require(bool(self.secret_keys), _NO_KEY)
        for key in self.secret_keys:
            _check_key(key)
        _require(1 <= self.app_id < 2**53, "the app id must be a whole number from 1 (PYCALL_APP_ID)")
        _require(0 <= self.port <= 65535, "the port must be 0 to 65535 (--port, PYCALL_PORT)")
        _require(bool(self.host), "the host must not be empty (--host, PYCALL_HOST)")
        _require(bool(self.db), "the database must not be empty (--db, PYCALL_DB)")
        _require(
            not self.dev or is_loopback(self.host),
            f"--dev listens on this machine only, not on {self.host}; set PYCALL_SECRET_KEY and leave --dev away",
        )


_NO_KEY = "a secret key is required: set PYCALL_SECRET_KEY to 32 random bytes or more, or use --dev on this machine"


def make_settings(
    environ: Mapping[str, str],
    *,
    dev: bool = False,
    host: str | None = None,
    port: int | None = None,
    db: str | None = None,
    app_id: int | None = None,
    origins: tuple[str, ...] = (),
) -> Settings:
    """Arguments first, then PYCALL_HOST, _PORT, _DB, _APP_ID and _SECRET_KEY (_OLD_SECRET_KEY), then the defaults.

    With `dev` a key is made up if there is none, and unless `db` is given the database lies beside the dev file.
    """
    app = _number(environ, "PYCALL_APP_ID", DEFAULT_APP_ID) if app_id is None else app_id
    keys = tuple(key for name in ("PYCALL_SECRET_KEY", "PYCALL_OLD_SECRET_KEY") if (key := environ.get(name)))
    dev_file = dev_file_path(environ) if dev else None
    where = db or environ.get("PYCALL_DB")
    if dev_file is not None:
        make_folder(dev_file)
        keys = keys or (left_key(dev_file, app) or secrets.token_hex(32),)
        where = where or str(dev_file.with_suffix(".db"))
    return Settings(
        secret_keys=keys,
        app_id=app,
        host=host or environ.get("PYCALL_HOST") or DEFAULT_HOST,
        port=_number(environ, "PYCALL_PORT", DEFAULT_PORT) if port is None else port,
        db=where or DEFAULT_DB,
        dev=dev,
        dev_file=dev_file,
        origins=origins,
    )


def is_loopback(host: str) -> bool:
    """True if only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 16):
        raise ConfigError(ErrorCode.BAD_SETTING, f"{name} must be a whole number, not {text[:40]!r}")
    return int(text)


def _check_key(key: str) -> None:
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ConfigError(ErrorCode.BAD_SETTING, "the secret key is not UTF-8 text; use 64 hex digits") from error
    _require(size >= MIN_KEY_BYTES, f"the secret key is shorter than {MIN_KEY_BYTES} bytes; use 32 random ones")
    sample = size < _LONG and any(word in key.lower() for word in _SAMPLES)
    _require(not sample and len(set(key)) >= 6, "the secret key looks like a sample; use 32 random bytes")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(ErrorCode.BAD_SETTING, message)
