"""Who we are to which server: user, ticket, address, taken from options, the environment or the dev server's file."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from pycall.config import DEFAULT_APP_ID, DEFAULT_SERVER
from pycall.core.errors import ConfigError, ErrorCode, LoginError, SignalingError
from pycall.core.types import is_user_id

from .devfile import DevServer, read_dev_file

TICKET_SECONDS = 86400
"""How long a ticket made on the spot is good."""
LOOK_SECONDS = 1.0
"""For the question whether there is a server, before a ticket for it is asked for."""
_PORTS = {"ws": 80, "wss": 443}
FOREIGN_KEY = (
    "the ticket was made with PYCALL_SECRET_KEY from the environment: set it to that server's key, or unset it"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a login needs; `user_sig` is a secret and is not shown."""

    user_id: str
    user_sig: str
    server: str
    app_id: int
    by_environment: bool = False
    """The ticket was made on the spot, with PYCALL_SECRET_KEY."""

    def explained(self, error: LoginError) -> LoginError:
        """`error` with where the key came from, if that is what the server did not like."""
        if error.code is not ErrorCode.SIG_INVALID or not self.by_environment:
            return error
        return LoginError(error.code, f"{error.message}; {FOREIGN_KEY}")

    def __repr__(self) -> str:
        return f"Identity({self.user_id} at {self.server})"


def _wrong(message: str, code: ErrorCode = ErrorCode.BAD_SETTING) -> ConfigError:
    return ConfigError(code, message)


def check_user(user: str) -> str:
    """`user`, if it can be a user id; else a ConfigError."""
    if not is_user_id(user):
        raise _wrong(f"{user[:40]!r} cannot be a user: use 1 to 32 of A-Z a-z 0-9 _ and -", code=ErrorCode.BAD_ARGUMENT)
    return user


def check_app(app_id: int | None, dev: DevServer) -> DevServer:
    """`dev`, if its made-up key is good for the app that was named; else a ConfigError."""
    if app_id not in {None, dev.app_id}:
        raise _wrong(
            f"the development server's app is {dev.app_id}, not {app_id}: leave --app-id (PYCALL_APP_ID) out, or give "
            "the key of that app (PYCALL_SECRET_KEY)"
        )
    return dev


def check_server(server: str) -> str:
    """`server`, if it can be a server's address; else a ConfigError."""
    parts = urlsplit(server)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise _wrong(f"{server[:80]!r} is no server address: use ws://HOST:PORT/ws or wss://HOST/ws")
    return server


def _ticket(user: str, app_id: int, secret_key: str, expire: int) -> str:
    import time

    from pycall.core.usersig import make_user_sig

    return make_user_sig(app_id, secret_key, user, now=int(time.time()), expire=expire)


def make_ticket(user: str, *, app_id: int | None, secret_key: str | None, expire: int) -> str:
    """A UserSig for `user`, good for `expire` seconds; raises ConfigError if no secret key can be found."""
    check_user(user)
    if secret_key:
        return _ticket(user, app_id or DEFAULT_APP_ID, secret_key, expire)
    dev = read_dev_file()
    if dev is None:
        raise _wrong(
            "no secret key: set PYCALL_SECRET_KEY (or start `pycall serve --dev` on this machine, and wait until it "
            "has printed its address)"
        )
    return _ticket(user, check_app(app_id, dev).app_id, dev.secret_key, expire)


def find_identity(as_user: str | None, *, server: str | None, sig: str | None, app_id: int | None) -> Identity:
    """Who to sign in as, where, and with which ticket; raises ConfigError that says what is missing."""
    if not as_user:
        raise _wrong("who are you? give --as USER (or set PYCALL_USER)")
    user = check_user(as_user)
    if server is not None:
        check_server(server)
    dev = read_dev_file()
    there = server or (dev.url if dev else DEFAULT_SERVER)
    app = app_id or (dev.app_id if dev and dev.url == there else DEFAULT_APP_ID)
    secret_key = os.environ.get("PYCALL_SECRET_KEY")
    if sig:
        return Identity(user, sig, there, app)
    if secret_key:
        return Identity(user, _ticket(user, app, secret_key, TICKET_SECONDS), there, app, by_environment=True)
    if dev is None or dev.url != there:
        if _nobody_listens(there):
            raise SignalingError(ErrorCode.UNREACHABLE, f"no server at {there}; {_advice(named=server is not None)}")
        raise _wrong(
            "no ticket: give --sig TICKET (made by `pycall sig` where the server's key is), set PYCALL_SECRET_KEY, "
            "or start `pycall serve --dev` on this machine"
        )
    app = check_app(app_id, dev).app_id
    return Identity(user, _ticket(user, app, dev.secret_key, TICKET_SECONDS), there, app)


def _advice(*, named: bool) -> str:
    if named:
        return "check the address (--server, PYCALL_SERVER), and whether the server runs"
    return "start one with `pycall serve --dev`, or name yours with --server"


def _nobody_listens(server: str) -> bool:
    """Whether that machine says so at once; one that is slow to answer has the benefit of the doubt."""
    parts = urlsplit(server)
    try:
        socket.create_connection((parts.hostname or "", parts.port or _PORTS[parts.scheme]), LOOK_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):
        return False
    return False
