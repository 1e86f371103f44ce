"""`pycall serve` as a service: what it says where a program reads its log."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from pycall.cli.devfile import read_dev_file
from tests.command import ROOT, Environment, run


def test_a_second_server_learns_that_one_is_running_there(here: Environment) -> None:
    """Not that the database, which it never named, is in use."""
    note = read_dev_file(Path(here.values["PYCALL_DEV_FILE"]))
    assert note is not None
    port = str(urlsplit(note.url).port)
    code, out, err = run(here, "serve", "--dev", "--port", port)
    assert (code, out, len(err)) == (22, [], 1)
    assert f"port {port}" in err[0] and "a server is running there already" in err[0] and "[port_taken]" in err[0]


def test_with_a_log_of_json_lines_nothing_else_is_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pycall", "serve", "--dev", "--port", "0", "--log-format", "json"]
    with subprocess.Popen(
        command,
        env=dict(Environment(tmp_path).values),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None and server.stdout is not None
        said = [json.loads(server.stderr.readline())]
        while "listening" not in said[-1]["message"]:
            said.append(json.loads(server.stderr.readline()))
        server.send_signal(signal.SIGTERM)
        said += map(json.loads, server.stderr)
        assert server.stdout.read() == ""
    assert server.returncode == 0 and said[-1]["message"] == "stopped"
