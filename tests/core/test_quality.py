"""Network quality: each measure alone decides, silence is DOWN, and our own grade is what the best peer sees of us."""

from __future__ import annotations

import pytest

from pycall.core.quality import BEST, CONCEALED_LIMITS, ROBUSTNESS, mos, own_quality, quality_of_peer
from pycall.core.types import LinkStats, NetworkQuality

Q = NetworkQuality


def test_a_clean_link_is_excellent() -> None:
    assert quality_of_peer(LinkStats(rtt=0.02, jitter=0.003)) is Q.EXCELLENT


def test_a_link_without_a_measured_round_trip_is_judged_by_the_rest() -> None:
    assert quality_of_peer(LinkStats(rtt=None, loss_in=0.02)) is Q.GOOD


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(0.0, Q.EXCELLENT), (0.01, Q.EXCELLENT), (0.02, Q.GOOD), (0.05, Q.POOR), (0.15, Q.BAD), (0.21, Q.VERY_BAD)],
)
def test_loss_of_their_packets(loss: float, expected: NetworkQuality) -> None:
    assert quality_of_peer(LinkStats(loss_in=loss)) is expected


@pytest.mark.parametrize(
    ("rtt", "expected"), [(0.1, Q.EXCELLENT), (0.12, Q.GOOD), (0.2, Q.POOR), (0.5, Q.BAD), (2.0, Q.VERY_BAD)]
)
def test_round_trip(rtt: float, expected: NetworkQuality) -> None:
    assert quality_of_peer(LinkStats(rtt=rtt)) is expected


@pytest.mark.parametrize(
    ("jitter", "expected"), [(0.02, Q.EXCELLENT), (0.03, Q.GOOD), (0.06, Q.POOR), (0.1, Q.BAD), (0.3, Q.VERY_BAD)]
)
def test_jitter(jitter: float, expected: NetworkQuality) -> None:
    assert quality_of_peer(LinkStats(jitter=jitter)) is expected


@pytest.mark.parametrize(
    ("concealed", "expected"),
    [(0.005, Q.EXCELLENT), (0.02, Q.GOOD), (0.06, Q.POOR), (0.1, Q.BAD), (0.2, Q.VERY_BAD)],
)
def test_sound_that_was_made_up(concealed: float, expected: NetworkQuality) -> None:
    assert quality_of_peer(LinkStats(rtt=0.02, concealed=concealed)) is expected


@pytest.mark.parametrize(("limit", "rating"), list(zip(CONCEALED_LIMITS, (90, 80, 70, 60), strict=True)))
def test_the_limits_of_made_up_sound_are_classes_of_the_e_model(limit: float, rating: int) -> None:
    percent = 100 * limit
    assert BEST - 95 * percent / (percent + ROBUSTNESS) == pytest.approx(rating, abs=0.3)


@pytest.mark.parametrize(("frozen", "expected"), [(0.0, Q.EXCELLENT), (0.25, Q.POOR), (0.4, Q.BAD), (0.8, Q.VERY_BAD)])
def test_a_picture_that_stands_still(frozen: float, expected: NetworkQuality) -> None:
    assert quality_of_peer(LinkStats(rtt=0.02, frozen=frozen)) is expected


@pytest.mark.parametrize(
    ("fps", "expected"), [(None, Q.EXCELLENT), (30.0, Q.EXCELLENT), (12.0, Q.EXCELLENT), (8.0, Q.GOOD), (1.0, Q.POOR)]
)
def test_few_pictures_are_poor_at_the_worst(fps: float | None, expected: NetworkQuality) -> None:
    assert quality_of_peer(LinkStats(rtt=0.02, shown_fps=fps)) is expected


def test_the_worst_measure_decides() -> None:
    assert quality_of_peer(LinkStats(loss_in=0.02, rtt=0.5, jitter=0.001)) is Q.BAD


def test_what_we_lose_on_the_way_out_is_not_held_against_the_peer() -> None:
    assert quality_of_peer(LinkStats(loss_out=0.5)) is Q.EXCELLENT


def test_silence_is_down() -> None:
    assert quality_of_peer(LinkStats(silent=True)) is Q.DOWN


def test_own_quality_is_the_best_that_a_peer_reports() -> None:
    assert own_quality([LinkStats(loss_out=0.3), LinkStats(loss_out=0.02)]) is Q.GOOD


def test_own_quality_counts_loss_on_the_way_out_only() -> None:
    assert own_quality([LinkStats(loss_in=0.5, jitter=0.5)]) is Q.EXCELLENT


def test_own_quality_is_unknown_without_peers_or_when_all_are_silent() -> None:
    assert own_quality([]) is Q.UNKNOWN
    assert own_quality([LinkStats(silent=True)]) is Q.UNKNOWN


@pytest.mark.parametrize(
    ("made_up", "delay", "least", "most"),
    [(0.0, 0.0, 4.40, 4.42), (0.0, 0.15, 4.3, 4.4), (0.0, 0.4, 2.9, 3.7), (0.01, 0.1, 4.1, 4.35), (0.1, 0.1, 3.2, 3.4)],
)
def test_the_opinion_of_a_voice_is_that_of_the_e_model(made_up: float, delay: float, least: float, most: float) -> None:
    assert least <= mos(made_up, delay) <= most


def test_more_loss_and_more_delay_never_sound_better_and_the_worst_is_one() -> None:
    steps = [index / 50 for index in range(51)]
    for scores in ([mos(step, 0.05) for step in steps], [mos(0.01, step * 3) for step in steps]):
        assert scores == sorted(scores, reverse=True)
    assert mos(1.0, 0.0) < 1.3 and mos(0.5, 3.0) == 1.0
