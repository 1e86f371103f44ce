"""Redundant audio, RFC 2198."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycall.rtc.red import Block, pack, unpack


def test_a_packet_carries_its_predecessors() -> None:
    data = pack(111, b"now", [(1920, b"before"), (960, b"just")])
    assert unpack(data) == [Block(111, 1920, b"before"), Block(111, 960, b"just"), Block(111, 0, b"now")]


def test_without_predecessors_it_costs_one_byte() -> None:
    assert pack(111, b"now", []) == b"\x6fnow"


def test_what_does_not_fit_the_format_is_left_out() -> None:
    assert unpack(pack(111, b"now", [(20000, b"old"), (960, bytes(2000))])) == [Block(111, 0, b"now")]


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xef\x00\x00\x05", b"\xef\x0f\x00\x05\x6fab"])
def test_broken_packets_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="redundant packet"):
        unpack(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_blocks_or_a_value_error(data: bytes) -> None:
    try:
        blocks = unpack(data)
    except ValueError:
        return
    assert sum(len(block.payload) for block in blocks) <= len(data)
