"""What `import pycall` gives a program and its type checker."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pycall

SOURCE = Path(pycall.__file__)


def seen_by_type_checkers() -> dict[str, str]:
    """Name -> module of every import under `if TYPE_CHECKING:`."""
    tree = ast.parse(SOURCE.read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: node.module or "" for node in imports for alias in node.names}


def test_a_type_checker_sees_the_same_names_from_the_same_modules() -> None:
    assert seen_by_type_checkers() == pycall._HOMES


def test_a_strict_checker_knows_the_type_of_an_event(tmp_path: Path) -> None:
    program = tmp_path / "bot.py"
    program.write_text(
        "from pycall import CallEngine, CallEnded, CallReceived\n"
        "async def main(engine: CallEngine) -> None:\n"
        "    def received(event: CallReceived) -> None:\n"
        "        reveal_type(event.caller)\n"
        "    engine.on(CallReceived, received)\n"
        "    engine.on(CallEnded, lambda event: reveal_type(event.duration))\n"
        "    ended = await engine.wait_for(CallEnded, timeout=1)\n"
        "    reveal_type(ended.reason)\n"
        "    engine.on(CallEnded, received)\n"
        "    engine.no_such_verb()\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=55, cwd=SOURCE.parents[1])
    lines = done.stdout.splitlines()
    revealed = [line.split('"')[1] for line in lines if "Revealed type" in line]
    assert revealed == ["str", "float", "pycall.core.types.EndReason"], done.stdout
    errors = [line for line in lines if "error:" in line]
    assert [line.split("[")[-1] for line in errors] == ["arg-type]", "attr-defined]"], done.stdout
