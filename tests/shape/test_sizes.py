"""Files and functions stay small: the tail is where reading hurts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "pycall").rglob("*.py"), *(ROOT / "signaling_server").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def functions(path: Path) -> list[tuple[str, int]]:
    return [
        (node.name, node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    ]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_file_is_over_400_lines() -> None:
    assert not {str(p.relative_to(ROOT)): lines(p) for p in SOURCES if lines(p) > 400}


def test_no_test_file_is_over_500_lines() -> None:
    assert not {str(p.relative_to(ROOT)): lines(p) for p in TESTS if lines(p) > 500}


def test_no_function_is_over_60_lines() -> None:
    assert not [f"{p.relative_to(ROOT)}:{name} {size}" for p in SOURCES for name, size in functions(p) if size > 60]


def test_functions_are_short_as_a_rule() -> None:
    sizes = sorted(size for p in SOURCES for _, size in functions(p))
    assert sizes[len(sizes) // 2] <= 12
    assert sizes[int(len(sizes) * 0.95)] <= 35


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
