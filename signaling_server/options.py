"""Every setting of the server, once: its key in the settings file, its flag, environment name, default and meaning.

To add a setting: a field in `Settings` (or in a dataclass that is a field of it: `limits.waiting` is
`Settings.limits.waiting`) and one `Option` here. Flags, environment, file and `--help` follow from this list, the
README's table too (`python -m signaling_server --settings` prints it), and a test holds all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


class Kind(Enum):
    """What a value is, and how it is written."""

    TEXT = "text"
    NUMBER = "a whole number"
    REAL = "a number"
    SWITCH = "true or false"
    LIST = "a list"
    """Flags are repeated, the environment separates by commas, the file has an array."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting. Its key has a dot if it lies in a part of the settings: `[limits]` in the file."""

    key: str
    help: str
    default: str = ""
    """As people read it; a test compares it with what the settings say."""
    kind: Kind = Kind.TEXT
    metavar: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    has_flag: bool = True
    """Secrets have none: other users of the machine see command lines."""
    in_file: bool = True
    singular: str = ""
    """The flag of a list is repeated, so it names one."""
    secret: bool = False
    """A settings file that holds it must not be readable by others."""

    @property
    def name(self) -> str:
        """As a Python argument."""
        return self.key.replace(".", "_")

    @property
    def flag(self) -> str | None:
        """As on the command line."""
        return "--" + (self.singular or self.name).replace("_", "-") if self.has_flag else None

    @property
    def env(self) -> str:
        """As in the environment."""
        return f"PYCALL_{self.name.upper()}"

    @property
    def spoken(self) -> str:
        """In an error: every name under which it may have been given."""
        return " / ".join(filter(None, [self.flag, self.env, self.key if self.in_file else ""]))


