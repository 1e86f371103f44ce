"""Sound through a simulated network: what comes out, how late, and how much of it is real."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from pycall.rtc.opus import FRAME, RATE, OpusDecoder, OpusEncoder, packet_samples
from pycall.rtc.receive.jitter import JitterBuffer
from pycall.rtc.receive.playout import AudioPlayout

FIRST_TIMESTAMP = 2**32 - 50 * FRAME
"""The timestamps wrap after a second."""


@dataclass
class Network:
    """Packets of `length` samples; times in seconds; `copies` earlier packets travel in each (RFC 2198)."""

    delay: float = 0.05
    jitter: float = 0.0
    loss: float = 0.0
    copies: int = 0
    drift: float = 0.0
    length: int = FRAME
    change: Callable[[float, float], float | None] = lambda sent, arrival: arrival
    seed: int = 1


@dataclass
class Result:
    playout: AudioPlayout
    sound: np.ndarray
    delays: list[tuple[float, float]] = field(default_factory=list)

    @property
    def concealed(self) -> float:
        stats = self.playout.buffer.stats
        return stats.concealed / stats.turns

    def delay_at(self, begin: float, end: float) -> float:
        return float(np.mean([d for t, d in self.delays if begin <= t < end]))


def hum(count: int) -> np.ndarray:
    """A voice-like sound: a pitch of 150 Hz with harmonics that comes and goes."""
    at = np.arange(count * FRAME) / RATE
    voice = sum(np.sin(2 * np.pi * 150 * k * at) / k for k in range(1, 8))
    return (voice * (0.6 + 0.4 * np.sin(2 * np.pi * 1.5 * at)) * 5000).astype(np.int16)


def call(network: Network, seconds: float = 20.0) -> Result:
    length, step = network.length, network.length / RATE
    count = int(seconds / step)
    sound = hum(int(seconds * 50))
    encoder = OpusEncoder()
    encoder.set_loss(network.loss)
    chance = random.Random(network.seed)
    wire: list[tuple[float, int, list[tuple[int, bytes]]]] = []
    sent: list[tuple[int, bytes]] = []
    for index in range(count):
        payload = encoder.encode(sound[index * length : (index + 1) * length])
        sent.append((index, payload))
        at = (index + 1) * step * (1 + network.drift)
        arrival = network.change(at, at + network.delay + chance.random() * network.jitter)
        if chance.random() >= network.loss and arrival is not None:
            heapq.heappush(wire, (arrival, index, sent[-1 - network.copies :]))
    playout = AudioPlayout(OpusDecoder())
    result = Result(playout, np.empty(0, np.int16))
    now, pieces = 0.013, []
    while now < seconds * (1 + network.drift) + network.delay:
        while wire and wire[0][0] <= now:
            arrival, _, packets = heapq.heappop(wire)
            stamped = [((FIRST_TIMESTAMP + i * length) & 0xFFFFFFFF, p) for i, p in packets]
            playout.buffer.insert(*stamped[-1], arrival, packet_samples(packets[-1][1]))
            for copy in stamped[:-1]:
                playout.buffer.insert_copy(*copy, arrival, length)
        pieces.append(playout.step(now))
        result.delays.append((now, playout.buffer.last_delay))
        now += len(pieces[-1]) / RATE
    result.sound = np.concatenate(pieces)
    return result


def likeness(result: Result, begin: float, end: float) -> float:
    """How much of what was said is in what is heard, 1 is all: cross-correlation of the middle of it."""
    heard = result.sound[int(begin * RATE) : int(end * RATE)].astype(np.float64)
    said = hum(int(end * 50) + 50)[int((begin - 0.5) * RATE) : int((end + 0.2) * RATE)].astype(np.float64)
    size = len(said) + len(heard)
    spectrum = np.fft.rfft(said, size) * np.conj(np.fft.rfft(heard, size))
    best = np.abs(np.fft.irfft(spectrum, size)).max()
    return float(best / (np.linalg.norm(heard) * np.linalg.norm(said[: len(heard)])))


def test_on_a_clean_path_everything_is_played_one_packet_late() -> None:
    result = call(Network(jitter=0.001))
    assert result.concealed < 0.003
    assert 0.015 < result.delay_at(5, 20) < 0.035
    assert likeness(result, 5, 6) > 0.8


@pytest.mark.parametrize("milliseconds", [10, 40, 60, 120])
def test_packets_of_another_length_are_played_whole(milliseconds: int) -> None:
    result = call(Network(jitter=0.001, length=milliseconds * 48), 10)
    assert result.concealed < 0.02
    assert result.delay_at(2, 10) < milliseconds / 1000 + 0.02
    assert likeness(result, 5, 6) > 0.8


@pytest.mark.parametrize("milliseconds", [10, 60])
def test_lost_packets_of_another_length_are_made_up_for_and_cost_no_delay(milliseconds: int) -> None:
    result = call(Network(jitter=0.02, loss=0.05, copies=1, drift=5e-4, length=milliseconds * 48), 10)
    assert result.concealed < 0.03
    assert result.delay_at(2, 10) < 2 * milliseconds / 1000 + 0.05
    assert likeness(result, 8, 9) > 0.8


def test_one_lost_packet_adds_no_lasting_delay() -> None:
    result = call(Network(change=lambda sent, arrival: None if abs(sent - 8) < 0.005 else arrival))
    assert result.delay_at(9, 20) == pytest.approx(result.delay_at(4, 8), abs=0.002)
    assert result.playout.buffer.stats.concealed + result.playout.buffer.stats.recovered <= 3


@pytest.mark.parametrize(("loss", "copies", "most"), [(0.05, 1, 0.01), (0.05, 2, 0.01), (0.10, 2, 0.01)])
def test_random_loss_is_covered_by_copies(loss: float, copies: int, most: float) -> None:
    result = call(Network(jitter=0.02, loss=loss, copies=copies))
    assert result.concealed <= most
    assert result.delay_at(5, 20) < 0.065


def test_loss_without_copies_is_recovered_in_band() -> None:
    result = call(Network(jitter=0.02, loss=0.05))
    stats = result.playout.buffer.stats
    assert stats.recovered > 30
    assert result.concealed <= 0.01


def test_jitter_raises_the_delay_at_once_and_it_falls_slowly_when_the_path_is_calm_again() -> None:
    chance = random.Random(3)

    def rough(sent: float, arrival: float) -> float:
        return arrival + chance.random() * 0.08 if 5 <= sent < 10 else arrival

    result = call(Network(jitter=0.001, change=rough), seconds=40)
    assert result.delay_at(3, 5) < 0.04
    assert 0.06 < result.delay_at(8, 10) < 0.14
    assert result.delay_at(35, 40) < 0.05


def test_a_stall_is_not_paid_for_with_delay() -> None:
    result = call(
        Network(jitter=0.002, change=lambda sent, arrival: max(arrival, 10.5) if 10 < sent < 10.4 else arrival)
    )
    assert result.delay_at(12, 20) < 0.05
    assert likeness(result, 12, 13) > 0.8


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
def test_two_clocks_that_drift_apart_neither_run_dry_nor_fill_up(drift: float) -> None:
    result = call(Network(jitter=0.001, drift=drift), seconds=120)
    assert 0.0 < result.delay_at(100, 120) < 0.045
    assert result.concealed < 0.01


def test_reordered_and_doubled_packets_are_played_once_in_order() -> None:
    playout = AudioPlayout(OpusDecoder())
    encoder = OpusEncoder()
    packets = [(i * FRAME, encoder.encode(hum(1))) for i in range(6)]
    for index in (0, 2, 1, 1, 3, 5, 4):
        playout.buffer.insert(*packets[index], 0.001 * index)
    played = [playout.buffer.next(0.03 + 0.02 * step).timestamp for step in range(6)]
    assert played == [ts for ts, _ in packets]
    assert playout.buffer.stats.packets_duplicated == 1


def test_before_the_first_packet_and_long_after_the_last_there_is_silence() -> None:
    playout = AudioPlayout(OpusDecoder())
    assert not playout.step(0.0).any()
    playout.buffer.insert(0, OpusEncoder().encode(hum(1)), 0.0)
    steps = [playout.step(0.02 + 0.02 * i) for i in range(30)]
    assert steps[0].any()
    assert not np.concatenate(steps[-5:]).any()


def test_the_buffer_is_bounded() -> None:
    buffer = JitterBuffer()
    for index in range(1000):
        buffer.insert(index * FRAME, b"x", 0.0)
    assert buffer.stats.packets_discarded >= 1000 - 150
