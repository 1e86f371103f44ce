"""The emulated link as arithmetic: rates over time, queue, loss, jitter."""

from __future__ import annotations

import pytest

from scripts.bench.link import Impairment, Lane, Step
from scripts.bench.netpath import describe, understand
from scripts.bench.scenarios import RFC8867

MEGABIT = 1e6
PACKET = 1250
"""Bytes: 10 ms at 1 Mbit/s."""


def test_without_anything_packets_pass_at_once() -> None:
    assert Lane(Impairment(), seed=1).take(5.0, PACKET) == 5.0


def test_jitter_spreads_the_delay_evenly_around_its_mean() -> None:
    lane = Lane(Impairment(delay=0.05, jitter=0.02), seed=1)
    delays = [(lane.take(at, PACKET) or 0.0) - at for at in range(2000)]
    assert 0.03 <= min(delays) < 0.031 and 0.069 < max(delays) <= 0.07
    assert sum(delays) / len(delays) == pytest.approx(0.05, abs=0.001)


def test_the_share_that_is_lost_is_the_one_asked_for_and_the_same_again() -> None:
    lanes = [Lane(Impairment(loss=0.05), seed=7) for _ in range(2)]
    fates = [[lane.take(at, PACKET) is None for at in range(4000)] for lane in lanes]
    assert fates[0] == fates[1]
    assert lanes[0].count.lost == sum(fates[0]) == pytest.approx(200, abs=45)


def test_packets_leave_the_bottleneck_at_its_rate_and_in_order() -> None:
    lane = Lane(Impairment(steps=(Step(10, MEGABIT),)), seed=1)
    lane.begin(0.0)
    assert [lane.take(0.0, PACKET) for _ in range(3)] == pytest.approx([0.01, 0.02, 0.03])


def test_a_packet_that_would_wait_longer_than_the_queue_is_dropped() -> None:
    lane = Lane(Impairment(steps=(Step(10, MEGABIT),), queue=0.3), seed=1)
    lane.begin(0.0)
    fates = [lane.take(0.0, PACKET) for _ in range(40)]
    assert [fate is None for fate in fates] == [False] * 31 + [True] * 9
    assert lane.count.dropped == 9


def test_the_rate_changes_when_the_schedule_says_so_also_for_what_is_queued() -> None:
    lane = Lane(Impairment(steps=(Step(1, MEGABIT), Step(1, MEGABIT / 2)), queue=1.0), seed=1)
    lane.begin(100.0)
    assert lane.take(100.995, PACKET) == pytest.approx(101.01)  # half of it before the change, half after
    assert lane.take(101.5, PACKET) == pytest.approx(101.52)


def test_before_the_schedule_begins_the_first_rate_holds() -> None:
    lane = Lane(Impairment(steps=(Step(1, MEGABIT), Step(1, MEGABIT / 2))), seed=1)
    assert lane.take(50.0, PACKET) == pytest.approx(50.01)
    lane.begin(50.0)
    assert lane.take(50.5, PACKET) == pytest.approx(50.51)


def test_capacity_and_moment_undo_each_other() -> None:
    for seconds in (0.0, 1.5, 41.0, 50.0, 75.3, 90.0, 200.0):
        assert RFC8867.moment(RFC8867.capacity(seconds)) == pytest.approx(seconds)


def test_the_schedule_of_rfc_8867() -> None:
    assert RFC8867.seconds == 101
    assert RFC8867.capacity(101) == pytest.approx(41e6 + 50e6 + 12e6 + 20e6)
    assert RFC8867.faster(4).seconds == pytest.approx(101 / 4)


def test_what_is_told_to_the_link_is_understood() -> None:
    assert understand(describe(RFC8867)) == RFC8867
