"""The parts of the estimate, one by one: throughput, queueing delay, loss, probes."""

from __future__ import annotations

import random

import pytest

from pycall.rtc.congestion import PacketResult
from pycall.rtc.congestion.delay import QueueDelay
from pycall.rtc.congestion.estimator import DelayEstimate
from pycall.rtc.congestion.loss import LossLimit
from pycall.rtc.congestion.probe import MOST_QUEUE, Prober, carried, measured
from pycall.rtc.congestion.throughput import Throughput


def test_throughput_is_measured_by_arrivals() -> None:
    throughput = Throughput()
    for i in range(60):
        throughput.add(1250, 100 + i * 0.01)
    assert throughput.rate(0.5) == pytest.approx(1e6, rel=0.01)
    for i in range(60):
        throughput.add(1250, 100.6 + i * 0.02)
    assert throughput.rate(0.2) == pytest.approx(0.5e6, rel=0.1)


def test_throughput_outlives_an_arrival_that_cannot_be() -> None:
    throughput = Throughput()
    throughput.add(1250, 1000.0)
    for i in range(20_000):
        throughput.add(1250, 900 + i * 0.01)
    assert throughput.rate(0.5) == pytest.approx(1e6, rel=0.01)


def test_throughput_of_too_little_is_unknown() -> None:
    throughput = Throughput()
    assert throughput.rate(0.5) is None
    for i in range(10):
        throughput.add(1250, i * 0.001)
    assert throughput.rate(0.5) is None


def test_what_is_lost_of_the_first_packets_alone_costs_nothing() -> None:
    """They came before the other side was ready, or their reports got lost."""
    limit = LossLimit()
    for report in range(40):
        now = 5000 + report * 0.05
        lost = 8 if report < 3 else 0
        results = [PacketResult(report * 12 + i, 1200, now, None if i < lost else now - 1000) for i in range(12)]
        limit.update(results, now, queued=False, acknowledged=1e6)
        assert limit.limit is None


def feed(queue: QueueDelay, began: float, seconds: float, delay: float, jitter: float = 0.0, seed: int = 1) -> None:
    rng = random.Random(seed)
    for i in range(int(seconds * 100)):
        sent = began + i / 100
        queue.add(sent, sent + 1000 + delay + rng.uniform(-jitter, jitter))
        if i % 5 == 4:
            queue.update()


def test_the_queue_is_seen_through_jitter_and_unrelated_clocks() -> None:
    queue = QueueDelay()
    feed(queue, 0, 5, 0.05, jitter=0.02)
    assert queue.now < 0.025 and 0.005 < queue.jitter < 0.03
    feed(queue, 5, 1, 0.15, jitter=0.02)
    assert queue.now == pytest.approx(0.1, abs=0.025)


def test_growth_is_the_difference_to_the_window_before() -> None:
    queue = QueueDelay()
    feed(queue, 0, 2, 0.05)
    for i in range(30):
        queue.add(2 + i / 100, 1002 + i / 100 + 0.05 + i * 0.005)
    queue.update()
    assert queue.now > queue.before > 0.03


def test_the_base_is_forgotten_and_may_be_set_anew() -> None:
    queue = QueueDelay()
    feed(queue, 0, 2, 0.05)
    feed(queue, 2, 5, 0.15)
    assert queue.now == pytest.approx(0.1, abs=0.001)
    queue.rebase()
    feed(queue, 7, 1, 0.15)
    assert queue.now == pytest.approx(0.0, abs=0.001)
    feed(queue, 8, 40, 0.25)
    assert queue.now == pytest.approx(0.0, abs=0.001)


def run_estimate(estimate: DelayEstimate, began: float, seconds: float, *, queue: float, carried: float) -> None:
    """Feedback each 50 ms of a path with this queue, on which so many bit/s arrive whatever is sent."""
    for step in range(round(seconds * 20)):
        now = began + step / 20
        sent = [now - 0.05 + i / 200 for i in range(10)]
        results = [PacketResult(0, int(carried / 8 / 200), at, at + 500 + queue) for at in sent]
        estimate.update(results, now + 0.1 + queue, rtt=0.1 + queue, loss=LossLimit())


