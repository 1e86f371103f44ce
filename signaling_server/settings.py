"""What the server can be told, by flags, environment and file; anything missing or wrong is one clear line."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pycall.core.errors import ConfigError, ErrorCode

from .devfile import dev_file_path, left_key, make_folder
from .layers import Value, layered
from .limits import Limits
from .options import FORMATS, LEVELS

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
    log: str = "info"
    """The lowest level that is logged."""
    log_format: str = "text"
    """`text` for people, `json` for programs."""
    metrics_port: int | None = None
    """Where /metrics is served apart, on loopback; 0: any free port; None: on `port`, for this machine only."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        _require(bool(self.secret_keys), _NO_KEY)
        for key in self.secret_keys:
            _check_key(key)
        _require(1 <= self.app_id < 2**53, "the app id must be a whole number from 1 (PYCALL_APP_ID)")
        _require(0 <= self.port <= 65535, "the port must be 0 to 65535 (--port, PYCALL_PORT)")
        _require(bool(self.host), "the host must not be empty (--host, PYCALL_HOST)")
        _require(bool(self.db), "the database must not be empty (--db, PYCALL_DB)")
        _require(self.log in LEVELS, f"the log's level must be one of {', '.join(LEVELS)} (--log, PYCALL_LOG)")
        _require(self.log_format in FORMATS, f"the log's format must be one of {', '.join(FORMATS)} (--log-format)")
        _require(
            not self.dev or is_loopback(self.host),
            f"--dev listens on this machine only, not on {self.host}; set PYCALL_SECRET_KEY and leave --dev away",
        )


_NO_KEY = "a secret key is required: set PYCALL_SECRET_KEY to 32 random bytes or more, or use --dev on this machine"


def make_settings(environ: Mapping[str, str], **arguments: object) -> Settings:
    """Settings from arguments (by the names in `options`), then the environment, then the file that `config` names.

    With `dev` a key is made up if there is none, and unless `db` is given the database lies beside the dev file.
    Raises ConfigError.
    """
    values = layered(environ, arguments)
    keys = _secret_keys(values)
    noted = values.pop("dev_file", None)
    if values.get("dev"):
        dev_file = Path(str(noted)) if noted else dev_file_path(environ)
        make_folder(dev_file)
        app_id = int(str(values.get("app_id", DEFAULT_APP_ID)))
        keys = keys or (left_key(dev_file, app_id) or secrets.token_hex(32),)
        values.setdefault("db", str(dev_file.with_suffix(".db")))
        return Settings(secret_keys=keys, dev_file=dev_file, **_parts(values))
    return Settings(secret_keys=keys, **_parts(values))


def _secret_keys(values: dict[str, Value]) -> tuple[str, ...]:
    """Takes the keys out of the values; the first signs."""
    file = values.pop("secret_key_file", None)
    key, old = values.pop("secret_key", None), values.pop("old_secret_key", None)
    if file is not None and key is None:
        key = _read_key(str(file))
    return tuple(str(one) for one in (key, old) if one)


def _read_key(path: str) -> str:
    """The secret key in a file, without the line's end."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(ErrorCode.BAD_SETTING, f"cannot read the secret key in {path!r}: {reason}") from error


def _parts(values: Mapping[str, Value]) -> dict[str, Any]:
    """The fields of Settings; keys with a dot change one field of a part that is a dataclass of its own."""
    given: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
    for key, value in values.items():
        part, dot, name = key.partition(".")
        if dot:
            given[part] = replace(given.get(part, _default(part)), **{name: value})
    return given


def _default(part: str) -> Any:
    [made] = [f.default_factory for f in fields(Settings) if f.name == part]
    if made is MISSING:
        raise LookupError(f"{part} is no part of Settings")
    return made()


def is_loopback(host: str) -> bool:
    """True if only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
