"""The log of sent packets, and what became of them."""

from __future__ import annotations

import pytest

from pycall.rtc.congestion import SentLog


def test_each_packet_is_reported_once_across_the_wrap() -> None:
    log = SentLog()
    for i in range(10):
        log.sent((65530 + i) & 0xFFFF, 100 + i, i * 0.01)
    results = log.acked([((65530 + i) & 0xFFFF, 5.0 + i) for i in range(10)], 1.0)
    assert [result.seq for result in results] == list(range(65530, 65540))
    assert [result.size for result in results] == list(range(100, 110))
    assert log.acked([(0, 6.0)], 1.1) == [] and len(log) == 0


def test_a_missing_packet_is_lost_only_when_it_had_time_to_be_overtaken() -> None:
    log = SentLog()
    for seq in range(4):
        log.sent(seq, 100, 0.0)
    assert [r.seq for r in log.acked([(0, 1.0), (1, None), (2, None)], 0.1)] == [0]
    late = log.acked([(1, 1.05)], 0.12)
    assert [(r.seq, r.arrived) for r in late] == [(1, 1.05)]
    results = log.acked([(3, 1.1)], 0.2)
    assert [(r.seq, r.arrived) for r in results] == [(2, None), (3, 1.1)]
    assert log.acked([(2, 1.2)], 0.3) == []


def test_what_no_feedback_speaks_of_is_neither_arrived_nor_lost_and_is_forgotten() -> None:
    log = SentLog(capacity=50)
    for seq in range(200):
        log.sent(seq, 100, seq * 0.01)
    assert len(log) == 50
    assert log.acked([(10, 1.0), (11, None)], 3.0) == []


def test_numbers_we_never_sent_are_ignored() -> None:
    log = SentLog()
    assert log.acked([(7, 1.0)], 1.0) == []
    log.sent(100, 10, 0.0)
    assert log.acked([(101, 1.0), (99, None)], 1.0) == []


def test_the_receivers_clock_may_return_to_zero() -> None:
    log = SentLog()
    turn = 2**24 * 0.064
    for seq in range(3):
        log.sent(seq, 100, 0.0)
    at = [
        log.acked([(seq, arrived)], 1.0)[0].arrived
        for seq, arrived in enumerate((turn / 2 - 1, 1 - turn / 2, 2 - turn / 2))
    ]
    assert at == [turn / 2 - 1, pytest.approx(turn / 2 + 1), pytest.approx(turn / 2 + 2)]


def test_a_receiver_whose_clock_begins_anew_has_not_become_slower_or_faster() -> None:
    log, arrived = SentLog(), []
    for seq, at in enumerate([50.0, 50.1, 3.2, 3.3, 9000.4, 3.5, 3.6]):
        log.sent(seq, 100, seq * 0.1)
        arrived += [result.arrived for result in log.acked([(seq, at)], 1.0)]
    assert arrived == pytest.approx([50.0 + seq * 0.1 for seq in range(7)], abs=0.01)
