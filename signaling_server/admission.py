"""Who may sign in: the login's form, its app and its ticket; and how often somebody may fail."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass

from pycall.core.errors import ErrorCode, LoginError, PyCallError, RemoteProtocolError
from pycall.core.usersig import check_user_sig
from pycall.core.wire import PROTOCOL_VERSION, Login, decode_from_client

from .addresses import bucket_of, is_local
from .apps import App
from .clock import Clock
from .limits import KeyedLimit, Limits
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Admitted:
    """A login whose ticket is good until `expires_at` (Unix seconds)."""

    login: Login
    app: App
    expires_at: float


class Failures:
    """Counts tickets that were no good, by address and by user; whoever has a good one gets in all the same.

    So somebody behind the same address, or under attack by name, is not locked out, while a guesser learns nothing
    more for `penalty` seconds. Keeps a bounded number of both.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._counts = KeyedLimit(limits.failures, 60.0)
        self._penalties = KeyedLimit(1, limits.penalty)

    def add(self, address: str, app_id: int, user_id: str) -> bool:
        """One more; True if that is too many."""
        now = time.monotonic()
        keys: list[Hashable] = [(app_id, user_id)] if user_id else []
        if self._limits.count_this_machine or not is_local(address):
            keys.append(bucket_of(address))
        refused = [self._one(key, now) for key in keys]
        return True in refused

    def __len__(self) -> int:
        """How many counters are kept."""
        return len(self._counts) + len(self._penalties)

    def _one(self, key: Hashable, now: float) -> bool:
        if self._penalties.wait(key, now) > 0.0:
            return True
        if self._counts.take(key, now):
            return False
        return self._penalties.take(key, now)


class Admission:
    """Checks logins for every app of the server."""

    def __init__(self, settings: Settings, clock: Clock, failures: Failures) -> None:
        self._apps = settings.apps
        self._max_expire = settings.limits.ticket_seconds
        self._clock = clock
        self._failures = failures

    def admit(self, frame: str | bytes, address: str) -> Admitted:
        """A first frame; raises RemoteProtocolError or LoginError, with TOO_MANY for one who failed too often."""
        login = None
        try:
            login = _login_of(frame)
            return self._checked(login)
        except PyCallError as error:
            self._count(error, address, login)
            raise

    def admit_again(self, login: Login, address: str) -> Admitted:
        """A login on a socket that is signed in; raises LoginError."""
        try:
            return self._checked(login)
        except LoginError as error:
            self._count(error, address, login)
            raise

    def _count(self, error: PyCallError, address: str, login: Login | None) -> None:
        app_id, user_id = (login.app_id, login.user_id) if login is not None else (0, "")
        if self._failures.add(address, app_id, user_id):
            raise LoginError(ErrorCode.TOO_MANY, "too many logins failed; try again in a minute") from error

    def _checked(self, login: Login) -> Admitted:
        if login.version != PROTOCOL_VERSION:
            raise LoginError(ErrorCode.BAD_VERSION, f"this server speaks version {PROTOCOL_VERSION} of the protocol")
        app = self._apps.get(login.app_id)
        if app is None:
            raise LoginError(ErrorCode.SIG_WRONG_APP, f"this server does not serve app {login.app_id}")
        expires_at = check_user_sig(
            login.user_sig,
            app_id=app.app_id,
            secret_keys=app.secret_keys,
            user_id=login.user_id,
            now=self._clock.now(),
            max_expire=self._max_expire,
        )
        return Admitted(login, app, expires_at)


def _login_of(frame: str | bytes) -> Login:
    login = decode_from_client(frame)
    if not isinstance(login, Login) or isinstance(frame, bytes):
        raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, "the first frame must be a login, as text")
    return login
