"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, on a free port of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
SECONDS = 30.0


class Postgres:
    """Started when made; nothing of it is synced to disk, so it is quick."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pycall-pg-"))
        self._databases = 0
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        else:
            self._as = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", str(self._data), "-U", "pycall", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = ["-k", str(self._folder), "-h", "127.0.0.1", "-p", str(self.port), "-F"]
        self.process = subprocess.Popen(
            [str(BINARIES[-1] / "postgres"), "-D", str(self._data), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            **self._as,
        )
        self._wait()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(BINARIES[-1] / program), *arguments],
            check=True,
            capture_output=True,
            text=True,
            cwd=self._folder,
            timeout=SECONDS,
            **self._as,
        )
        return done.stdout

    def _wait(self) -> None:
        deadline = time.monotonic() + SECONDS
        ready = [str(BINARIES[-1] / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline and self.process.poll() is None, "PostgreSQL did not start"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What `psql` prints, without headings."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "pycall", "-d", database]
        return self._run("psql", *where, "-v", "ON_ERROR_STOP=1", "-Atc", statement)

    def new(self) -> str:
        """The URL of a fresh database."""
        self._databases += 1
        name = f"calls{self._databases}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql://pycall@127.0.0.1:{self.port}/{name}"

    def cut(self, url: str) -> None:
        """End all connections to that database, as a restart of PostgreSQL would."""
        name = url.rpartition("/")[2]
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections, and answers nobody."""
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=True)
        everybody = [self.process.pid, *map(int, listed.stdout.split())]
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(everybody):
                os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it and remove its folder."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(SECONDS)
        shutil.rmtree(self._folder)
