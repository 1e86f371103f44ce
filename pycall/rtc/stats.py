"""What flows over one connection: counters read every 2 s and turned into `LinkStats`."""

from __future__ import annotations

from dataclasses import dataclass

from pycall.core.types import LinkStats

from .path import Path
from .receive.freezes import Freezes
from .session import Session


@dataclass(frozen=True, slots=True)
class Counters:
    """Everything counted since the connection began."""

    time: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    expected_in: int = 0
    received_in: int = 0
    sent_out: int = 0
    lost_out: int = 0
    rtt: float | None = None
    jitter: float = 0.0
    pictures_in: int = 0
    pictures_out: int = 0
    video_codec: str = ""
    turns: int = 0
    """Pieces of sound that were due, 20 ms each."""
    made_up: int = 0
    stopped: float = 0.0
    """Seconds in which the picture stood still."""
    shown: int = 0
    watched: float = 0.0
    """Seconds in which pictures followed each other, so many."""


LEAST_WATCHED = 1.0
"""Seconds of pictures; fewer say nothing about their rate."""


def link_stats(before: Counters, after: Counters) -> LinkStats:
    """What happened between two readings; pure."""
    seconds = max(after.time - before.time, 0.001)
    expected = after.expected_in - before.expected_in
    received = after.received_in - before.received_in
    watched = after.watched - before.watched
    return LinkStats(
        loss_in=_share(expected - received, expected),
        loss_out=_share(after.lost_out - before.lost_out, after.sent_out - before.sent_out),
        rtt=after.rtt,
        jitter=after.jitter,
        bitrate_in=(after.bytes_in - before.bytes_in) * 8 / seconds,
        bitrate_out=(after.bytes_out - before.bytes_out) * 8 / seconds,
        silent=after.packets_in == before.packets_in,
        fps_in=(after.pictures_in - before.pictures_in) / seconds,
        fps_out=(after.pictures_out - before.pictures_out) / seconds,
        video_codec=after.video_codec,
        concealed=_share(after.made_up - before.made_up, after.turns - before.turns),
        frozen=_share(after.stopped - before.stopped, seconds),
        shown_fps=(after.shown - before.shown) / watched if watched >= LEAST_WATCHED else None,
    )


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


def read_counters(session: Session, path: Path, now: float) -> Counters:
    """The counters at `now` (monotonic seconds)."""
    sending, receiving = session.sending, session.receiving
    incoming = list(receiving.streams.values())
    picture, seeing = sending.picture, receiving.seeing
    outgoing = sending.streams
    transport = path.transport
    buffer = receiving.hearing.playout.buffer
    freezes = seeing.freezes if seeing else Freezes()
    return Counters(
        time=now,
        bytes_in=transport.bytes_in,
        bytes_out=transport.bytes_out,
        packets_in=transport.packets_in,
        expected_in=sum(stream.expected for stream in incoming),
        received_in=sum(stream.packets for stream in incoming),
        sent_out=sum(stream.packets for stream in outgoing),
        lost_out=sum(stream.lost for stream in outgoing),
        rtt=sending.rtt,
        jitter=max((stream.jitter for stream in receiving.current.values()), default=0.0),
        pictures_in=seeing.decoded if seeing else 0,
        pictures_out=picture.frames if picture else 0,
        video_codec=seeing.codec_name if seeing else "",
        turns=buffer.stats.turns,
        made_up=buffer.stats.concealed - buffer.stats.silent - buffer.unsettled,
        stopped=freezes.stopped(now),
        shown=freezes.followed,
        watched=freezes.watched,
    )
