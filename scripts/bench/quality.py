"""From notes to figures: freezes, likeness of the picture; how much of the sound came out, when, and how it sounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

from pycall.media.frames import SAMPLE_RATE, Samples
from pycall.media.stamp import strip_height

from .content import Pictures

Array = npt.NDArray[np.float64]

FREEZE_WINDOW = 30
"""Pictures whose mean distance is the measure of a freeze (W3C webrtc-stats, freezeCount)."""
FREEZE_SLACK = 0.15
"""Seconds above the mean distance from which a gap can be a freeze (same source)."""
CUSHION = 0.02
"""Seconds of sound that a sound card holds: a piece that comes later by less than this leaves no gap."""
RATE = 8000
"""Hz at which sound is compared."""
LOWEST = 300
"""Hz below which sound is not compared: Opus filters there for voice."""
MAX_DELAY = 1.5
"""Seconds within which sent sound is looked for."""
ALIKE = 0.4
"""Normalized correlation from which a second of sound counts as found."""
AUDIBLE = 30.0
"""RMS in 16-bit steps below which a second of speech is too quiet to be looked for."""
SPEECH_RATE = 16000
SPEECH_SECONDS = 8.0
"""Length of the pieces that are judged, as ITU-T P.862.3 advises (8 to 12 s)."""
LEAST_SPEECH = 3.0


def freezes(shown: Sequence[float], end: float) -> tuple[int, float]:
    """Freezes and the seconds they took, up to `end`: gaps over max(3 x mean, mean + 150 ms) of the last 30 gaps."""
    gaps = np.diff(np.append(np.asarray(shown, np.float64), end))
    count, frozen = 0, 0.0
    for i in range(1, len(gaps)):
        mean = float(gaps[max(0, i - FREEZE_WINDOW) : i].mean())
        if gaps[i] > max(3 * mean, mean + FREEZE_SLACK):
            count, frozen = count + 1, frozen + float(gaps[i])
    return count, frozen


def psnr(seen: npt.NDArray[np.uint8], sent: npt.NDArray[np.uint8]) -> float:
    """Of the brightness below the stamp, dB; what is smaller than what was sent is enlarged as a screen would."""
    if seen.shape != sent.shape:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(seen), format="gray")
        seen = frame.reformat(width=sent.shape[1], height=sent.shape[0], interpolation="BICUBIC").to_ndarray()
    top = strip_height(sent.shape[0]) + 8  # an enlarged stamp blurs downwards
    error = float(np.mean((seen[top:].astype(np.float32) - sent[top:].astype(np.float32)) ** 2))
    return 99.0 if error == 0 else min(99.0, 10 * float(np.log10(255.0**2 / error)))


def mean_psnr(numbers: Sequence[int], lumas: Sequence[npt.NDArray[np.uint8]], pictures: Pictures) -> float | None:
    """Of the pictures kept, dB; None if there are none."""
    values = [psnr(luma, pictures.luma(number)) for number, luma in zip(numbers, lumas, strict=True)]
    return float(np.mean(values)) if values else None


@dataclass(frozen=True, slots=True)
class Played:
    """Sound as a sound card played it: piece i began at `starts[i]` and came `lags[i]` seconds after that."""

    starts: Array
    lengths: npt.NDArray[np.int64]
    samples: Samples
    lags: Array

    @property
    def ends(self) -> Array:
        return self.starts + self.lengths / SAMPLE_RATE

    def gaps(self, begin: float, end: float) -> Array:
        """Seconds without sound, each, between two moments."""
        free = np.concatenate([[begin], self.ends])
        taken = np.concatenate([self.starts, [end]])
        gaps = np.clip(taken, begin, end) - np.clip(free, begin, end)
        return gaps[gaps > 1e-4]

    def between(self, begin: float, end: float) -> Array:
        """The sound between two moments at 48 kHz, with silence in the gaps."""
        out = np.zeros(round((end - begin) * SAMPLE_RATE))
        offsets = np.cumsum(self.lengths) - self.lengths
        for start, length, offset in zip(self.starts, self.lengths, offsets, strict=True):
            at = round((start - begin) * SAMPLE_RATE)
            first, last = max(0, -at), min(int(length), len(out) - at)
            if first < last:
                out[at + first : at + last] = self.samples[offset + first : offset + last]
        return out


def play(times: Array, lengths: npt.NDArray[np.int64], samples: Samples) -> Played:
    """Lay the pieces one behind the other; one that comes later than the cushion leaves a gap before it."""
    starts = np.zeros(len(times))
    free = times[0] if len(times) else 0.0
    for i, at in enumerate(times):
        starts[i] = at if at - free > CUSHION else free
        free = starts[i] + lengths[i] / SAMPLE_RATE
    return Played(starts, lengths, samples, np.maximum(times - starts, 0.0))


@dataclass(frozen=True, slots=True)
class Speech:
    """What was said: a loop that began at a moment (unix time)."""

    loop: Samples
    began: float

    def between(self, begin: float, end: float) -> Array:
        """At 48 kHz."""
        first = round((begin - self.began) * SAMPLE_RATE)
        at = np.arange(first, first + round((end - begin) * SAMPLE_RATE)) % len(self.loop)
        return self.loop[at].astype(np.float64)


def delays(said: Speech, heard: Played, begin: float, end: float) -> list[float]:
    """How late each second said between the two moments was heard; seconds. What was not found is left out."""
    found = []
    for at in np.arange(begin, end - 1.0 - MAX_DELAY / 2, 1.0):
        piece = _thin(said.between(at, at + 1.0))
        if np.sqrt(np.mean(piece**2)) < AUDIBLE:
            continue
        likeness = _correlation(piece, _thin(heard.between(at - 0.1, at + 1.0 + MAX_DELAY)))
        if float(likeness.max()) >= ALIKE:
            found.append(float(likeness.argmax()) / RATE - 0.1)
    lag = float(np.median(heard.lags)) if len(heard.lags) else 0.0
    return [delay + lag for delay in found]


def judged(said: Speech, heard: Played, begin: float, end: float, delay: float) -> tuple[float | None, float | None]:
    """PESQ-WB (1 to 4.64) and STOI (0 to 1), means over pieces of 8 s; None where the program for it is missing."""
    pieces = max(1, int((end - begin) // SPEECH_SECONDS))
    seconds = (end - begin) / pieces
    if seconds < LEAST_SPEECH:
        return None, None
    scores = []
    for at in begin + seconds * np.arange(pieces):
        sent = _resample(said.between(at, at + seconds), SPEECH_RATE)
        late = _whole_delay(said, heard, at, at + seconds, delay)
        back = _resample(heard.between(at + late, at + late + seconds), SPEECH_RATE)
        scores.append((_pesq(sent, back), _stoi(sent, back)))
    return _mean([score[0] for score in scores]), _mean([score[1] for score in scores])


def _whole_delay(said: Speech, heard: Played, begin: float, end: float, near: float) -> float:
    """The one delay at which a long piece is most alike, looked for within 0.2 s of `near`."""
    likeness = _correlation(_thin(said.between(begin, end)), _thin(heard.between(begin + near - 0.2, end + near + 0.2)))
    return near - 0.2 + float(likeness.argmax()) / RATE


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _pesq(sent: Array, back: Array) -> float | None:
    try:
        from pesq import PesqError, pesq
    except ImportError:
        return None
    try:
        return float(pesq(SPEECH_RATE, sent.astype(np.int16), back.astype(np.int16), "wb"))
    except PesqError:  # nothing like speech in it
        return 1.0


def _stoi(sent: Array, back: Array) -> float | None:
    try:
        from pystoi import stoi
    except ImportError:
        return None
    return float(stoi(sent, back, SPEECH_RATE))


def _resample(samples: Array, rate: int) -> Array:
    size = len(samples) * rate // SAMPLE_RATE
    return np.fft.irfft(np.fft.rfft(samples)[: size // 2 + 1], size) * (size / len(samples))


def _thin(samples: Array) -> Array:
    """At RATE, with what is below LOWEST left out."""
    size = len(samples) * RATE // SAMPLE_RATE
    spectrum = np.fft.rfft(samples)[: size // 2 + 1]
    spectrum[: int(LOWEST * len(samples) / SAMPLE_RATE)] = 0
    return np.fft.irfft(spectrum, size) * (size / len(samples))


def _correlation(piece: Array, area: Array) -> Array:
    """Normalized, -1 to 1, of `piece` with every part of `area`, by FFT."""
    size = 1 << (len(piece) + len(area)).bit_length()
    products = np.fft.irfft(np.fft.rfft(area, size) * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(area**2)))
    energies = sums[len(piece) :] - sums[: len(sums) - len(piece)]
    floor = AUDIBLE**2 * len(piece) / 100  # a part as good as silent is like nothing
    return products[: len(energies)] / np.sqrt(np.maximum(energies, floor) * float(np.sum(piece**2)))
