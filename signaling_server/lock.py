"""One server per database: a lock that is released when its process dies, however it dies.

Beside an SQLite file it is a lock file, which the operating system lets go; in PostgreSQL it is an advisory lock.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pycall.core.errors import ConfigError, ErrorCode


class DatabaseLock:
    """Held from `take` to `release`; the file stays, only the lock counts."""

    def __init__(self, descriptor: int, new: tuple[str, ...]) -> None:
        self._descriptor = descriptor
        self._new = new

    @classmethod
    def take(cls, database: Path) -> DatabaseLock:
        """Lock `database` for this process; raises ConfigError if another server has it or the folder is unusable."""
        target = os.path.realpath(database)  # one lock, by whatever link the file is reached
        while True:
            try:
                descriptor, new = _opened(f"{target}.lock")
            except OSError as error:
                raise ConfigError(
                    ErrorCode.BAD_SETTING,
                    f"cannot use the database {database}: {error.strerror}; choose another with --db",
                ) from error
            try:
                _lock(descriptor)
            except OSError as error:
                os.close(descriptor)
                raise ConfigError(
                    ErrorCode.BAD_SETTING,
                    f"another server is using the database {database}: it may be running already; stop it, "
                    "or choose others with --db and --port",
                ) from error
            if _is_there(descriptor, f"{target}.lock"):
                files = () if os.path.exists(target) else (target, f"{target}-wal", f"{target}-shm")
                return cls(descriptor, (*files, f"{target}.lock") if new else files)
            os.close(descriptor)  # who held it has taken it away meanwhile

    def undo(self) -> None:
        """Take away the files that were not there when the lock was taken, while nobody else can have them."""
        for path in self._new:
            with suppress(OSError):  # never made, or not while it is open (Windows)
                os.unlink(path)

    def release(self) -> None:
        """Let another server have it."""
        os.close(self._descriptor)


def _opened(path: str) -> tuple[int, bool]:
    """A descriptor of that file, and whether it was made now."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), True
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600), False


def _is_there(descriptor: int, path: str) -> bool:
    """The file that was opened is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Taken(Exception):
    """Another server holds the lock of this PostgreSQL database."""


_ADVISORY_LOCK = 0x7079_6361_6C6C
"""`pycall`; advisory locks belong to one database of the server."""


def hold_advisory_lock(connection: Any, _record: object) -> None:
    """On each new connection of the one that writes: no lock, no connection. It ends with the connection."""
    cursor = connection.cursor()
    try:
        cursor.execute(f"SELECT pg_try_advisory_lock({_ADVISORY_LOCK})")
        held = cursor.fetchone()[0]
    finally:
        cursor.close()
    connection.commit()
    if not held:
        connection.close()
        raise Taken("another server is using this database; stop it, or choose another with --db")
