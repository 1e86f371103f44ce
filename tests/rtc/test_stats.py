"""Counters into link statistics."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pycall.core.quality import quality_of_peer
from pycall.core.types import NetworkQuality
from pycall.rtc.receive.freezes import Freezes
from pycall.rtc.receive.jitter import JitterBuffer
from pycall.rtc.stats import Counters, link_stats

Q = NetworkQuality


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


def graded(pictures: Iterable[float], until: float) -> list[NetworkQuality]:
    """What is said every 2 s of a clean link whose pictures are shown at these moments."""
    freezes, waiting = Freezes(), sorted(pictures)
    grades, before = [], Counters(packets_in=0)
    for now in range(2, round(until) + 1, 2):
        while waiting and waiting[0] <= now:
            freezes.shown(waiting.pop(0))
        after = Counters(
            time=now,
            packets_in=now * 100,
            rtt=0.02,
            stopped=freezes.stopped(now),
            shown=freezes.followed,
            watched=freezes.watched,
        )
        grades.append(quality_of_peer(link_stats(before, after)))
        before = after
    return grades


def at_rate(fps: float, begin: float, end: float) -> list[float]:
    return [begin + index / fps for index in range(round((end - begin) * fps))]


def test_a_clean_link_on_which_the_picture_stops_is_not_excellent() -> None:
    """Still from 4 to 7.5 s: the grade falls while it lasts, and is back when the pictures are."""
    pictures = at_rate(30, 0, 4) + at_rate(30, 7.5, 12)
    assert graded(pictures, 12) == [Q.EXCELLENT, Q.EXCELLENT, Q.VERY_BAD, Q.VERY_BAD, Q.EXCELLENT, Q.EXCELLENT]


def test_one_short_stop_is_poor_for_its_two_seconds() -> None:
    pictures = at_rate(30, 0, 2.5) + at_rate(30, 3.0, 6)
    assert graded(pictures, 6) == [Q.EXCELLENT, Q.POOR, Q.EXCELLENT]


@pytest.mark.parametrize(("fps", "grade"), [(30, Q.EXCELLENT), (15, Q.EXCELLENT), (8, Q.GOOD), (2, Q.POOR)])
def test_few_pictures_lower_the_grade(fps: float, grade: NetworkQuality) -> None:
    assert graded(at_rate(fps, 0, 10), 10)[1:] == [grade] * 4


def test_without_pictures_there_is_nothing_to_judge() -> None:
    assert graded([], 4) == [Q.EXCELLENT, Q.EXCELLENT]


def test_sound_that_was_made_up_lowers_the_grade() -> None:
    before = Counters(time=10, packets_in=100, turns=500, made_up=10)
    stats = link_stats(before, Counters(time=12, packets_in=200, rtt=0.02, turns=600, made_up=16))
    assert stats.concealed == 0.06 and quality_of_peer(stats) is Q.POOR


def made_up(buffer: JitterBuffer) -> int:
    return buffer.stats.concealed - buffer.stats.silent - buffer.unsettled


def test_silence_of_the_sender_is_never_counted_as_made_up() -> None:
    """DTX: a packet every 0.4 s; at each moment between two of them nothing is known to be lost."""
    buffer, told = JitterBuffer(), []
    for turn in range(200):
        now = turn * 0.02
        if turn % 20 == 0:
            buffer.insert(turn * 960, b"x", now)
            if turn:
                buffer.was_silent(19 * 960)
        buffer.next(now + 0.005)
        told.append(made_up(buffer))
    assert max(told) <= 1


def test_sound_that_stays_away_counts_as_made_up_after_half_a_second() -> None:
    buffer = JitterBuffer()
    for turn in range(10):
        buffer.insert(turn * 960, b"x", turn * 0.02)
        buffer.next(turn * 0.02 + 0.005)
    for turn in range(10, 110):
        buffer.next(turn * 0.02 + 0.005)
    assert made_up(buffer) >= 95
