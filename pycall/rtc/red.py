"""Redundant audio (RFC 2198): a packet that also carries the ones before it, so that a loss costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

MAX_OFFSET = (1 << 14) - 1
MAX_BLOCK = (1 << 10) - 1


@dataclass(frozen=True, slots=True)
class Block:
    """`offset` is how much earlier than the packet's own timestamp the block's sound is, in clock units."""

    payload_type: int
    offset: int
    payload: bytes


def pack(payload_type: int, primary: bytes, earlier: list[tuple[int, bytes]]) -> bytes:
    """`earlier` holds (offset, payload), oldest first; what does not fit the format is left out."""
    fitting = [(o, p) for o, p in earlier if 0 < o <= MAX_OFFSET and len(p) <= MAX_BLOCK]
    headers = b"".join(
        ((1 << 31) | payload_type << 24 | offset << 10 | len(payload)).to_bytes(4, "big") for offset, payload in fitting
    )
    return headers + bytes([payload_type]) + b"".join(payload for _, payload in fitting) + primary


def unpack(data: bytes) -> list[Block]:
    """All blocks, oldest first, the primary last (offset 0); raises `ValueError` for what is no such packet."""
    headers: list[tuple[int, int, int]] = []
    position = 0
    while True:
        if position >= len(data):
            raise ValueError("redundant packet without a primary block")
        if not data[position] & 0x80:
            break
        if position + 4 > len(data):
            raise ValueError("redundant packet with a truncated header")
        word = int.from_bytes(data[position : position + 4], "big")
        headers.append((word >> 24 & 0x7F, word >> 10 & 0x3FFF, word & 0x3FF))
        position += 4
    primary = data[position] & 0x7F
    position += 1
    blocks = []
    for payload_type, offset, length in headers:
        if position + length > len(data):
            raise ValueError("redundant packet with a truncated block")
        blocks.append(Block(payload_type, offset, data[position : position + length]))
        position += length
    return [*blocks, Block(primary, 0, data[position:])]
