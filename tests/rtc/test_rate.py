"""What REMB does to our bitrate."""

from __future__ import annotations

from pycall.rtc.rate import LOWEST_BITRATE, VideoRate


def send(rate: VideoRate, bitrate: int, start: float, seconds: float) -> float:
    for i in range(int(seconds * 30)):
        rate.sent(bitrate // 8 // 30, start + i / 30)
    return start + seconds


def test_it_begins_at_the_profile_rate() -> None:
    assert VideoRate(1_500_000, 0).target == 1_500_000


def test_an_easy_picture_does_not_pull_its_own_limit_down() -> None:
    rate = VideoRate(1_500_000, 0)
    now = send(rate, 200_000, 0, 2)
    rate.estimate(310_000, now)  # 1.5 times what arrives: all that REMB will ever say
    assert rate.target == 1_500_000


def test_congestion_is_followed_at_once_and_left_slowly() -> None:
    rate = VideoRate(1_500_000, 0)
    now = send(rate, 1_500_000, 0, 2)
    rate.estimate(600_000, now)
    assert rate.target == 600_000
    for _ in range(10):
        now = send(rate, rate.target, now, 1)
        rate.estimate(int(rate.target * 1.5), now)
    assert 1_100_000 < rate.target < 1_500_000
    for _ in range(20):
        now = send(rate, rate.target, now, 1)
        rate.estimate(int(rate.target * 1.5), now)
    assert rate.target == 1_500_000


def test_it_never_goes_below_the_lowest_or_above_the_profile() -> None:
    rate = VideoRate(1_500_000, 0)
    rate.estimate(1, send(rate, 1_500_000, 0, 1))
    assert rate.target == LOWEST_BITRATE
    assert VideoRate(100, 0).target == LOWEST_BITRATE


def test_a_new_profile_begins_at_its_own_rate_unless_the_path_is_narrow() -> None:
    rate = VideoRate(1_500_000, 0)
    rate.set_ceiling(2_500_000)
    assert rate.target == 2_500_000
    rate.estimate(800_000, send(rate, 2_500_000, 0, 1))
    rate.set_ceiling(1_500_000)
    assert rate.target == 800_000
    rate.set_ceiling(400_000)
    assert rate.target == 400_000
