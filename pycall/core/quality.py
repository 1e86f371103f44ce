"""Network quality on the documented scale of 0 to 6, from what was measured on a connection.

The worst of loss, delay and jitter decides, because each alone can spoil a conversation. A two-way sound path is fine
up to 150 ms mouth to ear and unusable above 400 ms (ITU-T G.114); a round trip is two such ways without the buffers at
both ends (about 100 ms), which leaves 150 ms of round trip for GOOD and 600 ms as the end of BAD. Opus with in-band
repair hides one lost packet in a hundred and begins to be heard at three; above a tenth whole syllables go, above a
fifth whole words. Jitter costs delay one to one, since the buffer must hold it.

What reached eye and ear decides as well: a link can look clean while a machine is too slow or repairs come too late.

    sound that was made up   by the classes of ITU-T G.109, through the E-model below
    a picture standing still any stop of half a second is POOR at best; for a third of the time BAD, for two VERY_BAD
    few pictures             below 12 a second GOOD at best, below 6 POOR at best, never worse: the source may be slow
"""

from __future__ import annotations

from collections.abc import Iterable

from .types import LinkStats, NetworkQuality

LOSS_LIMITS = (0.01, 0.03, 0.08, 0.20)
"""Fraction of packets lost: at most this is EXCELLENT, GOOD, POOR, BAD; more is VERY_BAD."""
RTT_LIMITS = (0.1, 0.15, 0.3, 0.6)
"""Round trip in seconds, in the same order."""
JITTER_LIMITS = (0.02, 0.04, 0.08, 0.16)
"""Mean deviation of the arrival times in seconds, in the same order; the first is one sound packet (20 ms)."""
CONCEALED_LIMITS = (0.0087, 0.0405, 0.081, 0.134)
"""Share of the sound that was made up, in the same order: where R falls below 90, 80, 70 and 60, the lower ends of what
ITU-T G.109 calls best, high, medium and low."""
FROZEN_LIMITS = (0.0, 0.0, 1 / 3, 2 / 3)
"""Share of the time in which the picture stood still. The shortest stop that counts, half a second, is a quarter of the
2 s that are looked at; the limits are our choice."""
FPS_LIMITS = (12.0, 6.0)
"""Pictures a second: at least this is EXCELLENT, GOOD; fewer is POOR. The first is what people who read lips still find
usable with some restrictions (EN 301 549, 6.5), the second half of it."""


def quality_of_peer(stats: LinkStats) -> NetworkQuality:
    """How good what comes from another person is: the worst of their packets' loss and jitter, the round trip, the
    sound that was made up, and the pictures that stood still or were few."""
    if stats.silent:
        return NetworkQuality.DOWN
    seen = [_grade(stats.frozen, FROZEN_LIMITS)]
    if stats.shown_fps is not None:
        seen.append(_grade(-stats.shown_fps, tuple(-limit for limit in FPS_LIMITS)))
    link = _worst(stats.loss_in, stats.rtt, stats.jitter)
    return max(link, _grade(stats.concealed, CONCEALED_LIMITS), *seen)


def own_quality(links: Iterable[LinkStats]) -> NetworkQuality:
    """How good our own way out is: the best of what all peers report, since a fault of ours is seen by all of them."""
    grades = [_worst(link.loss_out, link.rtt, 0.0) for link in links if not link.silent]
    return min(grades, default=NetworkQuality.UNKNOWN)


DELAY_COST, LONG_DELAY_COST, LONG_DELAY = 0.024, 0.11, 177.3
"""Impairment per millisecond mouth to ear, and what is added beyond the third, in ms (ITU-T G.107, simplified as usual:
no echo, default levels)."""
BEST = 93.2
"""R of a perfect narrow-band line."""
ROBUSTNESS = 25.1
"""Bpl of a codec that conceals losses (ITU-T G.113, appendix I, random loss); Opus is not worse."""


def mos(made_up: float, delay: float) -> float:
    """The opinion score of a voice by the E-model, 1 (unusable) to 4.4 (as good as a line can be).

    `made_up` is the share of its time, 0 to 1, for which nothing arrived and something had to be invented (what was
    repaired in time is not lost); `delay` is seconds from mouth to ear.
    """
    milliseconds = 1000 * max(0.0, delay)
    percent = 100 * min(max(made_up, 0.0), 1.0)
    late = DELAY_COST * milliseconds + LONG_DELAY_COST * max(0.0, milliseconds - LONG_DELAY)
    rating = BEST - late - 95 * percent / (percent + ROBUSTNESS)
    if rating <= 0:
        return 1.0
    return max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)


def _worst(loss: float, rtt: float | None, jitter: float) -> NetworkQuality:
    grades = [_grade(loss, LOSS_LIMITS), _grade(rtt or 0.0, RTT_LIMITS), _grade(jitter, JITTER_LIMITS)]
    return max(grades)


def _grade(value: float, limits: tuple[float, ...]) -> NetworkQuality:
    """EXCELLENT up to the first limit, one step worse for each limit passed."""
    return NetworkQuality(NetworkQuality.EXCELLENT + sum(value > limit for limit in limits))
