"""Counters into link statistics."""

from __future__ import annotations

from pycall.rtc.stats import Counters, link_stats


def test_an_ordinary_interval() -> None:
    before = Counters(time=10.0)
    after = Counters(
        time=12.0,
        bytes_in=250_000,
        bytes_out=500_000,
        packets_in=400,
        expected_in=400,
        received_in=380,
        sent_out=200,
        lost_out=10,
        rtt=0.05,
        jitter=0.004,
        pictures_in=60,
        pictures_out=30,
        video_codec="H264",
    )
    stats = link_stats(before, after)
    assert (stats.bitrate_in, stats.bitrate_out) == (1_000_000, 2_000_000)
    assert (stats.loss_in, stats.loss_out) == (0.05, 0.05)
    assert (stats.rtt, stats.jitter, stats.silent) == (0.05, 0.004, False)
    assert (stats.fps_in, stats.fps_out, stats.video_codec) == (30, 15, "H264")


def test_nothing_at_all() -> None:
    stats = link_stats(Counters(time=1), Counters(time=1))
    assert stats.silent
    assert (stats.loss_in, stats.loss_out, stats.bitrate_in, stats.fps_in) == (0, 0, 0, 0)


def test_retransmissions_and_late_reports_stay_between_0_and_1() -> None:
    stats = link_stats(Counters(), Counters(time=2, expected_in=10, received_in=15, sent_out=5, lost_out=9))
    assert (stats.loss_in, stats.loss_out) == (0, 1)
