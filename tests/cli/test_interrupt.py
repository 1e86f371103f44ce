"""Ctrl-C while a command still loads: it leaves with 130 and without a word, whatever is being loaded."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.command import ROOT, Environment

NOTE = "import time:"


@pytest.mark.parametrize(
    ("loaded", "arguments"),
    [
        ("pycall.core.errors", ["--version"]),
        ("typer.core", ["sig", "bob"]),
        ("typer", ["call", "bob", "--as", "alice"]),
        ("numpy._core.multiarray", ["answer", "--as", "bob", "--auto"]),
        ("av.stream", ["doctor"]),
        ("aiohttp.http", ["hooks", "listen"]),
        ("msgspec", ["serve", "--dev", "--port", "0"]),
    ],
)
def test_while_it_loads(nowhere: Environment, loaded: str, arguments: list[str]) -> None:
    environment = {**nowhere.values, "PYTHONPROFILEIMPORTTIME": "1", "PYCALL_SECRET_KEY": "0" * 64}
    with subprocess.Popen(
        [sys.executable, "-m", "pycall", *arguments],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        told = []
        for line in process.stderr:  # what has been loaded, line by line
            told.append(line)
            if line.split("|")[-1].strip() == loaded:
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert [line for line in [*told, *err.splitlines()] if not line.startswith(NOTE)] == []
