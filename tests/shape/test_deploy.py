"""What runs the server elsewhere is true: the unit, the image, the sample settings name what is really there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from signaling_server.layers import read_file
from signaling_server.options import OPTIONS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "scripts" / "deploy"
NAMES = {option.env for option in OPTIONS}
INSTRUCTIONS = {"FROM", "COPY", "RUN", "USER", "WORKDIR", "VOLUME", "ENV", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "CMD"}


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_made_of_what_is_there() -> None:
    assert {word for word, _ in instructions()} <= INSTRUCTIONS
    assert [word for word, _ in instructions()].index("USER") < [word for word, _ in instructions()].index("CMD")
    copied = [part for word, rest in instructions() if word == "COPY" for part in rest.split()[:-1]]
    assert {"pyproject.toml", "README.md", "LICENSE", "pycall", "signaling_server"} == set(copied)
    assert all((ROOT / part).exists() for part in copied)
    needed = re.findall(r'readme = "(.*)"|license-files = \["(.*)"\]', (ROOT / "pyproject.toml").read_text())
    assert {name for pair in needed for name in pair if name} <= set(copied)


def test_the_image_runs_the_server_with_settings_it_has() -> None:
    said = dict(reversed(instructions()))
    assert json.loads(said["CMD"]) == ["pycall", "serve"]
    env = dict(pair.split("=", 1) for pair in said["ENV"].split())
    assert set(env) <= NAMES
    check = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
    compile(check[2], "healthcheck", "exec")
    assert f":{env['PYCALL_PORT']}/healthz" in check[2] and said["EXPOSE"] == env["PYCALL_PORT"]
    assert env["PYCALL_DB"].startswith(said["VOLUME"] + "/")


def test_the_sample_settings_are_good() -> None:
    assert read_file(str(DEPLOY / "pycall.toml"))["port"] == 8790


def test_the_unit_names_settings_and_commands_that_exist() -> None:
    unit = (DEPLOY / "pycall.service").read_text()
    assert set(re.findall(r"\b(PYCALL_\w+)=", unit)) <= NAMES
    command = re.findall(r"^ExecStart=/opt/pycall/bin/(\w+) (\w+)$", unit, re.MULTILINE)
    assert command == [("pycall", "serve")]
    credentials = set(re.findall(r"^LoadCredential=(\w+):", unit, re.MULTILINE))
    assert set(re.findall(r"=%d/(\w+)", unit)) == credentials


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Where systemd is installed: no word of complaint. The command is not at its place here."""
    if shutil.which("systemd-analyze") is None:
        return
    unit = (DEPLOY / "pycall.service").read_text().replace("/opt/pycall/bin/pycall", sys.executable)
    (tmp_path / "pycall.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "pycall.service")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not [line for line in done.stderr.splitlines() if "pycall.service" in line], done.stderr
