"""Uneven sound comes out as an even beat; the test owns the clock."""

from __future__ import annotations

import numpy as np
import pytest

from pycall.media.cadence import Block, Cadence

LOUD = np.full(960, 1000, np.int16)


def pushed(cadence: Cadence, now: float, samples: np.ndarray = LOUD) -> list[Block]:
    cadence.push(samples, now)
    return cadence.take(now)


def drive(cadence: Cadence, begin: float, end: float) -> list[Block]:
    """Let time pass, waking only when something is due."""
    blocks: list[Block] = []
    now = begin
    while (now := max(now, cadence.deadline())) < end:
        blocks += cadence.take(now)
    return blocks


def contiguous(blocks: list[Block]) -> bool:
    return all(b.pts - a.pts == 960 for a, b in zip(blocks, blocks[1:], strict=False))


def test_without_sound_there_is_silence_every_20_ms() -> None:
    blocks = drive(Cadence(10.0), 10.0, 11.0)
    assert len(blocks) in (50, 51)
    assert contiguous(blocks)
    assert blocks[0].pts == 480_000
    assert not any(block.samples.any() for block in blocks)


def test_sound_goes_out_the_moment_it_comes() -> None:
    cadence = Cadence(0.0)
    for n in range(100):
        jitter = 0.007 * (n % 3)
        blocks = pushed(cadence, 0.1 + n * 0.02 + jitter)
        assert [block for block in blocks if block.samples.any()], n


def test_one_late_block_costs_no_silence() -> None:
    cadence = Cadence(0.0)
    pushed(cadence, 0.0)
    assert drive(cadence, 0.0, 0.055) == []
    assert [block.samples.all() for block in pushed(cadence, 0.055)] == [True]


def test_a_stall_is_filled_with_silence_and_no_burst_follows() -> None:
    cadence = Cadence(0.0)
    pushed(cadence, 0.0)
    silence = drive(cadence, 0.0, 1.0)
    assert 45 <= len(silence) <= 50
    burst = []
    for _ in range(40):
        burst += pushed(cadence, 1.0)
    assert len(burst) <= 4
    following = drive(cadence, 1.0, 1.5)
    assert contiguous([*silence, *burst, *following])
    assert len(following) <= 26
    assert cadence.dropped > 0.5


def test_a_loop_that_was_held_up_leaves_the_time_out() -> None:
    cadence = Cadence(0.0)
    first = cadence.take(0.0)
    blocks = cadence.take(5.0)
    assert len(blocks) <= 2
    assert contiguous(blocks)
    assert blocks[0].pts - first[0].pts == 5 * 48000


@pytest.mark.parametrize("ppm", [-3000, -200, 200, 3000])
def test_the_clock_of_the_source_is_followed_without_a_gap(ppm: int) -> None:
    cadence = Cadence(0.0)
    out: list[Block] = []
    now, step = 0.0, 0.02 / (1 + ppm / 1e6)
    while now < 60.0:
        out += drive(cadence, now - step, now)
        out += pushed(cadence, now)
        now += step
    assert contiguous(out)
    silent = sum(not block.samples.all() for block in out)
    assert silent <= 3
    assert abs(len(out) - 3000) <= 8
    assert cadence.dropped == 0.0


@pytest.mark.parametrize("size", [1, 137, 441, 960, 4800, 48000])
def test_blocks_of_any_size_come_out_whole_and_in_order(size: int) -> None:
    cadence = Cadence(0.0)
    ramp = (np.arange(48000) % 20000 + 1).astype(np.int16)
    out: list[Block] = []
    for i in range(0, len(ramp), size):
        out += drive(cadence, 0.0, i / 48000)
        out += pushed(cadence, i / 48000, ramp[i : i + size])
    out += drive(cadence, 0.0, 1.2)
    sound = np.concatenate([block.samples for block in out])
    heard = sound[sound != 0]
    assert len(heard) >= 47_000
    assert np.array_equal(heard, ramp[: len(heard)])
    assert contiguous(out)


def test_when_the_source_goes_its_rest_is_forgotten() -> None:
    cadence = Cadence(0.0)
    cadence.push(np.tile(LOUD, 5), 0.0)
    cadence.source_gone()
    assert not any(block.samples.any() for block in drive(cadence, 0.0, 0.2))
