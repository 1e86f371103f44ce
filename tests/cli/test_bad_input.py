"""Everything a user can get wrong: one line on stderr, a stable code, the documented exit code, never a traceback."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pycall.cli.main import run as command
from tests.command import ROOT, Environment, run

Inside = Callable[..., tuple[int, list[str], list[str]]]
COMPLAINT = re.compile(r"pycall: .+ \[(\w+)\]\Z")


def complaint(errors: list[str]) -> str:
    """The code of the one complaint; notices about missing devices may stand before it."""
    assert not any("Traceback" in line for line in errors)
    notices, last = errors[:-1], errors[-1]
    assert all("sending" in line or "playing" in line or "showing" in line for line in notices), errors
    found = COMPLAINT.match(last)
    assert found is not None, last
    return found.group(1)


@pytest.fixture
def inside(here: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """Runs a command in this process, for speed, with the environment of `here`: exit code, stdout, stderr."""
    for name in os.environ:
        if name.startswith(("PYCALL_", "PULSE_", "DISPLAY")):
            monkeypatch.delenv(name)
    for name, value in here.values.items():
        if name.startswith(("PYCALL_", "PULSE_")):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run_inside(*arguments: str) -> tuple[int, list[str], list[str]]:
        code = command(list(arguments))
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run_inside


AS_ALICE = ("--as", "alice")
CALL = ("call", "bob", *AS_ALICE, "--json")
SERVER_SAYS = ("unknown_user", "bad_argument")


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["nonsense"], "usage", 2),
        (["sig"], "usage", 2),
        (["sig", "bad/user"], "bad_argument", 2),
        (["sig", "a" * 33], "bad_argument", 2),
        (["sig", "alice", "--expire", "0"], "usage", 2),
        (["sig", "alice", "--app-id", "7"], "bad_setting", 2),
        (["call", "bob"], "bad_setting", 2),
        (["call", "bob", "--as", "no one"], "bad_argument", 2),
        (["call", "no one", *AS_ALICE], "bad_argument", 2),
        (["call", "alice", *AS_ALICE, "--json"], "bad_argument", 2),
        (["call", "stranger", *AS_ALICE, "--json"], "unknown_user", 19),
        ([*CALL, "--timeout", "soon"], "usage", 2),
        ([*CALL, "--for", "0"], "usage", 2),
        ([*CALL, "--server", "http://127.0.0.1:1"], "bad_setting", 2),
        ([*CALL, "--server", "ws://127.0.0.1:9/ws", "--sig", "x"], "unreachable", 21),
        ([*CALL, "--sig", "nonsense"], "sig_malformed", 20),
        ([*CALL, "--profile", "999p"], "bad_argument", 2),
        ([*CALL, "--audio-source", "nonsense"], "bad_argument", 2),
        ([*CALL, "--audio-source", "tone:loud"], "bad_argument", 2),
        ([*CALL, "--audio-source", "file:/nonexistent.wav"], "no_such_file", 23),
        ([*CALL, "--audio-source", "file:/dev/null"], "bad_file", 23),
        ([*CALL, "--audio-source", "mic"], "no_device", 23),
        ([*CALL, "--audio-sink", "speaker"], "no_device", 23),
        ([*CALL, "--video", "--video-source", "camera:77"], "no_device", 23),
        ([*CALL, "--video", "--video-sink", "window"], "no_display", 23),
        ([*CALL, "--record", "talk.avi"], "bad_setting", 2),
        ([*CALL, "--record", "/nonexistent/talk.mkv"], "no_such_file", 23),
        ([*CALL, "--record", "/proc/talk.mkv"], "bad_file", 23),
        (["answer", "--as", "bob", "--auto", "--record", "/proc/talk.mkv"], "bad_file", 23),
        ([*CALL, "--audio-sink", "file:z.wav"], "bad_setting", 2),
        ([*CALL, "--video-sink", "file:z"], "bad_setting", 2),
        ([*CALL, "--audio-sink", "file:/nonexistent/z.mkv"], "no_such_file", 23),
        ([*CALL, "--audio-sink", "file:/proc/z.mkv"], "bad_file", 23),
        (["answer", "--as", "bob"], "bad_setting", 2),
        (["answer", "--as", "bob", "--auto", "--reject"], "usage", 2),
        (["bot", "play", "/nonexistent.mp4", "--as", "bot"], "no_such_file", 23),
        (["bot", "play", "/etc/hostname", "--as", "bot"], "bad_file", 23),
        (["bot", "record", "talk.txt", "--as", "bot"], "bad_setting", 2),
        (["serve"], "bad_setting", 2),
        (["serve", "--dev", "--host", "0.0.0.0"], "bad_setting", 2),
        (["serve", "--secret-key-file", "/nonexistent"], "bad_setting", 2),
        (["demo", "--out", "/dev/null/demo"], "bad_setting", 2),
        (["doctor", "--server", "http://127.0.0.1"], "bad_setting", 2),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else str(value),
)
def test_a_mistake_is_one_line_with_a_code(inside: Inside, arguments: list[str], code: str, exit_code: int) -> None:
    got, out, err = inside(*arguments)
    assert (got, complaint(err)) == (exit_code, code)
    told = [json.loads(line) for line in out]
    if "--json" in arguments:
        assert told.pop() == {"event": "error_occurred", "code": code, "message": err[-1][8 : -len(f" [{code}]")]}
    assert all(event["event"] == "logged_in" for event in told)
    assert not told or code in SERVER_SAYS, "what this machine can see is told before anybody signs in"


@pytest.mark.parametrize(("arguments", "command"), [(["call"], "pycall call"), (["nonsense"], "pycall")])
def test_wrong_usage_names_the_help_that_shows_how(inside: Inside, arguments: list[str], command: str) -> None:
    _, _, err = inside(*arguments)
    assert f"({command} --help shows how)" in err[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["call", "stranger", *AS_ALICE, "--json"], "unknown_user", 19),
        ([*CALL, "--audio-source", "file:/nonexistent.wav"], "no_such_file", 23),
        (["answer", "--as", "bob"], "bad_setting", 2),
    ],
    ids=["stranger", "no file", "nobody to ask"],
)
def test_a_mistake_seen_from_outside(here: Environment, arguments: list[str], code: str, exit_code: int) -> None:
    got, out, err = run(here, *arguments)
    assert (got, complaint(err)) == (exit_code, code)
    events = [json.loads(line)["event"] for line in out]
    assert [event for event in events if event != "logged_in"] == ["error_occurred"] * ("--json" in arguments)


def test_without_a_key_nothing_is_signed(nowhere: Environment) -> None:
    code, out, err = run(nowhere, "sig", "alice")
    assert (code, out, complaint(err)) == (2, [], "bad_setting")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/ws"
        code, out, err = run(nowhere, "call", "bob", "--as", "alice", "--server", url)
    assert (code, out, complaint(err)) == (2, [], "bad_setting")
    assert "--sig" in err[0] and "PYCALL_SECRET_KEY" in err[0] and "serve --dev" in err[0]


def test_without_a_server_nobody_is_asked_for_a_ticket(nowhere: Environment) -> None:
    code, out, err = run(nowhere, "call", "bob", "--as", "alice", "--server", "ws://127.0.0.1:1/ws")
    assert (code, out, complaint(err)) == (21, [], "unreachable")
    assert "no server at ws://127.0.0.1:1/ws" in err[0] and "check the address" in err[0] and len(err) == 1
    assert "serve --dev" not in err[0], "who has named a server wants that one"


@pytest.mark.parametrize("command", [["pycall", "serve"], ["signaling_server"]], ids=["pycall", "alone"])
def test_a_database_that_cannot_be_used_is_one_line(command: list[str], tmp_path: Path) -> None:
    """Away, and its driver missing."""
    (tmp_path / "asyncpg").mkdir()
    (tmp_path / "asyncpg" / "__init__.py").write_text("raise ModuleNotFoundError('No asyncpg', name='asyncpg')\n")
    url = "postgresql://pycall:se-cret@127.0.0.1:1/calls"
    key = {"PYCALL_SECRET_KEY": "0f1e2d3c4b5a6978" * 4}
    for more, words in [({}, "look whether PostgreSQL runs there"), ({"PYTHONPATH": str(tmp_path)}, "pip install")]:
        environment = Environment(tmp_path, **key, **more)
        done = subprocess.run(
            [sys.executable, "-m", *command, "--port", "0", "--db", url],
            env=dict(environment.values),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        lines = done.stderr.splitlines()
        assert (done.returncode, len(lines)) == (2, 1) and words in lines[0] and "se-cret" not in lines[0], lines


def test_a_ticket_of_somebody_else_is_refused(inside: Inside) -> None:
    _, out, _ = inside("sig", "carol")
    code, _, err = inside(*CALL, "--sig", out[0])
    assert (code, complaint(err)) == (20, "sig_wrong_user")


def test_a_ticket_of_a_foreign_server_is_refused(inside: Inside) -> None:
    _, out, _ = inside("sig", "alice", "--secret-key", "5" * 20 + "another key")
    code, _, err = inside(*CALL, "--sig", out[0])
    assert (code, complaint(err)) == (20, "sig_invalid")


def test_a_key_of_another_server_is_named(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCALL_SECRET_KEY", "5" * 20 + "another key")
    code, _, err = inside(*CALL)
    assert (code, complaint(err)) == (20, "sig_invalid")
    assert "PYCALL_SECRET_KEY from the environment" in err[-1]
    code, _, err = inside("hooks", "listen", "--set", "--port", "0")
    assert (code, complaint(err)) == (2, "bad_setting")
    assert "PYCALL_SECRET_KEY from the environment" in err[-1] and "address" not in err[-1]


def test_a_taken_port_is_told(nowhere: Environment) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, err = run(nowhere, "serve", "--dev", "--port", port)
    assert (code, complaint(err)) == (22, "port_taken")
    assert port in err[-1]
