"""The README's way from nothing to a signed callback, typed as it stands; only ports and folders are free ones."""

from __future__ import annotations

import re
import shlex
import socket
import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.command import ROOT, Command, Environment, run

SECRET_KEY = "6d0f7e9c1b3a5842e0d9f4c7a8b61532"


def typed() -> list[list[str]]:
    """The commands of the section "Running the server", without `pycall`."""
    section = re.search(
        r"^## Running the server\n(.*?)^## ", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert section is not None
    block = re.findall(r"```console\n(.*?)```", section[1], re.DOTALL)[0]
    assert block.startswith("export PYCALL_SECRET_KEY=$(")
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines()[1:] if line.startswith("pycall ")]


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as it:
        return str(it.getsockname()[1])


@pytest.mark.timeout(150)
def test_from_nothing_to_a_signed_callback(tmp_path: Path) -> None:
    serve, hooks, answer, call, sig = typed()
    port = free_port()
    environment = Environment(
        tmp_path,
        PYCALL_SECRET_KEY=SECRET_KEY,
        PYCALL_PORT=port,
        PYCALL_METRICS_PORT="0",
        PYCALL_DB=str(tmp_path / "pycall.db"),
        PYCALL_SERVER=f"ws://127.0.0.1:{port}/ws",
    )
    silent = ["--audio-source", "tone:440", "--video-source", "pattern", "--audio-sink", "null", "--video-sink", "null"]
    with ExitStack() as stack:
        server = stack.enter_context(Command(environment, *serve))
        server.line("Ctrl-C ends the server")
        receiver = stack.enter_context(Command(environment, *hooks, "--port", "0"))
        receiver.line("listening on")
        bob = stack.enter_context(Command(environment, *answer, *silent, "--json"))
        bob.event("logged_in")
        assert run(environment, *call, *silent)[0] == 0
        for command in [
            "caller_start_call",
            "Call.CallbackAfterStartCall",
            "caller_call_end",
            "Call.CallbackAfterEndCall",
        ]:
            if not any(f"'{command}'" in line for line in receiver.out):
                receiver.line(f"'{command}'")
        assert all("signature good" in line for line in receiver.out if "listening" not in line)
        code, out, _ = run(environment, *sig)
        assert code == 0 and len(out[0]) > 100, "the ticket for the admin page"
        for one in [bob, receiver, server]:
            one.interrupt()
            one.ended()
    with sqlite3.connect(tmp_path / "pycall.db") as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (1,)
    connection.close()
