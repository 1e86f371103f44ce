"""The printed table: a line for each figure, a column for each peer."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version

Value = float | str | None


def table(title: str, columns: Mapping[str, Mapping[str, Value]]) -> str:
    """`columns` are figures by peer; a figure that a peer lacks is shown as a dash."""
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    head = ["", *columns]
    rows = [[name, *(_text(figures.get(name)) for figures in columns.values())] for name in names]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [_line(row, widths) for row in [head, *rows]]
    return "\n".join([title, *lines[:1], "-" * len(lines[0]), *lines[1:], ""])


def _line(cells: list[str], widths: list[int]) -> str:
    first, *others = cells
    return "  ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]).rstrip()


def _text(value: Value) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, int | float) else value


def machine() -> dict[str, str | float | None]:
    """Where and when this was measured."""
    return {
        "at": time.strftime("%Y-%m-%d %H:%M:%S"),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load average": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in ("aiortc", "av", "numpy")},
    }
