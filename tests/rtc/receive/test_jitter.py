"""Streams that stand still, begin anew or come by another path: how soon there is sound again."""

from __future__ import annotations

import pytest

from pycall.rtc.opus import FRAME
from pycall.rtc.receive.jitter import JitterBuffer, Kind

PLAYED = (Kind.PLAY, Kind.SHRINK, Kind.GROW)
FIRST = 1_000_000
MINUTE = 60 * 48000
CHANGED = 5.0
"""Seconds after which something happens to the stream."""

Packets = list[tuple[float, int]]
"""Arrival and timestamp."""


def stream(begin: float, end: float, shift: int = 0, late: float = 0.0) -> Packets:
    """Packets sent from `begin` to `end`, with timestamps moved by `shift` samples."""
    return [(n * 0.02 + late, FIRST + shift + n * FRAME) for n in range(round(begin * 50), round(end * 50))]


def played(packets: Packets, seconds: int) -> list[int]:
    """How many packets were played in each second."""
    buffer, waiting, counts = JitterBuffer(), sorted(packets, reverse=True), [0] * seconds
    for turn in range(seconds * 50):
        now = turn * 0.02
        while waiting and waiting[-1][0] <= now:
            arrival, timestamp = waiting.pop()
            buffer.insert(timestamp & 0xFFFFFFFF, b"x", arrival)
        counts[turn // 50] += buffer.next(now).kind in PLAYED
    return counts


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(stream(CHANGED, 12, late=0.7), id="the path is 0.7 s longer"),
        pytest.param(stream(CHANGED, 12, late=3.0), id="the sender stood still for 3 s and did not count them"),
        pytest.param(stream(CHANGED, 12, shift=-MINUTE), id="timestamps begin anew a minute before"),
        pytest.param(stream(CHANGED, 12, shift=MINUTE), id="timestamps begin anew a minute later"),
        pytest.param(stream(CHANGED, 12, shift=-(1 << 31)), id="timestamps begin anew half the way round"),
        pytest.param([(CHANGED, FIRST + 900_000_000), *stream(CHANGED, 12)], id="one stray timestamp"),
    ],
)
def test_there_is_sound_again_within_half_a_second_of_packets(after: Packets) -> None:
    counts = played([*stream(0, CHANGED), *after], 12)
    again = after[0][0]
    assert sum(counts[int(again) :]) >= (12 - again - 0.5) * 50


def test_a_burst_after_a_stop_begins_nothing_anew() -> None:
    stopped = [(max(at, 6.0), ts) for at, ts in stream(CHANGED, 12)]
    counts = played([*stream(0, CHANGED), *stopped], 12)
    assert sum(counts[7:]) == pytest.approx(250, abs=2)
