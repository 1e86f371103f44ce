"""RTP packets as bytes (RFC 3550, 5.1) with their header extensions (RFC 8285), both ways.

Every packet goes through here, so this does only what a call needs, in a small part of the time of aiortc's general
classes: what is the same in all packets of a stream is laid out once, and of what comes only two extensions are read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .terms import AUDIO_LEVEL, MID, SEND_TIME, TRANSPORT, MediaTerms

_HEADER = struct.Struct("!BBHLL")
_EXTENSION = struct.Struct("!HH")
_TWO_BYTES = struct.Struct("!H")
_VERSION, _PADDING, _EXTENDED = 0x80, 0x20, 0x10
_ONE_BYTE_FORM = 0xBEDE
_TWO_BYTE_FORM, _APPLICATION_BITS = 0x1000, 0x000F
_LARGEST_SHORT_ID, _LONGEST_SHORT = 14, 16
"""Of an extension in the one-byte form."""
QUIET = 127
"""The level of silence, in -dBov (RFC 6464)."""


@dataclass(slots=True)
class Packet:
    """One RTP packet. `level` is our sound's, in -dBov; `mid` and `number` are read from what comes."""

    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    padding: int = 0
    """Bytes after the payload, 0 to 255."""
    level: int = QUIET
    mid: str | None = None
    number: int | None = None
    """Transport-wide."""


def wrapped(packet: Packet, payload_type: int, sequence_number: int, ssrc: int) -> Packet:
    """A packet once more, in the stream of retransmissions (RFC 4588, 4)."""
    payload = _TWO_BYTES.pack(packet.sequence_number) + packet.payload
    return Packet(payload_type, packet.marker, sequence_number, packet.timestamp, ssrc, payload)


def unwrapped(packet: Packet, payload_type: int) -> Packet:
    """What a retransmission of two bytes or more repeats."""
    (number,) = _TWO_BYTES.unpack_from(packet.payload)
    return Packet(payload_type, packet.marker, number, packet.timestamp, packet.ssrc, packet.payload[2:])


class Writer:
    """Writes the packets of one line of the description: its extensions are laid out once, then filled in."""

    def __init__(self, media: MediaTerms) -> None:
        """Sound carries its level, pictures their sending time."""
        ids = {extension.uri: extension.id for extension in media.extensions}
        self._of_kind = (AUDIO_LEVEL, b"\x7f") if media.kind == "audio" else (SEND_TIME, bytes(3))
        values = [(MID, media.mid.encode()), self._of_kind, (TRANSPORT, bytes(2))]
        self._lay_out([(uri, ids[uri], value) for uri, value in values if ids.get(uri) and value])

    def _lay_out(self, fields: list[tuple[str, int, bytes]]) -> None:
        """The extension is three fixed pieces with the two values between them that change from packet to packet."""
        short = all(number <= _LARGEST_SHORT_ID and len(value) <= _LONGEST_SHORT for _, number, value in fields)
        body, at = bytearray(_EXTENSION.size if fields else 0), dict[str, int]()
        for uri, number, value in fields:
            body += bytes([number << 4 | len(value) - 1]) if short else bytes([number, len(value)])
            at[uri] = len(body)
            body += value
        body += bytes(-len(body) % 4)
        if fields:
            form = _ONE_BYTE_FORM if short else _TWO_BYTE_FORM
            _EXTENSION.pack_into(body, 0, form, (len(body) - _EXTENSION.size) // 4)
        uri, value = self._of_kind
        number_at = at.get(TRANSPORT, len(body))
        value_at = at.get(uri, number_at)
        self._fixed = (
            bytes(body[:value_at]),
            bytes(body[value_at + len(value) * (uri in at) : number_at]),
            bytes(body[number_at + 2 :]),
        )
        self._extended = _EXTENDED if fields else 0
        self._says_level, self._says_time = AUDIO_LEVEL in at, SEND_TIME in at
        self.numbers = TRANSPORT in at
        """Whether packets of this line carry the transport-wide number; some browsers have it with pictures only."""

    def write(self, packet: Packet, number: int, sent: int) -> bytes:
        """`number` is the transport-wide one, `sent` the sending time in 2^-18 s, 24 bits of it."""
        first = _VERSION | (_PADDING if packet.padding else 0) | self._extended
        second = (0x80 if packet.marker else 0) | packet.payload_type
        header = _HEADER.pack(first, second, packet.sequence_number, packet.timestamp, packet.ssrc)
        value = b""
        if self._says_time:
            value = sent.to_bytes(3, "big")
        elif self._says_level:
            value = bytes([packet.level | (0x80 if packet.level < QUIET else 0)])
        before, between, after = self._fixed
        numbered = number.to_bytes(2, "big") if self.numbers else b""
        data = header + before + value + between + numbered + after + packet.payload
        if packet.padding:
            data += bytes(packet.padding - 1) + bytes([packet.padding])
        return data


class Reader:
    """Reads packets of these lines."""

    def __init__(self, *media: MediaTerms) -> None:
        known = [extension for one in media for extension in one.extensions if extension.uri in (MID, TRANSPORT)]
        self._ids = {extension.id: extension.uri for extension in known}

    def read(self, data: bytes) -> Packet:
        """Raises ValueError for what is no RTP packet."""
        if len(data) < _HEADER.size:
            raise ValueError(f"{len(data)} bytes are no RTP packet")
        first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != 2:
            raise ValueError("not of RTP's version")
        begin, end = _HEADER.size + 4 * (first & 0x0F), len(data)
        packet = Packet(second & 0x7F, second >= 0x80, sequence_number, timestamp, ssrc)
        if first & _EXTENDED:
            begin = self._read_extension(packet, data, begin)
        if first & _PADDING:
            packet.padding = data[-1]
            end -= packet.padding
        if begin > end or (first & _PADDING and not packet.padding):
            raise ValueError("header or padding longer than the packet")
        packet.payload = data[begin:end]
        return packet

    def _read_extension(self, packet: Packet, data: bytes, at: int) -> int:
        """Gives the place behind it."""
        if len(data) < at + _EXTENSION.size:
            raise ValueError("header extension cut off")
        form, words = _EXTENSION.unpack_from(data, at)
        at += _EXTENSION.size
        end: int = at + 4 * words
        if end > len(data):
            raise ValueError("header extension cut off")
        if form == _ONE_BYTE_FORM:
            self._read_short(packet, data, at, end)
        elif form & ~_APPLICATION_BITS == _TWO_BYTE_FORM:
            self._read_long(packet, data, at, end)
        return end

    def _read_short(self, packet: Packet, data: bytes, at: int, end: int) -> None:
        while at < end:
            number, until = data[at] >> 4, at + 2 + (data[at] & 0x0F)
            if number == 15:
                return
            if not number:
                at += 1
                continue
            if number in self._ids or until > end:
                self._take(packet, number, data, at + 1, until, end)
            at = until

    def _read_long(self, packet: Packet, data: bytes, at: int, end: int) -> None:
        while at < end:
            number = data[at]
            at += 1
            if number:
                if at == end:
                    raise ValueError("header extension cut off")
                size = data[at]
                self._take(packet, number, data, at + 1, at + 1 + size, end)
                at += 1 + size

    def _take(self, packet: Packet, number: int, data: bytes, at: int, until: int, end: int) -> None:
        if until > end:
            raise ValueError("header extension cut off")
        uri = self._ids.get(number)
        if uri == TRANSPORT and until - at >= 2:
            (packet.number,) = _TWO_BYTES.unpack_from(data, at)
        elif uri == MID:
            packet.mid = data[at:until].decode("utf-8")
