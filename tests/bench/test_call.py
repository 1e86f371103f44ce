"""A measured call between real processes, from its start to its figures."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from scripts.bench.conductor import PEERS, BenchError, Call, Peer
from scripts.bench.content import FILES, prepare
from scripts.bench.figures import figures_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    assert all((tmp_path / file).exists() for file in FILES)
    return tmp_path


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


async def test_a_call_of_pycall_has_all_its_figures_and_leaves_no_process(folder: Path) -> None:
    outcome = await Call(PEERS["pycall"], folder).measure(0.5, 2.0)
    figures = figures_of(outcome, folder)
    assert not children()
    assert float(figures["fps"] or 0) > 5
    assert float(figures["PSNR-Y dB"] or 0) > 25
    assert float(figures["latency p50 ms"] or 0) > 0
    assert float(figures["sound covered %"] or 0) > 50
    assert figures["concealed %"] is not None
    assert float(figures["bitrate kbit/s"] or 0) > 100
    assert float(figures["cpu both"] or 0) > 0.01


async def test_an_end_that_breaks_is_told_by_its_last_words(folder: Path) -> None:
    with pytest.raises(BenchError, match="near ended: .*no_such_peer"):
        await Call(Peer("broken", "no_such_peer"), folder).measure(0.1, 0.1)
    assert not children()


async def test_a_call_that_is_broken_off_leaves_no_process(folder: Path) -> None:
    measuring = asyncio.create_task(Call(PEERS["pycall"], folder).measure(0.5, 60.0))
    while len(children()) < 2:
        await asyncio.wait([measuring], timeout=0.05)
    measuring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await measuring
    assert not children()
