"""What is counted of a stream whose numbers wrap, go back or begin anew."""

from __future__ import annotations

import pytest

from pycall.rtc.receive.stream import IncomingStream


def counted(*sequences: int) -> IncomingStream:
    stream = IncomingStream(7, 90000)
    for sequence in sequences:
        stream.arrived(sequence & 0xFFFF, 0, 100, 0.0)
    return stream


def test_what_lies_between_is_lost_until_it_comes_late() -> None:
    assert counted(65_534, 65_537).lost == 2
    assert counted(65_534, 65_537, 65_536, 65_535).lost == 0


@pytest.mark.parametrize("back", [3000, 20_000, 32_768])
def test_a_stream_that_begins_anew_has_lost_nothing_by_it(back: int) -> None:
    stream = counted(40_000, 40_001, 40_003)
    stream.block(0.0)
    for step in (0, 1, 3):
        stream.arrived(40_003 - back + step, 0, 100, 1.0)
    block = stream.block(1.0)
    assert (stream.expected, stream.packets, stream.lost) == (8, 6, 2)
    assert block.fraction_lost == pytest.approx(1 / 4)
    assert block.highest == 40_006 - back
