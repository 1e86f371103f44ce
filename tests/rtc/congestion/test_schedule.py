"""A call on links that change: how much of them is used, how long anything waits, how soon it recovers (simulated)."""

from __future__ import annotations

import pytest

from .simulation import Call, Link, Path, Settings, World, percentile

MBIT = 1e6
RFC_8867 = [(0.0, 1.0 * MBIT), (41.0, 2.5 * MBIT), (61.0, 0.6 * MBIT), (81.0, 1.0 * MBIT)]
"""Variable available capacity, as section 5.1 has it for one flow: 41, 20, 20 and 20 seconds."""


def simulate(
    schedule: list[tuple[float, float]],
    until: float,
    *,
    queue: float = 0.3,
    path: Path | None = None,
    settings: Settings | None = None,
) -> Call:
    world = World()
    call = Call(world, Link(world, schedule, queue), path, settings)
    world.run(until)
    return call


def flat(rate: float, until: float = 40.0, **more: float) -> Call:
    return simulate([(0.0, rate)], until, path=Path(**more))


@pytest.mark.parametrize("path", [Path(), Path(jitter=0.02), Path(loss=0.05)], ids=["clean", "jitter", "loss"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_schedule_of_rfc_8867(path: Path, seed: int) -> None:
    call = simulate(RFC_8867, 101.0, path=path, settings=Settings(seed=seed))
    assert percentile(call.delays(), 0.95) < 0.25
    assert percentile(call.frame_delays(), 0.95) < 0.3
    capacity = (41 * 1.0 + 20 * 2.5 + 20 * 0.6 + 20 * 1.0) * MBIT / 101
    assert call.goodput(0, 101) > 0.8 * capacity
    # More room is found, each time within 5 s.
    assert call.first(lambda target, _: target > 0.8 * 2.5 * MBIT, 41.0) < 5
    assert call.first(lambda target, _: target > 0.85 * MBIT, 81.0) < 5
    # Less room is noticed within 1.5 s; two seconds after the drop the queue is gone.
    assert call.first(lambda target, _: target < 0.6 * MBIT, 61.0) < 1.5
    assert call.first(lambda _, queue: queue < 0.03, 61.5) < 1.5
    assert percentile(sorted(queue for at, _, queue in call.rates if 63 <= at < 81), 0.95) < 0.2


@pytest.mark.parametrize(("path", "lag"), [(Path(), 0.8), (Path(jitter=0.02), 0.4)], ids=["clean", "jitter"])
def test_the_schedule_with_an_encoder_that_follows_late_and_repairs(path: Path, lag: float) -> None:
    """A queue that stands because too much is still sent must not be taken for somebody else's."""
    call = simulate(RFC_8867, 101.0, path=path, settings=Settings(lag=lag, repairs=True))
    assert percentile(call.delays(), 0.95) < 0.3
    assert percentile(call.frame_delays(), 0.95) < 0.35
    assert call.link.dropped / len(call.sent_bytes) < 0.01
    assert max(queue for at, _, queue in call.rates if 63 <= at < 81) < 0.28
    assert call.first(lambda target, _: target > 0.85 * MBIT, 81.0) < 5


def test_an_easy_picture_says_nothing_about_a_known_capacity() -> None:
    scenes = Settings(demand=lambda now: 500e3 if now % 20 > 15 else 1e9)
    call = simulate([(0.0, MBIT)], 60.0, settings=scenes)
    assert max(target for at, target, _ in call.rates if at > 15) < 1.3 * MBIT
    assert percentile(call.delays(5), 0.95) < 0.2


@pytest.mark.parametrize("start", [300e3, 500e3])
@pytest.mark.parametrize("path", [Path(), Path(jitter=0.01, loss=0.05)], ids=["clean", "bad"])
def test_a_call_is_at_full_rate_soon_after_it_began(start: float, path: Path) -> None:
    call = simulate([(0.0, 5 * MBIT)], 10.0, path=path, settings=Settings(start=start))
    assert call.first(lambda target, _: target > 1.5 * MBIT, 0.0) < 3
    assert call.goodput(3, 10) > 0.9 * 1.5 * MBIT
    assert percentile(call.delays(), 0.95) < 0.15


@pytest.mark.parametrize("rate", [0.15 * MBIT, 0.3 * MBIT, 1 * MBIT, 2.5 * MBIT])
def test_a_steady_link_is_used_and_kept_short(rate: float) -> None:
    call = flat(rate)
    assert call.link.carried_rate(5, 40) > 0.85 * rate
    assert percentile(call.delays(5), 0.95) < 0.25


@pytest.mark.parametrize("loss", [0.05, 0.10])
@pytest.mark.parametrize("burst", [1.0, 3.0])
def test_random_loss_costs_hardly_any_rate(loss: float, burst: float) -> None:
    call = flat(2.5 * MBIT, loss=loss, burst=burst)
    assert call.sending(5, 40) > 0.85 * 2.5 * MBIT
    assert call.goodput(5, 40) > 0.8 * 2.5 * MBIT
    assert percentile(call.delays(5), 0.95) < 0.2


@pytest.mark.parametrize("rate", [1 * MBIT, 2.5 * MBIT])
def test_jitter_does_not_collapse_the_estimate(rate: float) -> None:
    call = flat(rate, jitter=0.02)
    assert call.goodput(5, 40) > 0.85 * rate
    targets = [target for at, target, _ in call.rates if at > 5]
    assert min(targets) > 0.35 * rate and max(targets) < 1.6 * rate


def test_lost_and_overtaken_feedback_is_borne() -> None:
    call = flat(1 * MBIT, feedback_loss=0.3, feedback_jitter=0.08)
    assert call.goodput(5, 40) > 0.65 * MBIT
    assert percentile(call.delays(5), 0.95) < 0.25


def test_a_short_buffer_is_not_flooded() -> None:
    call = simulate([(0.0, MBIT)], 40.0, queue=0.03)
    assert call.goodput(5, 40) > 0.7 * MBIT
    assert call.link.dropped / len(call.sent_bytes) < 0.12


def test_two_calls_share_a_link() -> None:
    world = World()
    link = Link(world, [(0.0, 2 * MBIT)])
    calls = [Call(world, link, settings=Settings(seed=i, begins=15.0 * i, keyframe_every=7 + i)) for i in range(2)]
    world.run(75)
    shares = [call.goodput(35, 75) for call in calls]
    assert sum(shares) > 0.85 * 2 * MBIT
    assert min(shares) > 0.4 * max(shares)
    assert all(percentile(call.delays(35), 0.95) < 0.25 for call in calls)


def test_a_longer_route_is_not_taken_for_a_queue_for_long() -> None:
    world = World()
    call = Call(world, Link(world, [(0.0, MBIT)]))
    world.at(20.0, lambda: setattr(call.path, "delay", 0.15))
    world.run(40)
    assert call.goodput(24, 40) > 0.75 * MBIT


def test_after_a_blackout_the_rate_is_found_again_at_once() -> None:
    call = simulate([(0.0, 2 * MBIT)], 45.0, path=Path(down=(20.0, 30.0)))
    assert call.mean_target(29, 30) < 0.1 * MBIT
    assert call.first(lambda target, _: target > 0.5 * MBIT, 30.0) < 0.91  # looked at every 50 ms
    assert call.first(lambda target, _: target > 1.4 * MBIT, 30.0) < 4
    assert call.goodput(35, 45) > 0.8 * 2 * MBIT


def test_an_easy_picture_leaves_the_estimate_and_a_harder_one_finds_it() -> None:
    easy = Settings(demand=lambda now: 200e3 if now < 30 else 1e9)
    call = simulate([(0.0, 2 * MBIT)], 45.0, settings=easy)
    assert call.mean_target(10, 30) > 1.2 * MBIT
    assert call.sending(10, 30) < 0.35 * MBIT
    assert call.goodput(31, 45) > 0.75 * 2 * MBIT
    assert percentile(call.delays(30), 0.95) < 0.25


def test_a_long_path_is_stable() -> None:
    schedule = [(0.0, MBIT), (30.0, 0.4 * MBIT), (50.0, 1.5 * MBIT)]
    call = simulate(schedule, 70.0, path=Path(delay=0.15))
    assert call.goodput(5, 30) > 0.85 * MBIT
    assert call.goodput(35, 50) > 0.85 * 0.4 * MBIT
    assert call.first(lambda target, _: target > 1.2 * MBIT, 50.0) < 5
    assert percentile(call.delays(), 0.95) < 0.4


def test_sound_alone_sends_no_probes() -> None:
    voice = Settings(start=60e3, minimum=30e3, maximum=60e3, demand=lambda now: 0.0)
    call = simulate([(0.0, MBIT)], 10.0, settings=voice)
    assert call.sending(0, 10) < 60e3
    assert percentile(call.delays(), 0.99) < 0.055
