"""One run of the benchmark: what was asked for, and what was found so far."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .conductor import BenchError, Peer
from .content import FILES
from .report import Value, table

FAST = 4.0
"""How much shorter everything is with --fast."""


@dataclass(slots=True, kw_only=True)
class Course:
    folder: Path
    """Holds the content."""
    peers: list[Peer]
    seconds_wanted: float | None = None
    fast: bool = False
    both_ways: bool = False
    found: dict[str, Any] = field(default_factory=dict)
    """By scenario; for the JSON file."""
    failed: list[str] = field(default_factory=list)

    def seconds(self, usual: float) -> float:
        """How long a measurement takes in this run."""
        if self.seconds_wanted is not None:
            return self.seconds_wanted
        return usual / FAST if self.fast else usual

    @contextmanager
    def place(self, name: str) -> Iterator[Path]:
        """A folder for one measurement, with the content in it. `BenchError` is told, and the run goes on."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in FILES:
            (folder / file).symlink_to(self.folder.resolve() / file)
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            yield folder
        except BenchError as error:
            print(f"{name} failed: {error}", file=sys.stderr, flush=True)
            self.failed.append(name)

    def show(self, name: str, title: str, columns: Mapping[str, Mapping[str, Value]]) -> None:
        """Print a table and keep it."""
        self.found[name] = columns
        if columns:
            print(table(f"{name}: {title}", columns), flush=True)
