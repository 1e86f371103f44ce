"""RTCP as far as calls need it: reports, NACK, PLI, FIR, REMB, transport-wide feedback. Pure bytes to values.

RFC 3550 (SR, RR, SDES), RFC 4585 (NACK, PLI), RFC 5104 (FIR), draft-alvestrand-rmcat-remb-03 (REMB),
draft-holmer-rmcat-transport-wide-cc-extensions-01 (its inside is read by `congestion.feedback`). BYE is passed over:
who has left is the signaling's to say.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from pycall.core.errors import ErrorCode, RemoteProtocolError

SR, RR, SDES, RTPFB, PSFB = 200, 201, 202, 205, 206
NACK_FORMAT, TRANSPORT_FORMAT = 1, 15
PLI_FORMAT, FIR_FORMAT, APP_FORMAT = 1, 4, 15
NTP_EPOCH = 2208988800
"""Seconds from 1900 to 1970."""
MAX_NACKS = 1024


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How a receiver gets one of our streams; `jitter` in the stream's clock units, `dlsr` in seconds."""

    ssrc: int
    fraction_lost: float
    packets_lost: int
    highest: int
    jitter: int
    last_sr: int = 0
    """The middle 32 bits of the NTP time of the last sender report seen; 0: none."""
    dlsr: float = 0.0


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    """64 bits: seconds since 1900 and their fraction."""
    rtp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Nack:
    media: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """PLI or FIR: send a keyframe."""

    media: int


@dataclass(frozen=True, slots=True)
class Remb:
    bitrate: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    fci: bytes


Report = SenderReport | ReceiverReport | Nack | PictureLoss | Remb | TransportFeedback


def ntp_time(unix: float) -> int:
    """64-bit NTP time of a Unix time; begins anew in 2036 (RFC 5905, 6)."""
    return int((unix + NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def unix_time(ntp: int) -> float:
    return ntp / (1 << 32) - NTP_EPOCH


def middle(ntp: int) -> int:
    """The 32 bits that a receiver sends back (RFC 3550, 6.4.1)."""
    return ntp >> 16 & 0xFFFFFFFF


# --- reading ----------------------------------------------------------------------------------------------------


def parse(data: bytes) -> list[Report]:
    """All that is known in a compound packet, the unknown left out; raises `RemoteProtocolError` for broken bytes."""
    reports: list[Report] = []
    try:
        position = 0
        while position < len(data):
            first, kind, words = struct.unpack_from("!BBH", data, position)
            end = position + 4 + 4 * words
            if first >> 6 != 2 or end > len(data):
                raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, "RTCP packet with a wrong version or length")
            body = data[position + 4 : end]
            if first & 0x20 and body:
                body = body[: max(0, len(body) - body[-1])]
            reports += _read(kind, first & 0x1F, body)
            position = end
    except struct.error as error:
        raise RemoteProtocolError(ErrorCode.BAD_MESSAGE, "truncated RTCP packet") from error
    return reports


def _read(kind: int, count: int, body: bytes) -> list[Report]:
    match kind:
        case 200:
            ssrc, ntp, rtp, packets, octets = struct.unpack_from("!IQIII", body)
            return [SenderReport(ssrc, ntp, rtp, packets, octets, _blocks(body[24:], count))]
        case 201:
            return [ReceiverReport(struct.unpack_from("!I", body)[0], _blocks(body[4:], count))]
        case 205:
            return _read_transport(count, body)
        case 206:
            return _read_payload(count, body)
    return []


def _blocks(body: bytes, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, lost, highest, jitter, lsr, dlsr = struct.unpack_from("!IIIIII", body, index * 24)
        total = lost & 0xFFFFFF
        total -= (total & 0x800000) << 1
        blocks.append(ReportBlock(ssrc, (lost >> 24) / 256, total, highest, jitter, lsr, dlsr / 65536))
    return tuple(blocks)


def _read_transport(form: int, body: bytes) -> list[Report]:
    _, media = struct.unpack_from("!II", body)
    if form == TRANSPORT_FORMAT:
        return [TransportFeedback(body[8:])]
    if form != NACK_FORMAT:
        return []
    missing: list[int] = []
    for position in range(8, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, position)
        missing += [first, *((first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1)]
        if len(missing) > MAX_NACKS:
            break
    return [Nack(media, tuple(missing))]


def _read_payload(form: int, body: bytes) -> list[Report]:
    _, media = struct.unpack_from("!II", body)
    if form == PLI_FORMAT:
        return [PictureLoss(media)]
    if form == FIR_FORMAT:
        # RFC 5104 names the stream in the entries and leaves the header's field 0.
        return [PictureLoss(struct.unpack_from("!I", body, p)[0]) for p in range(8, len(body) - 7, 8)]
    if form == APP_FORMAT and body[8:12] == b"REMB":
        count, high, low = struct.unpack_from("!BBH", body, 12)
        bitrate = ((high & 3) << 16 | low) << (high >> 2)
        return [Remb(bitrate, struct.unpack_from(f"!{count}I", body, 16))]
    return []


# --- writing ----------------------------------------------------------------------------------------------------


def write_sender_report(report: SenderReport, cname: str) -> bytes:
    """The counts have 32 bits and wrap: 4 GiB are an hour at 10 Mbit/s."""
    counts = (value & 0xFFFFFFFF for value in (report.rtp, report.packets, report.octets))
    body = struct.pack("!IQIII", report.ssrc, report.ntp, *counts)
    return _packet(SR, len(report.blocks), body + _write_blocks(report.blocks)) + _sdes(report.ssrc, cname)


def write_receiver_report(report: ReceiverReport, cname: str) -> bytes:
    body = struct.pack("!I", report.ssrc) + _write_blocks(report.blocks)
    return _packet(RR, len(report.blocks), body) + _sdes(report.ssrc, cname)


def write_nack(sender: int, media: int, sequences: Iterable[int]) -> bytes:
    """Sequence numbers in order (they may wrap); neighbours share an entry."""
    entries: list[list[int]] = []
    for sequence in sequences:
        ahead = (sequence - entries[-1][0]) & 0xFFFF if entries else 0
        if entries and 1 <= ahead <= 16:
            entries[-1][1] |= 1 << (ahead - 1)
        else:
            entries.append([sequence, 0])
    fci = b"".join(struct.pack("!HH", *entry) for entry in entries)
    return _packet(RTPFB, NACK_FORMAT, struct.pack("!II", sender, media) + fci)


def write_picture_loss(sender: int, media: int) -> bytes:
    return _packet(PSFB, PLI_FORMAT, struct.pack("!II", sender, media))


def write_transport_feedback(sender: int, media: int, fci: bytes) -> bytes:
    fci += bytes(-len(fci) % 4)
    return _packet(RTPFB, TRANSPORT_FORMAT, struct.pack("!II", sender, media) + fci)


def _write_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        struct.pack(
            "!IIIIII",
            b.ssrc,
            min(255, int(b.fraction_lost * 256)) << 24 | max(-(1 << 23), min((1 << 23) - 1, b.packets_lost)) & 0xFFFFFF,
            b.highest & 0xFFFFFFFF,
            b.jitter & 0xFFFFFFFF,
            b.last_sr,
            max(0, min(0xFFFFFFFF, int(b.dlsr * 65536))),
        )
        for b in blocks
    )


def _sdes(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    item = struct.pack("!IBB", ssrc, 1, len(name)) + name + b"\0"
    return _packet(SDES, 1, item + bytes(-len(item) % 4))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 2 << 6 | count, kind, len(body) // 4) + body
