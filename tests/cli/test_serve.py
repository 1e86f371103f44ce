"""`pycall serve` as a service: what it says where a program reads its log."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.command import ROOT, Environment


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
