"""What flows over one connection: counters read every 2 s and turned into `LinkStats`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from aiortc import RTCPeerConnection, RTCRtpSender

from pycall.core.types import LinkStats

from .receiver import InletReceiver, PictureInlet, SoundInlet
from .sender import OutletSender

MAX_JITTER = 5.0
"""Seconds; aiortc's jitter jumps by hours when an RTP timestamp wraps, so more than this is not a measurement."""


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


def link_stats(before: Counters, after: Counters) -> LinkStats:
    """What happened between two readings; pure."""
    seconds = max(after.time - before.time, 0.001)
    expected = after.expected_in - before.expected_in
    received = after.received_in - before.received_in
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
    )


def _share(part: int, whole: int) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0


async def read_counters(connection: RTCPeerConnection, now: float) -> Counters:
    """The counters of `connection` at `now` (monotonic seconds)."""
    report = (await connection.getStats()).values()
    transport = next((s for s in report if s.type == "transport"), None)
    heard = [s for s in report if s.type == "remote-inbound-rtp"]
    round_trips = [s.roundTripTime for s in heard if s.roundTripTime is not None]
    streams = [
        stream
        for receiver in connection.getReceivers()
        if isinstance(receiver, InletReceiver)
        for stream in receiver.streams
    ]
    jitters = [stream.jitter / stream._clockrate for stream in streams]
    picture = next((inlet for inlet in _inlets(connection) if isinstance(inlet, PictureInlet)), None)
    return Counters(
        time=now,
        bytes_in=transport.bytesReceived if transport else 0,
        bytes_out=transport.bytesSent if transport else 0,
        packets_in=transport.packetsReceived if transport else 0,
        expected_in=sum(stream.packets_expected for stream in streams),
        received_in=sum(stream.packets_received for stream in streams),
        sent_out=sum(s.packetsSent for s in report if s.type == "outbound-rtp"),
        lost_out=sum(s.packetsLost for s in heard),
        rtt=max(0.0, min(round_trips)) if round_trips else None,
        jitter=max((jitter for jitter in jitters if jitter < MAX_JITTER), default=0.0),
        pictures_in=picture.decoded if picture else 0,
        pictures_out=sum(sender.frames for sender in connection.getSenders() if _sends_pictures(sender)),
        video_codec=(picture.codec_name or "") if picture else "",
    )


def _inlets(connection: RTCPeerConnection) -> list[SoundInlet | PictureInlet | None]:
    return [receiver.inlet for receiver in connection.getReceivers() if isinstance(receiver, InletReceiver)]


def _sends_pictures(sender: RTCRtpSender) -> TypeGuard[OutletSender]:
    return isinstance(sender, OutletSender) and sender.kind == "video"
