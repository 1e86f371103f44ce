"""libopus: sound through it, what it makes of a loss, and where it is found."""

from __future__ import annotations

import numpy as np
import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.rtc import opus
from pycall.rtc.opus import FRAME, RATE, OpusDecoder, OpusEncoder, load, packet_samples


def tone(frames: int, frequency: float = 440.0) -> list[np.ndarray]:
    samples = (8000 * np.sin(2 * np.pi * frequency * np.arange(frames * FRAME) / RATE)).astype(np.int16)
    return list(samples.reshape(frames, FRAME))


def frequency_of(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))) * RATE / len(samples)


def test_a_tone_comes_through() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    heard = np.concatenate([decoder.decode(encoder.encode(frame))[:, 0] for frame in tone(25)])
    assert frequency_of(heard[-9600:]) == pytest.approx(440, abs=5)
    assert 4000 < np.abs(heard[-9600:].astype(int)).max() < 12000


def test_a_lost_packet_is_recovered_from_the_next_one() -> None:
    encoder, decoder = OpusEncoder(bitrate=32000), OpusDecoder()
    encoder.set_loss(0.2)
    packets = [encoder.encode(frame) for frame in tone(30)]
    for packet in packets[:20]:
        decoder.decode(packet)
    recovered = decoder.recover(packets[21])[:, 0]
    assert len(recovered) == FRAME
    assert recovered.astype(float).std() > 2000


def test_concealment_fades() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    for frame in tone(20):
        decoder.decode(encoder.encode(frame))
    first, *_, last = [decoder.conceal()[:, 0].astype(float).std() for _ in range(20)]
    assert first > 2000
    assert last < first / 4


def test_silence_costs_next_to_nothing_with_dtx() -> None:
    encoder = OpusEncoder()
    encoder.set_dtx(True)
    sizes = [len(encoder.encode(np.zeros(FRAME, np.int16))) for _ in range(50)]
    assert min(sizes[20:]) <= 2


def test_the_bitrate_is_followed() -> None:
    encoder = OpusEncoder(bitrate=16000)
    noise = np.random.default_rng(1).integers(-5000, 5000, (100, FRAME)).astype(np.int16)
    low = sum(len(encoder.encode(frame)) for frame in noise[:50])
    encoder.set_bitrate(64000)
    assert sum(len(encoder.encode(frame)) for frame in noise[50:]) > 2 * low


def test_what_is_no_opus_is_refused() -> None:
    assert packet_samples(b"\xff\xff") == 0
    with pytest.raises(MediaError) as caught:
        OpusDecoder().decode(b"\xff\xff\xff")
    assert caught.value.code is ErrorCode.CODEC


def test_without_any_libopus_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "CANDIDATES", ("/nonexistent/libopus.so",))
    opus.load.cache_clear()
    try:
        with pytest.raises(MediaError, match="install it") as caught:
            OpusEncoder()
    finally:
        opus.load.cache_clear()
    assert caught.value.code is ErrorCode.NO_LIBRARY


def test_the_length_of_a_packet_is_what_libopus_says() -> None:
    said = load().opus_packet_get_nb_samples
    packets = [
        bytes([first, *rest]) for first in range(256) for rest in ([], *([second] for second in range(0, 256, 3)))
    ]
    assert [packet_samples(packet) for packet in packets] == [
        max(0, said(packet, len(packet), RATE)) for packet in packets
    ]
    assert packet_samples(b"") == 0