OPTIONS: tuple[Option, ...] = (
    Option("config", "Settings file (TOML); every other source goes before it.", metavar="FILE", in_file=False),
    Option("dev", "Make up a secret key and listen on this machine only.", "false", Kind.SWITCH),
    Option("dev_file", "Where the development server leaves its note.", "in the user's state folder", has_flag=False,
           in_file=False),
    Option("host", "Address to listen on.", "127.0.0.1", metavar="ADDRESS"),
    Option("port", "Port to listen on; 0 takes a free one.", "8790", Kind.NUMBER, low=0, high=65535),
    Option("db", "Where calls are kept: a file name or a database URL.", "pycall.db; with --dev beside its note",
           metavar="URL"),
    Option("migrate", "Bring a database of an older version to the newest before serving.", "false", Kind.SWITCH),
    Option("db_sync", "What a stored call survives with SQLite: normal, the death of the server; full, that of the "
           "machine too, at one sync of the disk for each commit.", "normal", choices=("normal", "full"),
           has_flag=False),
    Option("app_id", "SDKAppID of the tickets.", "1400000000", Kind.NUMBER, low=1, high=2**53 - 1),
    Option("secret_key", "Key that signs tickets, 32 random bytes.", has_flag=False, secret=True),
    Option("old_secret_key", "Key that is good as well while keys are rotated.", has_flag=False, secret=True),
    Option("secret_key_file", "File that holds the secret key instead.", metavar="FILE"),
    Option("origins", "Origins of web pages that may connect, besides the server's own.", "none", Kind.LIST,
           singular="origin", metavar="ORIGIN"),
    Option("log", "Lines below this level are left out.", "info", choices=LEVELS),
    Option("log_format", "Lines for people, or one JSON object per line.", "text", choices=FORMATS),
    Option("metrics_port", "Port of its own for /metrics, on this machine only; without it /metrics is on the main "
           "port, for programs on this machine that come without a proxy.", "none", Kind.NUMBER, low=0, high=65535),
    Option("admins", "Administrators: NAME (or NAME:write), or NAME:read for one that changes nothing.",
           "administrator", Kind.LIST, singular="admin", metavar="NAME"),
    Option("apps_file", "TOML file with more apps: [[apps]] with app_id, secret_keys and admins.", metavar="FILE"),
    Option("tls.cert", "Certificate (PEM), for wss:// and https://.", metavar="FILE"),
    Option("tls.key", "The certificate's private key.", metavar="FILE"),
    Option("proxies", "Proxies whose X-Forwarded-For is believed: addresses or networks.", "none", Kind.LIST,
           singular="proxy", metavar="NETWORK"),
    Option("turn.urls", "TURN and STUN servers that clients are told of.", "none", Kind.LIST, singular="turn_url",
           metavar="URL"),
    Option("turn.secret", "Secret shared with the TURN servers (coturn: static-auth-secret).", has_flag=False,
           secret=True),
    Option("turn.seconds", "How long TURN credentials are good for; clients get new ones in time.", "600", Kind.NUMBER,
           low=20, high=600),
    Option("limits.ticket_seconds", "Longest life of a ticket that is accepted.", "15552000", Kind.NUMBER, low=60,
           high=15_552_000),
    Option("limits.ticket_grace", "Seconds a client outside calls may stay after its ticket has run out.", "60",
           Kind.REAL, low=0, high=3600),
    Option("limits.failures", "Failed logins a minute from one address, and for one user.", "10", Kind.NUMBER, low=1,
           high=100_000),
    Option("limits.sockets_per_user", "Sockets of one user.", "5", Kind.NUMBER, low=1, high=1000),
    Option("limits.sockets_per_address", "Sockets from one address; this machine's own are not counted.", "50",
           Kind.NUMBER, low=1, high=1_000_000),
    Option("limits.sockets", "Sockets in all.", "20000", Kind.NUMBER, low=1, high=1_000_000),
    Option("limits.calls_per_user", "Calls a minute that one user may begin (with --dev 100000).", "60", Kind.NUMBER,
           low=1, high=100_000),
    Option("limits.calls_to_callee", "Calls an hour from one user to the same other (with --dev 1000000).", "120",
           Kind.NUMBER, low=1, high=1_000_000),
    Option("limits.calls_per_address", "Calls a minute from one address; this machine's own are not counted.", "100",
           Kind.NUMBER, low=1, high=1_000_000),
    Option("keep_days", "How long records of calls and dead letters are kept.", "7", Kind.REAL, low=0.01, high=36500),
    Option("callbacks.allow_private", "Callbacks may go to private networks and to this machine (with --dev they may "
           "always).", "false", Kind.SWITCH),
    Option("callbacks.retries", "Seconds before each retry of a callback after the documented ones; then it is a dead "
           "letter.", "30, 300, 1800, 7200, 18000, 36000", Kind.LIST, singular="callback_retry", metavar="SECONDS"),
    Option("limits.rest_rate", "Times the documented rates of REST commands (10, 20 or 200 a second).", "1", Kind.REAL,
           low=0.01, high=1000),
    Option("limits.waiting", "Sockets that have not signed in yet.", "200", Kind.NUMBER, low=1, high=100_000),
    Option("limits.message_rate", "Messages a second that one client may send in the long run.", "20", Kind.REAL,
           low=1, high=10_000),
    Option("limits.message_burst", "Messages it may send at once.", "100", Kind.NUMBER, low=1, high=100_000),
)  # fmt: skip

BY_KEY: Mapping[str, Option] = {option.key: option for option in OPTIONS}
BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}


def table() -> str:
    """The README's table of settings, in Markdown."""
    rows = ["| Key in the file | Flag | Environment | Default | What it is |", "| --- | --- | --- | --- | --- |"]
    for option in OPTIONS:
        names = [option.key if option.in_file else "", option.flag or "", option.env]
        meaning = option.help + (f" One of {', '.join(option.choices)}." if option.choices else "")
        cells = [*(f"`{name}`" if name else "" for name in names), option.default, meaning]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)
