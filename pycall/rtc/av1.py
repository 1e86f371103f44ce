"""AV1 in RTP, by AOMedia's payload format: the OBUs of one picture into payloads and back; pure.

    payload  =  aggregation header, then elements: whole OBUs, of which the first and the last may be fragments
    header   =  Z Y W W N 0 0 0   Z: the first element continues the last packet's; Y: the last one goes on in the next;
                W: how many elements (0: not said); N: the first packet of a new coded video sequence
    element  =  its length (leb128), absent for the last one if W is not 0; then an OBU without its own size field

One picture is one temporal unit. Its delimiter is not sent, since the RTP timestamp says the same; tile lists are not
allowed in RTP, and padding is of no use to anybody. One layer only: that is all our encoder makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MAX_PAYLOAD = 1200
"""Bytes: with RTP, extensions and SRTP it still fits into the smallest usual path (1280 by IPv6)."""
LEAST_FRAGMENT = 16
"""An OBU is not begun in what is left of a packet if it is less than this."""
MAX_SIZE = (1 << 32) - 1
"""Of a leb128 number in AV1 (4.10.5 of its specification)."""

CONTINUES, GOES_ON, NEW_SEQUENCE = 0x80, 0x40, 0x08
SEQUENCE_HEADER, TEMPORAL_DELIMITER, TILE_LIST, PADDING = 1, 2, 8, 15
NOT_SENT = (TEMPORAL_DELIMITER, TILE_LIST, PADDING)
FORBIDDEN, HAS_EXTENSION, HAS_SIZE = 0x80, 0x04, 0x02
_PREFIX = 2
"""Bytes of an element's length: two hold 16383."""


def packetize(unit: bytes) -> list[bytes]:
    """RTP payloads of one temporal unit in the low-overhead format; none if nothing in it is worth sending.

    Raises `ValueError` for anything else. The last payload's packet gets the marker.
    """
    obus = [obu for obu in _split(unit) if _kind(obu) not in NOT_SENT]
    payloads = [_payload(*packed) for packed in _packed(obus)]
    if any(_kind(obu) == SEQUENCE_HEADER for obu in obus):
        payloads[0] = bytes([payloads[0][0] | NEW_SEQUENCE]) + payloads[0][1:]
    return payloads


def depacketize(payloads: Iterable[bytes]) -> bytes:
    """The picture in the low-overhead format, for a decoder; `payloads` are all of it, in order.

    Raises `ValueError` if they are broken or do not fit together. Empty if nothing is in it that a decoder wants.
    """
    obus: list[list[bytes]] = []
    unfinished = False
    for payload in payloads:
        flags, elements = read(payload)
        if bool(flags & CONTINUES) != unfinished:
            raise ValueError("a fragment of an OBU is missing")
        if unfinished:
            obus[-1].append(elements.pop(0))
        obus += [[element] for element in elements]
        unfinished = bool(flags & GOES_ON)
    if unfinished:
        raise ValueError("the last OBU has no end")
    return b"".join(_sized(b"".join(fragments)) for fragments in obus)


def begins_key(payload: bytes) -> bool:
    """Whether a keyframe begins in this payload: it says so, or its first OBU is a sequence header.

    Raises `ValueError` if it is broken.
    """
    flags, elements = read(payload)
    if flags & NEW_SEQUENCE:
        return True
    return not flags & CONTINUES and bool(elements[0]) and _kind(elements[0]) == SEQUENCE_HEADER


def read(payload: bytes) -> tuple[int, list[bytes]]:
    """The aggregation header and the elements, at least one; raises `ValueError` if it is broken."""
    if len(payload) < 2:
        raise ValueError("an AV1 payload without an element")
    flags, at = payload[0], 1
    count = flags >> 4 & 3
    if flags & NEW_SEQUENCE and flags & CONTINUES:
        raise ValueError("a new sequence cannot begin within an OBU")
    elements: list[bytes] = []
    while at < len(payload):
        size = len(payload) - at
        if len(elements) + 1 != count:
            size, at = _read_leb128(payload, at)
        if at + size > len(payload):
            raise ValueError("an AV1 element is longer than its payload")
        elements.append(payload[at : at + size])
        at += size
    if count and len(elements) != count:
        raise ValueError(f"an AV1 payload has {len(elements)} elements and says {count}")
    return flags, elements


def _packed(obus: list[bytes]) -> Iterator[tuple[list[bytes], bool, bool]]:
    """Elements that fill one packet each, whether the first continues an OBU and whether the last one goes on."""
    elements: list[bytes] = []
    room, continues = MAX_PAYLOAD - 1, False
    for obu in obus:
        at = 0
        while at < len(obu):
            if room < _PREFIX + min(LEAST_FRAGMENT, len(obu) - at):
                yield elements, continues, at > 0
                elements, room, continues = [], MAX_PAYLOAD - 1, at > 0
            elements.append(obu[at : at + room - _PREFIX])
            at += len(elements[-1])
            room -= len(elements[-1]) + _PREFIX
    if elements:
        yield elements, continues, False


def _payload(elements: list[bytes], continues: bool, goes_on: bool) -> bytes:
    count = len(elements) if len(elements) <= 3 else 0
    out = bytearray([CONTINUES * continues | GOES_ON * goes_on | count << 4])
    for number, element in enumerate(elements, 1):
        if number != count:
            out += _leb128(len(element))
        out += element
    return bytes(out)


def _split(unit: bytes) -> Iterator[bytes]:
    """The OBUs of a temporal unit, each without its size field."""
    at = 0
    while at < len(unit):
        head, start, end = _parse(unit, at)
        yield head + unit[start:end]
        at = end


def _sized(obu: bytes) -> bytes:
    """An OBU that came by RTP with the size field that a decoder needs; empty if it is not for a decoder."""
    if not obu:
        return b""
    head, start, end = _parse(obu, 0)
    if _kind(obu) in NOT_SENT:
        return b""
    if end != len(obu):
        raise ValueError("an OBU and its element differ in size")
    return bytes([head[0] | HAS_SIZE]) + head[1:] + _leb128(end - start) + obu[start:]


def _parse(data: bytes, at: int) -> tuple[bytes, int, int]:
    """The OBU at `at`: its header as it is without a size field, and where its content begins and ends."""
    first = data[at]
    start = at + (2 if first & HAS_EXTENSION else 1)
    if first & FORBIDDEN or start > len(data):
        raise ValueError("not an OBU")
    head = bytes([first & ~HAS_SIZE]) + data[at + 1 : start]
    end = len(data)
    if first & HAS_SIZE:
        size, start = _read_leb128(data, start)
        end = start + size
    if end > len(data):
        raise ValueError("an OBU is cut short")
    return head, start, end


def _kind(obu: bytes) -> int:
    return obu[0] >> 3 & 15


def _leb128(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_leb128(data: bytes, at: int) -> tuple[int, int]:
    """The number, and where the next byte is."""
    value = 0
    for index, byte in enumerate(data[at : at + 8]):
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            if value > MAX_SIZE:
                break
            return value, at + index + 1
    raise ValueError("not a leb128 number")
