"""The order of sound packets, and what one loss costs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pycall.rtc.receive.audio_buffer import PATIENCE, AudioBuffer, Lost

STEP = 0.02


def feed(buffer: AudioBuffer[int], arrivals: list[tuple[int, float]]) -> list[int | Lost]:
    return [item for number, at in arrivals for item in buffer.add(number & 0xFFFF, number, at)]


def test_packets_in_order_leave_at_once() -> None:
    buffer: AudioBuffer[int] = AudioBuffer()
    for number in range(50):
        assert buffer.add(number, number, number * STEP) == [number]


def test_one_loss_costs_at_most_40_ms_and_nothing_afterwards() -> None:
    buffer: AudioBuffer[int] = AudioBuffer()
    out = feed(buffer, [(n, n * STEP) for n in range(10)])
    assert buffer.add(11, 11, 11 * STEP) == []
    assert buffer.add(12, 12, 12 * STEP) == [Lost(1), 11, 12]
    assert out == list(range(10))
    for number in range(13, 30):
        assert buffer.add(number, number, number * STEP) == [number]


def test_a_late_packet_that_comes_in_time_takes_its_place() -> None:
    assert feed(AudioBuffer(), [(0, 0), (2, 0.04), (1, 0.041), (3, 0.06)]) == [0, 1, 2, 3]


def test_a_packet_that_comes_too_late_or_twice_is_dropped() -> None:
    buffer: AudioBuffer[int] = AudioBuffer()
    assert feed(buffer, [(0, 0), (2, 0.04), (3, 0.06), (1, 0.07), (3, 0.07)]) == [0, Lost(1), 2, 3]
    assert buffer.late == 2


def test_patience_ends_by_the_clock_too() -> None:
    buffer: AudioBuffer[int] = AudioBuffer()
    assert feed(buffer, [(0, 0), (5, 0.1)]) == [0]
    assert feed(buffer, [(5, 0.1 + PATIENCE)]) == [Lost(4), 5]


def test_numbers_wrap() -> None:
    assert feed(AudioBuffer(), [(n, n * STEP) for n in range(65530, 65550)]) == list(range(65530, 65550))


def test_a_jump_begins_anew() -> None:
    assert feed(AudioBuffer(), [(0, 0), (1, 0.02), (30000, 0.04), (30001, 0.06)]) == [0, 1, 30000, 30001]
    assert feed(AudioBuffer(), [(40000, 0), (20000, 0.04), (20001, 0.06)]) == [40000, 20000, 20001]


@given(st.lists(st.integers(0, 200), min_size=1, max_size=150), st.integers(0, 65535))
def test_whatever_comes_leaves_in_order_and_is_never_held_for_long(numbers: list[int], start: int) -> None:
    buffer: AudioBuffer[int] = AudioBuffer()
    for position, number in enumerate(numbers):
        out = [item for item in buffer.add((start + number) & 0xFFFF, number, position * STEP) if isinstance(item, int)]
        assert len(buffer._held) <= 1
        assert all(later - earlier < 0x8000 for earlier, later in zip(out, out[1:], strict=False))
