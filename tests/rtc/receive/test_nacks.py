"""What is asked for again, and when."""

from __future__ import annotations

import pytest

from pycall.rtc.receive.nacks import MAX_MISSING, MOST_AT_ONCE, REORDER, TOO_OLD, NackTracker


def tracker(*sequences: int, rtt: float = 0.1) -> NackTracker:
    made = NackTracker()
    made.rtt = rtt
    for sequence in sequences:
        made.arrived(sequence, 0.0)
    return made


def test_a_gap_is_asked_for_once_it_is_no_reordering() -> None:
    nacks = tracker(10, 13)
    assert nacks.due(0.0) == []
    assert nacks.due(REORDER) == [11, 12]


def test_what_may_have_come_before_the_first_is_asked_for() -> None:
    tracker = NackTracker()
    tracker.arrived(1, 0.0)
    tracker.began_late(1, 0.0)
    tracker.arrived(0xFFFF, 0.001)  # overtaken
    assert tracker.due(0.01) == [0xFFFE, 0]
    tracker.arrived(0, 0.1, repaired=True)
    tracker.forget_before(0)
    assert tracker.missing == 0


def test_what_comes_late_by_itself_is_not_asked_for() -> None:
    nacks = tracker(10, 12, 11)
    assert nacks.due(1.0) == []


def test_it_is_asked_for_again_after_each_round_trip_until_it_comes() -> None:
    nacks = tracker(10, 12, rtt=0.1)
    asked = [step for step in range(400) if nacks.due(step * 0.001)]
    assert len(asked) == 4
    assert all(110 <= later - earlier <= 112 for earlier, later in zip(asked, asked[1:], strict=False))
    nacks.arrived(11, 0.4)
    assert nacks.due(0.5) == []
    assert nacks.recovered == 1


def test_it_is_given_up_when_it_is_too_old_to_help() -> None:
    nacks = tracker(10, 12)
    assert nacks.due(TOO_OLD + 0.1) == []
    assert nacks.lost == 1


def test_where_packets_overtake_each_other_it_waits_longer() -> None:
    nacks = tracker(10, 12)
    nacks.arrived(11, 0.02)
    nacks.arrived(14, 0.03)
    assert nacks.due(0.05) == []
    assert nacks.due(0.06) == [13]


def test_a_repair_is_not_taken_for_an_overtaken_packet() -> None:
    nacks = tracker(10, 12)
    nacks.arrived(11, 0.1, repaired=True)
    nacks.arrived(14, 0.2)
    assert nacks.due(0.2 + REORDER) == [13]


def test_sequence_numbers_wrap() -> None:
    nacks = tracker(65534, 1)
    assert nacks.due(1.0) == [65535, 0]


def test_an_outage_needs_a_keyframe_not_a_thousand_requests() -> None:
    nacks = tracker(0)
    assert not nacks.arrived(600, 0.0)
    assert nacks.due(1.0) == []


def _asked(loss_of_first: float, rtt: float) -> list[float]:
    """When one missing packet is asked for, in the first round trip, after 400 packets of which this share was lost."""
    nacks, lost, sequence = tracker(0, rtt=rtt), 0.0, 0
    for step in range(1, 401):
        now, lost = step * 0.01, lost + loss_of_first
        if lost >= 1:
            lost -= 1
            continue
        sequence = step
        nacks.arrived(sequence, now)
        for missing in nacks.due(now + 0.009):
            nacks.arrived(missing, now + 0.009, repaired=True)
    nacks.arrived(sequence + 2, 5.0)
    return [step * 0.001 for step in range(int(rtt * 1000)) if nacks.due(5.0 + step * 0.001)]


def test_on_a_lossy_path_a_request_is_said_three_times() -> None:
    first, second, third = _asked(0.05, 0.1)
    assert [second - first, third - second] == pytest.approx([0.021, 0.021], abs=0.0011)


def test_on_a_good_path_or_a_short_one_once() -> None:
    assert len(_asked(0.002, 0.1)) == 1
    assert len(_asked(0.05, 0.03)) == 1


def test_many_gaps_are_asked_for_in_portions_that_fit_into_a_datagram() -> None:
    nacks = tracker(*range(0, 2 * MAX_MISSING, 2))
    first, second = nacks.due(REORDER), nacks.due(REORDER)
    assert first == list(range(1, 2 * MOST_AT_ONCE, 2))
    assert second == list(range(2 * MOST_AT_ONCE + 1, 4 * MOST_AT_ONCE, 2))


def test_gaps_in_front_of_gaps_become_an_outage_and_are_forgotten() -> None:
    nacks = tracker(0, MAX_MISSING - 10)
    assert nacks.arrived(MAX_MISSING, 0.0)
    assert not nacks.arrived(MAX_MISSING + 20, 0.0)
    assert nacks.due(1.0) == []


@pytest.mark.parametrize("step", [-3000, -20_000, 20_000])
def test_after_a_stream_has_begun_anew_gaps_are_asked_for_again(step: int) -> None:
    nacks = tracker(30_000, 30_001, 30_001 + step, 30_003 + step)
    assert nacks.due(REORDER) == [30_002 + step]
