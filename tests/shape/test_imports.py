"""Who may import whom: the plan of the rooms, held by reading the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

THIRD_PARTY = {
    "aiohttp",
    "aioice",
    "aiortc",
    "av",
    "cryptography",
    "cv2",
    "msgspec",
    "numpy",
    "OpenSSL",
    "prometheus_client",
    "pylibsrtp",
    "rich",
    "onnxruntime",
    "pulsectl",
    "sounddevice",
    "sqlalchemy",
    "typer",
}
OUTSIDE = {"asyncio", "random", "secrets", "socket", "threading", "time"}

# Room -> what it may import of pycall, of third parties, and (for the pure room) which standard modules it may not.
PUBLIC = {"pycall", "pycall.config", "pycall.core.types", "pycall.core.errors", "pycall.core.events"}
RULES: dict[str, tuple[set[str], set[str], set[str]]] = {
    "pycall/core": ({"pycall.core"}, {"msgspec"}, OUTSIDE),
    "pycall/signaling": ({"pycall.core", "pycall.signaling"}, {"aiohttp"}, set()),
    "pycall/media": ({"pycall.core.types", "pycall.core.errors", "pycall.media"}, {"av", "numpy"}, set()),
    "pycall/rtc": (
        {"pycall.core", "pycall.rtc"},
        {"aiortc", "aioice", "av", "numpy", "pylibsrtp", "OpenSSL", "cryptography"},
        set(),
    ),
    "signaling_server": (
        {"pycall.core", "signaling_server"},
        {"aiohttp", "msgspec", "prometheus_client", "sqlalchemy"},
        set(),
    ),
    "pycall/compat": ({*PUBLIC, "pycall.compat"}, set(), set()),
    "pycall/bots": ({*PUBLIC, "pycall.bots"}, {"av", "numpy"}, set()),
}
INSIDE_FUNCTIONS = {
    "pycall/media/devices": {"sounddevice", "cv2", "pulsectl"},
    "pycall/media/process": {"cv2", "onnxruntime"},
}


def modules_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported; `from a import b` gives `a.b` if that is a module of ours, else `a`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                path = ROOT / Path(*inner.split("."))
                yield inner if path.with_suffix(".py").exists() or (path / "__init__.py").exists() else node.module


def absolute(path: Path, tree: ast.AST) -> Iterator[str]:
    """Relative imports, written out."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield ".".join([*base, *([node.module] if node.module else [])])


def within(name: str, allowed: set[str]) -> bool:
    return any(name == one or (name.startswith(one + ".") and one != "pycall") for one in allowed)


@pytest.mark.parametrize("room", RULES)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    ours, theirs, never = RULES[room]
    wrong = []
    for path in modules_of(room):
        tree = ast.parse(path.read_text())
        lazy = INSIDE_FUNCTIONS.get(str(path.relative_to(ROOT).parent), set())
        for name in [*imports_of(tree), *absolute(path, tree)]:
            top = name.split(".")[0]
            if (
                (top in {"pycall", "signaling_server"} and not within(name, ours))
                or (top in THIRD_PARTY and top not in theirs | lazy)
                or top in never
            ):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_device_libraries_are_imported_only_inside_functions() -> None:
    wrong = []
    for path in modules_of("pycall"):
        tree = ast.parse(path.read_text())
        outer = ast.Module(
            body=[n for n in tree.body if not isinstance(n, ast.FunctionDef | ast.ClassDef)], type_ignores=[]
        )
        lazy = set().union(*INSIDE_FUNCTIONS.values())
        wrong += [f"{path.relative_to(ROOT)}: {n}" for n in imports_of(outer) if n.split(".")[0] in lazy]
    assert not wrong


def test_only_rtc_knows_aiortc() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in [*modules_of("pycall"), *modules_of("signaling_server")]
        if "pycall/rtc" not in str(path)
        and any(n.split(".")[0] in {"aiortc", "aioice"} for n in imports_of(ast.parse(path.read_text())))
    ]
    assert not wrong


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    return set(done.stdout.split())


def test_the_server_loads_no_media_library() -> None:
    assert not loaded_after("import signaling_server.app") & {"av", "aiortc", "aioice", "cv2", "sounddevice", "numpy"}


def test_the_package_and_its_core_load_no_media_library() -> None:
    heavy = {"av", "aiortc", "aioice", "cv2", "sounddevice", "numpy", "aiohttp"}
    assert not loaded_after("import pycall, pycall.core.line, pycall.core.wire, pycall.core.usersig") & heavy


def test_the_engine_loads_no_device_library() -> None:
    assert not loaded_after("from pycall import CallEngine") & {"cv2", "sounddevice"}
