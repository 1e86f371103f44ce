"""What the server can be told, by flags, environment and file; anything missing or wrong is one clear line."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.webhook import webhook_secret

from .addresses import networks_of
from .apps import Admin, App, admins_of, read_apps, require
from .callback_rules import CallbackRules
from .devfile import dev_file_path, left_key, make_folder
from .layers import Value, layered
from .limits import Limits
from .options import FORMATS, LEVELS
from .origins import is_origin
from .tls import Tls
from .turn import Turn

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8790
DEFAULT_DB = "pycall.db"
DEFAULT_APP_ID = 1400000000


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
    migrate: bool = False
    """Bring the database to the newest version first."""
    db_sync: str = "normal"
    """`full`: every commit is on disk before anybody is told (SQLite)."""
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
    admins: tuple[Admin, ...] = (Admin(),)
    """Who may use the REST interface of `app_id`."""
    more_apps: tuple[App, ...] = ()
    """Served besides `app_id`, each by itself."""
    proxies: tuple[str, ...] = ()
    """Addresses and networks whose X-Forwarded-For is believed."""
    keep_days: float = 7.0
    """For records and dead letters."""
    callbacks: CallbackRules = field(default_factory=CallbackRules)
    limits: Limits = field(default_factory=Limits)
    tls: Tls = field(default_factory=Tls)
    turn: Turn = field(default_factory=Turn)

    def __post_init__(self) -> None:
        require(bool(self.secret_keys), _NO_KEY)
        require(len(self.apps) == 1 + len(self.more_apps), "two apps have the same number (apps_file, --app-id)")
        networks_of(self.proxies)
        for origin in self.origins:
            advice = "an origin is https://HOST or https://HOST:PORT, in lower case and without a path"
            require(is_origin(origin), f"{advice}, not {origin[:60]!r} (--origin, PYCALL_ORIGINS)")
        require(0 <= self.port <= 65535, "the port must be 0 to 65535 (--port, PYCALL_PORT)")
        require(bool(self.host), "the host must not be empty (--host, PYCALL_HOST)")
        require(bool(self.db), "the database must not be empty (--db, PYCALL_DB)")
        require(self.log in LEVELS, f"the log's level must be one of {', '.join(LEVELS)} (--log, PYCALL_LOG)")
        require(self.log_format in FORMATS, f"the log's format must be one of {', '.join(FORMATS)} (--log-format)")
        require(
            not self.dev or is_loopback(self.host),
            f"--dev listens on this machine only, not on {self.host}; set PYCALL_SECRET_KEY and leave --dev away",
        )

    @property
    def apps(self) -> dict[int, App]:
        """Every app, by its number; the first one is `app_id`."""
        first = App(app_id=self.app_id, secret_keys=self.secret_keys, admins=self.admins)
        return {app.app_id: app for app in (first, *self.more_apps)}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be shown."""
        pairs = [(app.app_id, key) for app in self.apps.values() for key in app.secret_keys]
        webhooks = (webhook_secret(key, app_id) for app_id, key in pairs)
        shared = [self.turn.secret] if self.turn.secret else []
        return (*(key for _, key in pairs), *webhooks, *shared)


_NO_KEY = "a secret key is required: set PYCALL_SECRET_KEY to 32 random bytes or more, or use --dev on this machine"


_FREE_CALLS: dict[str, Value] = {"limits.calls_per_user": 100_000, "limits.calls_to_callee": 1_000_000}
"""On a development server, where the same two programs call each other all day."""


def make_settings(environ: Mapping[str, str], **arguments: object) -> Settings:
    """Settings from arguments (by the names in `options`), then the environment, then the file that `config` names.

    With `dev` a key is made up if there is none, unless `db` is given the database lies beside the dev file, and unless
    told otherwise anybody may call anybody as often as they like.
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
        values = {"db": str(dev_file.with_suffix(".db")), **_FREE_CALLS, **values}
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
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(ErrorCode.BAD_SETTING, f"cannot read the secret key in {path!r}: {reason}") from error
    require(bool(key), f"there is no secret key in {path!r}: write 32 random bytes into it, as 64 hex digits")
    return key


def _parts(values: Mapping[str, Value]) -> dict[str, Any]:
    """The fields of Settings; keys with a dot change one field of a part that is a dataclass of its own."""
    given: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
    if (names := given.pop("admins", None)) is not None:
        given["admins"] = admins_of(names)
    if (path := given.pop("apps_file", None)) is not None:
        given["more_apps"] = read_apps(path)
    changes: dict[str, dict[str, Value]] = {}
    for key, value in values.items():
        part, dot, name = key.partition(".")
        if dot:
            changes.setdefault(part, {})[name] = value
    for part, fields_of_it in changes.items():
        given[part] = replace(_default(part), **fields_of_it)
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
