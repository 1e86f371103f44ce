"""Transport-wide feedback, written and read again."""

from __future__ import annotations

import contextlib
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycall.core.errors import RemoteProtocolError
from pycall.rtc.congestion import FeedbackWriter, parse_feedback
from pycall.rtc.congestion.feedback import MOST_UNTOLD, RESTART

UNIT = 0.00025


def told(writer: FeedbackWriter, now: float) -> list[tuple[int, float | None]]:
    statuses = []
    while (fci := writer.build(now)) is not None:
        statuses += parse_feedback(fci)
    return statuses


def test_a_feedback_is_laid_out_as_the_draft_says() -> None:
    writer = FeedbackWriter()
    reference = 0.064 * 1000
    for seq, at in ((65534, 0.0), (65535, 0.001), (1, 0.001), (2, 0.201)):
        writer.arrived(seq, reference + at)
    fci = writer.build(reference + 1)
    assert fci is not None
    # First number, five statuses, reference time 1000, counter 0.
    assert fci[:8] == struct.pack(">HH", 65534, 5) + (1000).to_bytes(3, "big") + b"\0"
    # A vector of two-bit symbols: small, small, missing, small, large.
    assert fci[8:10] == struct.pack(">H", 0b11_01_01_00_01_10_00_00)
    assert fci[10:] == bytes([0, 4, 0]) + struct.pack(">h", 800)


def test_all_forms_of_chunks_are_read() -> None:
    head = struct.pack(">HH", 10, 20 + 14 + 2) + (2).to_bytes(3, "big") + b"\7"
    chunks = struct.pack(">HHH", 0b001 << 13 | 20, 0b10_10000000000001, 0b11_10_01_00_00_00_00_00)
    deltas = bytes([4] * 20) + bytes([4, 4]) + struct.pack(">hB", -8, 4)
    statuses = parse_feedback(head + chunks + deltas + b"\0\0")
    assert len(statuses) == 36
    assert statuses[0] == (10, pytest.approx(0.129))
    assert [seq for seq, at in statuses if at is None] == list(range(31, 43))
    assert statuses[44 - 10][1] == pytest.approx(0.128 + 22 * 0.001 - 0.002)


@pytest.mark.parametrize("seed", range(20))
def test_what_was_written_is_read_again_through_wrap_loss_reorder_and_duplicates(seed: int) -> None:
    rng = random.Random(seed)
    first, offset = rng.randrange(65536), rng.uniform(0, 1e7)
    packets = [((first + i) & 0xFFFF, offset + i * 0.003 + rng.uniform(0, 0.02)) for i in range(900)]
    packets = [packet for packet in packets if rng.random() > 0.1]
    writer, read = FeedbackWriter(), dict[int, float]()
    arrivals = sorted(packets, key=lambda packet: packet[1])
    for seq, at in arrivals:
        writer.arrived(seq, at)
        if rng.random() < 0.05:
            writer.arrived(seq, at + 0.001)
        if writer.due(at):
            read |= {s: t for s, t in told(writer, at) if t is not None}
    read |= {s: t for s, t in told(writer, offset + 10) if t is not None}
    expected = {seq: at for seq, at in packets if seq in read}
    # What arrives before the very first packet's number is known may be ignored; nothing else may be.
    assert len(expected) >= len(packets) - 10
    turn = 2**24 * 0.064
    for seq, at in expected.items():
        assert (read[seq] - at + turn / 2) % turn - turn / 2 == pytest.approx(0, abs=UNIT)


def test_a_packet_that_was_told_to_be_missing_is_told_of_when_it_comes() -> None:
    writer = FeedbackWriter()
    writer.arrived(1, 1.0)
    writer.arrived(3, 1.01)
    assert [at is None for _, at in told(writer, 1.1)] == [False, True, False]
    writer.arrived(2, 1.12)
    assert (2, pytest.approx(1.12)) in told(writer, 1.2)


def test_a_long_pause_between_packets_begins_a_new_feedback() -> None:
    writer = FeedbackWriter()
    writer.arrived(1, 1.0)
    writer.arrived(2, 21.0)
    assert told(writer, 21.0) == [(1, pytest.approx(1.0)), (2, pytest.approx(21.0))]


def test_a_feedback_stays_small_and_the_rest_follows() -> None:
    writer = FeedbackWriter()
    for i in range(5000):
        writer.arrived((60000 + i) & 0xFFFF, i * 0.0001)
    sizes, statuses = [], []
    while (fci := writer.build(1.0)) is not None:
        sizes.append(len(fci))
        statuses += parse_feedback(fci)
    assert len(statuses) == 5000 and all(at is not None for _, at in statuses)
    assert max(sizes) < 1150 and len(sizes) < 12


def test_a_sender_that_begins_anew_is_followed() -> None:
    writer = FeedbackWriter()
    writer.arrived(1000, 1.0)
    told(writer, 1.0)
    writer.arrived(40000, 2.0)
    writer.arrived(40001, 2.0)
    assert [seq for seq, _ in told(writer, 2.1)] == [40000, 40001]


def test_feedback_is_due_by_time_by_number_and_at_the_end_of_a_picture() -> None:
    writer = FeedbackWriter()
    assert not writer.due(5.0) and writer.next_time() is None and writer.build(5.0) is None
    writer.arrived(1, 1.0)
    assert not writer.due(1.09) and writer.due(1.1)
    for seq in range(2, 12):
        writer.arrived(seq, 1.01)
    assert writer.due(1.05) and not writer.due(1.04)
    told(writer, 1.05)
    writer.arrived(12, 1.06, marker=True)
    assert not writer.due(1.08) and writer.due(1.1)
    told(writer, 1.1)
    for seq in range(13, 53):
        writer.arrived(seq, 1.2)
    assert writer.due(1.2)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        statuses = parse_feedback(data)
    except RemoteProtocolError:
        return
    assert all(0 <= seq < 65536 and (at is None or isinstance(at, float)) for seq, at in statuses)


@given(st.integers(1, 8192), st.lists(st.integers(0, 65535), min_size=1, max_size=40), st.binary(max_size=200))
def test_any_chunks_are_read_or_refused(count: int, chunks: list[int], rest: bytes) -> None:
    fci = struct.pack(">HHI", 65000, count, 0) + b"".join(struct.pack(">H", chunk) for chunk in chunks) + rest
    with contextlib.suppress(RemoteProtocolError):
        assert len(parse_feedback(fci)) == count


@pytest.mark.parametrize(
    "fci",
    [
        b"",
        bytes(8),
        struct.pack(">HHI", 0, 9000, 0) + bytes(100),
        struct.pack(">HHIH", 0, 2, 0, 0),
        struct.pack(">HHIH", 0, 2, 0, 3 << 13 | 2) + bytes(9),
        struct.pack(">HHIHB", 0, 2, 0, 1 << 13 | 2, 0),
    ],
)
def test_bad_feedback_is_refused(fci: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_feedback(fci)


def test_numbers_that_leap_fill_no_memory() -> None:
    writer = FeedbackWriter()
    for packet in range(10_000):
        writer.arrived(packet * (RESTART - 1) & 0xFFFF, packet * 0.001)
    assert 1 <= sum(at is not None for _, at in told(writer, 10.0)) <= MOST_UNTOLD // (RESTART - 1) + 1