def test_a_full_queue_of_our_own_is_not_given_up_while_more_is_sent_than_gets_through() -> None:
    estimate = DelayEstimate(4e6, 1e6, 4e6)
    run_estimate(estimate, 0, 1, queue=0.0, carried=4e6)
    run_estimate(estimate, 1, 6, queue=0.3, carried=0.3e6)
    assert estimate.draining and estimate.queue.now == pytest.approx(0.3, abs=0.01)
    assert estimate.rate == 1e6 and estimate.target < 0.7e6


def test_a_delay_that_does_not_answer_is_taken_for_the_path() -> None:
    estimate = DelayEstimate(1e6, 80e3, 4e6)
    run_estimate(estimate, 0, 1, queue=0.0, carried=1e6)
    now = 1.0
    while now < 4:
        run_estimate(estimate, now, 0.1, queue=0.1, carried=estimate.target)
        now += 0.1
    assert not estimate.draining and estimate.queue.now == pytest.approx(0.0, abs=0.01)
    assert estimate.rate > 0.8e6


class Lossy:
    """A path that loses a share, of what is sent by a rate that keeps to the limit."""

    def __init__(self) -> None:
        self.limit, self.now, self.random = LossLimit(), 0.0, random.Random(3)
        self.lowest = 1e9

    def run(
        self, seconds: float, *, own: float, capacity: float = 1e9, rate: float = 2e6, queued: bool = False
    ) -> None:
        for _ in range(int(seconds * 20)):
            self.now += 0.05
            sending = min(rate, self.limit.limit or rate)
            passing = (1 - own) * min(1.0, capacity / sending)
            arrivals = [self.random.random() < passing for _ in range(int(sending / 8 / 1200 / 20))]
            results = [PacketResult(0, 1200, self.now, self.now if came else None) for came in arrivals]
            self.limit.update(results, self.now, queued=queued, acknowledged=sending * passing)
            self.lowest = min(self.lowest, self.limit.limit or rate)


@pytest.mark.parametrize("own", [0.02, 0.05, 0.08])
def test_light_loss_never_limits(own: float) -> None:
    path = Lossy()
    path.run(60, own=own)
    assert path.limit.limit is None and path.lowest == 2e6
    assert path.limit.own == pytest.approx(own, abs=0.04)


def test_heavy_loss_of_the_path_itself_is_tried_and_then_accepted() -> None:
    path = Lossy()
    path.run(2, own=0.0)
    path.run(5, own=0.25)
    assert 1e6 < path.lowest < 2e6
    path.run(1, own=0.25)
    assert path.limit.limit is None
    path.lowest = 1e9
    path.run(10, own=0.25)
    assert path.lowest == 2e6


def test_a_policer_is_recognised_and_kept_to() -> None:
    path = Lossy()
    path.run(1, own=0.0)
    path.run(20, own=0.0, capacity=1e6)
    assert path.limit.limit is not None
    assert path.limit.loss < 0.3 and path.limit.limit < 1.4e6


def test_loss_that_comes_with_a_queue_is_left_to_the_delay() -> None:
    path = Lossy()
    path.run(5, own=0.3, queued=True)
    assert path.limit.limit is None
    assert path.limit.overflowing(0.5) and not path.limit.overflowing(0.05)


def burst(
    cluster: int, rate: float, capacity: float, jitter: float = 0.0, seed: int = 1, count: int = 10
) -> list[PacketResult]:
    rng, free, results = random.Random(seed), 0.0, []
    for i in range(count):
        sent = i * 1200 * 8 / rate
        free = max(free, sent) + 1200 * 8 / capacity
        results.append(PacketResult(i, 1200, sent, 50 + free + rng.uniform(-jitter, jitter), cluster))
    return results


def test_a_probe_shows_its_own_rate_on_a_free_link_and_the_capacity_on_a_full_one() -> None:
    assert measured(burst(1, 2e6, 10e6), 0.0) == pytest.approx(2e6, rel=0.01)
    assert measured(burst(1, 4e6, 1e6), 0.0) == pytest.approx(0.85e6, rel=0.05)


def test_a_probe_under_jitter_hardly_ever_promises_what_is_not_there() -> None:
    found = sorted(measured(burst(1, 2e6, 1e6, jitter=0.02, seed=seed, count=16), 0.0) or 0.0 for seed in range(200))
    assert found[100] < 0.85e6 and found[190] < 0.92e6 and found[199] < 1e6


