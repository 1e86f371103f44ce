"""What Opus makes of music as a voice and as music: bit rate, distance from the original, distortion of a pure tone.

    python -m scripts.bench.music [FILE]

FILE is any media file with sound, by default the clip that comes with pycall. SNR compares waveforms (a coder for
voices does not keep them: that is no fault by itself); the spectral distance compares what is heard in 32 ms windows,
20 Hz to 16 kHz, down to 60 dB under the loudest; `side` is the difference of the two channels, all that is stereo.
"""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

import pycall
from pycall.rtc.opus import FRAME, RATE, OpusDecoder, OpusEncoder
from pycall.rtc.send.sound import MONO_MUSIC, STEREO, VOICE, SoundForm, in_channels

Sound = npt.NDArray[np.float64]
LOOKAHEAD = 312
"""Samples by which Opus is late (opus_encoder_get_lookahead at 48 kHz)."""
FLOOR_DB, WINDOW = -60.0, 1536


def main(path: str) -> None:
    music = _read(path)
    at = np.arange(3 * RATE) / RATE
    tone = np.repeat((np.sin(2 * np.pi * 1000 * at) * 8000).astype(np.int16)[:, None], 2, axis=1)
    print(f"{'form':12} {'kbit/s':>6} {'SNR':>6} {'side':>6} {'spectrum':>9} {'THD+N':>7}")
    for name, form in {"voice": VOICE, "music, mono": MONO_MUSIC, "music": STEREO}.items():
        coded, size = _through(music, form)
        heard, _ = _through(tone, form)
        whole = music[: len(coded)].astype(float)
        print(
            f"{name:12} {size * 8 / (len(coded) / RATE) / 1000:6.1f} {_snr(whole, coded):6.1f} "
            f"{_snr(_side(whole), _side(coded)):6.1f} {_spectral(whole, coded):6.1f} dB {_distortion(heard):7.2%}"
        )


def _read(path: str) -> npt.NDArray[np.int16]:
    with av.open(path) as file:
        resampler = av.AudioResampler("s16", "stereo", RATE)
        parts = [part.to_ndarray() for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    sound: npt.NDArray[np.int16] = np.concatenate(parts, axis=1).reshape(-1, 2)
    return sound


def _through(sound: npt.NDArray[np.int16], form: SoundForm) -> tuple[Sound, int]:
    """As a peer hears it, in two channels, and the bytes that were sent."""
    encoder = OpusEncoder(bitrate=form.most, music=form.music, channels=form.channels)
    decoder = OpusDecoder(2)
    given = in_channels(sound, form.channels)
    packets = [encoder.encode(given[at : at + FRAME]) for at in range(0, len(given) // FRAME * FRAME, FRAME)]
    heard = np.concatenate([decoder.decode(packet) for packet in packets])
    return heard[LOOKAHEAD:].astype(float), sum(map(len, packets))


def _side(sound: Sound) -> Sound:
    difference: Sound = (sound[:, 0] - sound[:, 1]) / 2
    return difference


def _snr(original: Sound, coded: Sound) -> float:
    return float(10 * np.log10(np.sum(original**2) / max(np.sum((original - coded) ** 2), 1e-9)))


def _spectral(original: Sound, coded: Sound) -> float:
    """Root of the mean square difference of the logarithmic spectra, dB."""
    ours, theirs = _spectra(original), _spectra(coded)
    floor = ours.max() + FLOOR_DB
    return float(np.sqrt(np.mean((np.maximum(ours, floor) - np.maximum(theirs, floor)) ** 2)))


def _spectra(sound: Sound) -> Sound:
    windows = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW, 2) * np.hanning(WINDOW)[None, :, None]
    bins = np.abs(np.fft.rfft(windows, axis=1))[:, 1 : 16_000 * WINDOW // RATE]
    levels: Sound = 20 * np.log10(bins + 1e-3)
    return levels


def _distortion(tone: Sound) -> float:
    """All that is not the tone of 1 kHz, as a share of it."""
    one = tone[RATE : 2 * RATE, 0]
    spectrum = np.abs(np.fft.rfft(one * np.hanning(RATE))) ** 2
    own = spectrum[990:1011].sum()
    return float(np.sqrt((spectrum.sum() - own) / own))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(pycall.__file__).parent / "data" / "bunny.mp4"))
