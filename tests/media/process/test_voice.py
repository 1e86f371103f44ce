"""Noise suppression, measured: noise in pauses down by 10 dB and more, a voice kept, in blocks of any size."""

from __future__ import annotations

import numpy as np
import pytest

from pycall.media.process.voice import VoiceCleaner, VoiceFilter, VoiceSwitch

RATE = 48_000


def voice(seconds: int) -> np.ndarray:
    """Something like syllables: a gliding buzz of 90 to 210 Hz whose resonance wanders; 0.6 s of each second."""
    t = np.arange(seconds * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(150 + 60 * np.sin(2 * np.pi * 1.3 * t)) / RATE
    resonance = 900 + 700 * np.sin(2 * np.pi * 1.7 * t)
    wave = np.zeros_like(t)
    for harmonic in range(1, 20):
        wave += np.exp(-(((150 * harmonic - resonance) / 350) ** 2)) * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 5 * t), 0, 1)
    return 6000 * wave / np.abs(wave).max() * syllables * ((t % 1.0) < 0.6)


def noise(seconds: int) -> np.ndarray:
    """Pink, as of a fan."""
    count = seconds * RATE
    spectrum = np.fft.rfft(np.random.default_rng(4).normal(0, 1, count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    wave = np.fft.irfft(spectrum, count)
    return 250 * wave / wave.std()


def cleaned(sound: np.ndarray, block: int) -> np.ndarray:
    cleaner = VoiceCleaner()
    samples = np.clip(sound, -32768, 32767).astype(np.int16)
    return np.concatenate([cleaner.clean(samples[at : at + block]) for at in range(0, len(samples), block)])


def level(samples: np.ndarray, kind: str) -> float:
    """dB of the pauses or of the voice, from the third second on, when the noise is known."""
    t = (np.arange(len(samples)) / RATE) % 1.0
    late = np.arange(len(samples)) > 3 * RATE
    where = late & ((t > 0.72) & (t < 0.98) if kind == "pauses" else (t > 0.05) & (t < 0.55))
    return 10 * np.log10(np.mean(samples[where].astype(float) ** 2) + 1e-9)


@pytest.mark.parametrize("block", [480, 960, 1000])
def test_noise_goes_and_the_voice_stays(block: int) -> None:
    dirty = voice(8) + noise(8)
    clean = cleaned(dirty, block)
    assert len(dirty) - len(clean) < 480
    assert level(dirty[: len(clean)], "pauses") - level(clean, "pauses") >= 10
    assert level(clean, "voice") == pytest.approx(level(voice(8)[: len(clean)], "voice"), abs=2)


def test_a_clean_voice_is_left_alone() -> None:
    clean = cleaned(voice(6), 960)
    assert level(clean, "voice") == pytest.approx(level(voice(6)[: len(clean)], "voice"), abs=1.5)


def test_the_switch_may_be_thrown_while_sound_runs() -> None:
    switch = VoiceSwitch()
    through = VoiceFilter(switch)
    loud = np.full(960, 1000, np.int16)
    assert through.apply(loud) is loud
    switch.on = True
    given = [len(through.apply(loud)) for _ in range(5)]
    assert sum(given) == 5 * 960
    switch.on = False
    assert through.apply(loud) is loud
