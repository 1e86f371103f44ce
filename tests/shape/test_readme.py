"""The README is true: its map, its commands and its programs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Every `pycall ...` command line the README shows."""
    found = []
    for block in blocks("console"):
        for line in block.splitlines():
            line = line.removeprefix("$ ").split("  #")[0].strip()
            if line.startswith("pycall "):
                found.append(line)
    return sorted(set(found))


def test_the_map_names_every_package() -> None:
    packages = {
        str(p.parent.relative_to(ROOT))
        for top in ["pycall", "signaling_server"]
        for p in (ROOT / top).rglob("__init__.py")
    }
    missing = [p for p in packages if f"{p}/" not in README]
    assert not missing


def test_the_first_two_commands_exist_and_run() -> None:
    for name in ["scripts/demo", "scripts/test"]:
        assert f"\n{name}\n" in README or f"{name} " in README
        assert (ROOT / name).stat().st_mode & 0o111


@pytest.mark.parametrize("command", commands())
def test_every_command_shown_is_understood(command: str) -> None:
    """Each sub-command and option in the README is one that the program's own help lists."""
    words = shlex.split(command)[1:]
    names = []
    for word in words:
        if not re.fullmatch(r"[a-z]+", word) or len(names) == (2 if words[0] in {"bot", "hooks"} else 1):
            break
        names.append(word)
    help_text = subprocess.run(
        [sys.executable, "-m", "pycall", *names, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "TERM": "dumb", "NO_COLOR": "1", "HOME": "/nonexistent"},
        cwd=ROOT,
    ).stdout
    for option in [w.split("=")[0] for w in words if w.startswith("--")]:
        assert option in help_text, f"{option} is not in the help of {names}"


@pytest.mark.parametrize("program", blocks("python"), ids=lambda p: p.strip().splitlines()[0][:40])
def test_every_program_shown_compiles_and_its_names_exist(program: str) -> None:
    compile(program, "README.md", "exec")
    for line in program.splitlines():
        if line.startswith(("import ", "from ")):
            exec(line, {})
