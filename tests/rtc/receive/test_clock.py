"""The time line over RTP timestamps."""

from __future__ import annotations

from pycall.rtc.receive.clock import TimeLine


def test_it_begins_at_zero_and_goes_over_the_wrap_both_ways() -> None:
    line = TimeLine()
    start = (1 << 32) - 1000
    assert [line.place((start + step) % (1 << 32)) for step in (0, 960, 1920, 960, 2880)] == [0, 960, 1920, 960, 2880]