def test_a_probe_that_is_held_up_shows_what_the_path_carries_and_jitter_is_not_taken_for_that() -> None:
    assert carried(burst(1, 2e6, 10e6)) is None
    assert carried(burst(1, 2e6, 1e6)) == pytest.approx(1e6, rel=0.01)
    free = [carried(burst(1, 2e6, 10e6, jitter=0.01, seed=seed, count=16)) for seed in range(200)]
    assert free.count(None) >= 198
    full = [carried(burst(1, 4e6, 1e6, jitter=0.01, seed=seed, count=16)) for seed in range(200)]
    assert all(rate is not None and 0.85e6 < rate < 1.15e6 for rate in full)


def test_what_a_probe_found_full_is_not_probed_again_at_once() -> None:
    prober = Prober(400e3)
    probe = prober.wanted(400e3, 3e6, 0.0, 0.0)
    assert probe is not None
    found = prober.add(burst(probe.cluster, probe.rate, 0.6e6), 0.0, 0.1)
    assert found is not None and found.rate < 0.6e6 and found.full == pytest.approx(0.6e6, rel=0.01)
    assert prober.wanted(found.rate, 3e6, 0.0, 2.5) is None
    assert prober.wanted(found.rate, 3e6, 0.0, 2.7) is not None


def test_no_probe_makes_a_long_queue_on_a_path_that_takes_no_more_than_before() -> None:
    prober = Prober(600e3)
    for moment in (0.0, 2.0, 4.0):
        probe = prober.wanted(600e3, 10e6, 0.0, moment)
        assert probe is not None
        assert probe.size * 8 * (1 / 600e3 - 1 / probe.rate) < MOST_QUEUE + 0.001
        prober.add(burst(probe.cluster, probe.rate, 10e6), 0.0, moment + 0.1)


def test_the_capacity_that_a_probe_found_is_kept_to_until_more_arrives() -> None:
    estimate = DelayEstimate(600e3, 50e3, 3e6)
    estimate.raise_to(1.2e6)
    estimate.carries(0.9e6)
    assert estimate.capacity == 0.9e6 and estimate.rate == pytest.approx(1.05 * 0.9e6)
    estimate.raise_to(1.8e6)
    assert estimate.capacity is None and estimate.rate == 1.8e6


def test_a_probe_of_which_too_little_arrives_shows_nothing_and_lost_packets_do_not_count() -> None:
    results = burst(1, 2e6, 10e6)
    lost = [PacketResult(r.seq, r.size, r.sent, None, 1) if r.seq % 2 else r for r in results]
    assert measured(lost, 0.0) is None
    some = [PacketResult(r.seq, r.size, r.sent, None, 1) if r.seq in (3, 6, 8) else r for r in results]
    assert measured(some, 0.0) == pytest.approx(1.4e6, rel=0.02)
    assert measured(some, 0.3) == pytest.approx(2e6, rel=0.02)


def test_probes_climb_while_they_succeed_and_become_rare_when_they_do_not() -> None:
    prober, now, rate, asked = Prober(400e3), 0.0, 400e3, []
    while now < 30:
        probe = prober.wanted(rate, 3e6, 0.0, now)
        if probe is not None:
            asked.append((now, probe.rate))
            found = prober.add(burst(probe.cluster, probe.rate, 2e6), 0.0, now + 0.1)
            rate = max(rate, found.rate if found else 0.0)
        now += 0.1
    assert [round(rate / 1e3) for _, rate in asked[:2]] == [1200, 2400]
    assert rate == pytest.approx(1.7e6, rel=0.05)
    assert 5 <= len(asked) <= 12
    assert asked[-1][0] - asked[-2][0] == pytest.approx(4.0, abs=0.2)


def test_no_probe_while_one_is_under_way_and_none_beyond_what_can_be_used() -> None:
    prober = Prober(400e3)
    probe = prober.wanted(400e3, 500e3, 0.0, 0.0)
    assert probe is not None and probe.rate == 600e3
    assert prober.wanted(400e3, 500e3, 0.0, 0.5) is None
    assert prober.wanted(500e3, 500e3, 0.0, 5.0) is None


def test_a_probe_that_is_never_answered_is_given_up() -> None:
    prober = Prober(400e3)
    assert prober.wanted(400e3, 3e6, 0.0, 0.0) is not None
    asked = [now for now in range(1, 40) if prober.wanted(400e3, 3e6, 0.0, float(now))]
    assert asked and len(asked) < 12
