"""Takes steady noise out of a voice: an estimate of the noise in each band, and a Wiener gain that turns the band down.

Sound is cut into windows of 20 ms that overlap by half (root-Hann before and after, so that they add up to the sound
again), and in each of the 481 bands of 50 Hz, with power Y and estimated noise power N:

    speech probability   P = 1 / (1 + (1 + x) exp(-(Y / N) x / (1 + x))), x = 15 dB      (Gerkmann and Hendriks, 2012)
    noise                N moves towards Y, by a fifth of the part that is no speech
    signal to noise      s = 0.96 * (cleaned power before) / N + 0.04 * max(Y / N - 1, 0)  (Ephraim and Malah, 1984)
    gain                 s / (1 + s), never below -17 dB, so that what is left sounds like less of the same noise

A fan, hiss and hum go; a keyboard or another voice does not. Measured on synthetic speech at 48 kHz with pink or white
noise at -41 dBFS: 17 dB less in pauses, the speech within 0.4 dB, 10 ms of delay; a noise that grows by 12 dB is down
again within a second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pycall.media.frames import Samples

BLOCK = 480
"""Samples of 10 ms at 48 kHz, the step; a window is two of them."""
FLOOR_DB = -17.0
_FIRST = 5
"""Windows of which the first estimate is the mean."""
_PRIOR = np.float32(10**1.5)
_FOLLOW = np.float32(0.2)
_MEMORY = np.float32(0.96)
_SURE = np.float32(0.99)
_SILENCE = np.float32(1e-3)

Powers = npt.NDArray[np.float32]


class VoiceCleaner:
    """For one stream of sound, mono at 48 kHz, and one thread. About 0.12 ms of CPU per 20 ms."""

    def __init__(self) -> None:
        self._window = np.sqrt(np.hanning(2 * BLOCK + 1)[:-1]).astype(np.float32)
        self._rest: Samples = np.empty(0, np.int16)
        self._before = np.zeros(BLOCK, np.float32)
        self._overlap = np.zeros(BLOCK, np.float32)
        self._noise = _Noise()
        self._cleaned: Powers = np.zeros(BLOCK + 1, np.float32)
        self._floor = np.float32(10 ** (FLOOR_DB / 20))

    def clean(self, samples: Samples) -> Samples:
        """The same sound 10 ms later, in whole blocks; what is less than one waits for the next call."""
        waiting = np.concatenate((self._rest, samples))
        whole = len(waiting) // BLOCK * BLOCK
        self._rest = waiting[whole:]
        blocks = [self._block(waiting[at : at + BLOCK]) for at in range(0, whole, BLOCK)]
        return np.concatenate([waiting[:0], *blocks])

    def _block(self, block: Samples) -> Samples:
        newest = block.astype(np.float32)
        spectrum = np.fft.rfft(np.concatenate((self._before, newest)) * self._window)
        self._before = newest
        wave = np.fft.irfft(spectrum * self._gain(spectrum)) * self._window
        sound = self._overlap + wave[:BLOCK]
        self._overlap = wave[BLOCK:].astype(np.float32)
        return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)

    def _gain(self, spectrum: np.ndarray) -> Powers:
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) + _SILENCE
        noise = self._noise.heard(power)
        fresh = np.maximum(power / noise - 1, 0)
        ratio = _MEMORY * self._cleaned / noise + (1 - _MEMORY) * fresh
        gain: Powers = np.maximum(ratio / (1 + ratio), self._floor)
        self._cleaned = gain * gain * power
        return gain


class _Noise:
    """The power of the noise in each band."""

    def __init__(self) -> None:
        self._seen = 0
        self._power: Powers = np.zeros(BLOCK + 1, np.float32)
        self._likely: Powers = np.full(BLOCK + 1, 0.5, np.float32)

    def heard(self, power: Powers) -> Powers:
        """The estimate, with one more window taken into account."""
        if self._seen < _FIRST:
            self._seen += 1
            self._power = self._power + (power - self._power) / np.float32(self._seen)
        speech = 1 / (1 + (1 + _PRIOR) * np.exp(-np.minimum(power / self._power * (_PRIOR / (1 + _PRIOR)), 50)))
        self._likely = np.float32(0.9) * self._likely + np.float32(0.1) * speech
        # What has been called speech for a long time may be a noise that has grown louder: let a little of it count.
        speech = np.where(self._likely > _SURE, np.minimum(speech, _SURE), speech).astype(np.float32)
        self._power = self._power + _FOLLOW * (1 - speech) * (power - self._power)
        return self._power


class VoiceSwitch:
    """Whether voices are cleaned; thrown from any thread, outlives calls and sources."""

    def __init__(self) -> None:
        self.on = False


class VoiceFilter:
    """What one source's sound goes through: nothing, or a cleaner of its own while the switch is on."""

    def __init__(self, switch: VoiceSwitch) -> None:
        self._switch = switch
        self._cleaner: VoiceCleaner | None = None

    def apply(self, samples: Samples) -> Samples:
        """At 48 kHz. Stereo, which is music, stays as it is: what the cleaner takes for noise may be a flute."""
        if not self._switch.on or samples.ndim == 2:
            self._cleaner = None
            return samples
        if self._cleaner is None:
            self._cleaner = VoiceCleaner()
        return self._cleaner.clean(samples)
