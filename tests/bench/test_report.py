"""The printed table."""

from __future__ import annotations

from scripts.bench.report import table


def test_a_line_for_each_figure_and_a_column_for_each_peer() -> None:
    text = table("loopback", {"pycall": {"cpu": 0.33, "size": "1280x720"}, "aiortc": {"cpu": 0.5, "PESQ": None}})
    title, head, rule, *lines = text.splitlines()
    assert title == "loopback"
    assert head.split() == ["pycall", "aiortc"]
    assert set(rule) == {"-"}
    assert [line.split() for line in lines] == [["cpu", "0.33", "0.5"], ["size", "1280x720", "-"], ["PESQ", "-", "-"]]
    assert len({len(line) for line in [head, *lines]}) == 1
