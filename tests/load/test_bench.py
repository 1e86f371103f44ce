"""The load benchmark measures what it says, in a short run; its table says whether aims are met."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from scripts.load.calls import percentile
from scripts.load.main import table
from scripts.load.scenarios import Figure

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(120)
async def test_a_short_run(tmp_path: Path) -> None:
    words = ["--fast", "--scenario", "echo,idle,logins,calls", "--seconds", "1.5", "--json", str(tmp_path / "out.json")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.load.main", *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 110)
    assert process.returncode == 0, out.decode()
    found = json.loads((tmp_path / "out.json").read_text())
    figures = {(one["scenario"], one["name"]): one["value"] for one in found["figures"]}
    assert figures["calls", "calls"] == 75 and figures["calls", "failed %"] == 0
    assert figures["calls", "callbacks"] >= 4 * 75 and figures["calls", "callbacks lost"] == 0
    assert 0 < figures["calls", "ring p50 ms"] <= figures["calls", "ring p99 ms"]
    assert figures["logins", "done of those tried %"] == 100
    assert 1 < figures["idle", "KiB per user of 500"] < 40
    assert 1 < figures["echo", "KiB per connection of 500"] < 40
    assert "ring p99 ms" in out.decode() and found["machine"]["cores"] >= 1


def test_the_table_says_whether_aims_are_met() -> None:
    lines = table([Figure("a", "x", 1, 2), Figure("a", "y", 3, 2), Figure("a", "z", 3, 2, True), Figure("a", "w", 3)])
    met = [line.split()[-1] for line in lines.splitlines()[1:]]
    assert met == ["ok", "MISSED", "ok", "3"]


def test_percentiles_by_rank() -> None:
    assert [percentile([3.0, 1.0, 2.0], p) for p in (0, 50, 99)] == [1.0, 2.0, 3.0] and percentile([], 50) == 0.0
