"""How a connection was, in the few numbers a person wants to know when the call is over."""

from __future__ import annotations

from collections.abc import Mapping

from pycall.core.quality import mos
from pycall.core.types import PeerQuality

from .session import Session

DEVICES = 0.04
"""Seconds that capture, one packet's length and the speaker take besides the network and our buffer."""
LEAST_TURNS = 50
"""Pieces of 20 ms, a second: less says nothing about a voice."""


def summary(session: Session, setup: Mapping[str, float]) -> PeerQuality:
    """`setup` as in PeerQuality."""
    sending, receiving = session.sending, session.receiving
    streams = receiving.streams.values()
    expected = sum(stream.expected for stream in streams)
    missing = sum(max(0, stream.expected - stream.packets) for stream in streams)
    seeing = receiving.seeing
    freezes = None if seeing is None else seeing.freezes
    concealed, delay = _voice(session)
    return PeerQuality(
        mos=None if delay is None else mos(concealed, delay),
        concealed=concealed,
        delay=delay,
        rtt=sending.rtt,
        loss=missing / expected if expected else 0.0,
        freezes=0 if freezes is None else freezes.count,
        frozen=0.0 if freezes is None else freezes.seconds,
        long_freezes=0 if freezes is None else freezes.long_count,
        long_frozen=0.0 if freezes is None else freezes.long_seconds,
        fps=0.0 if freezes is None else freezes.mean_rate,
        size=(0, 0) if seeing is None else seeing.size,
        setup=dict(setup),
    )


def _voice(session: Session) -> tuple[float, float | None]:
    """The share that was made up, and the delay in seconds; None: there was hardly anything to hear."""
    counted = session.receiving.hearing.playout.buffer.stats
    if counted.played < LEAST_TURNS:
        return 0.0, None
    delay = (session.sending.rtt or 0.0) / 2 + counted.delay_sum / counted.played + DEVICES
    return max(0, counted.concealed - counted.silent) / counted.turns, delay
