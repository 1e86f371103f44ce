"""From the demo's notes to its figures: freezes, likeness of the picture, how much of the sound arrived how late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pycall.media.frames import SAMPLE_RATE
from pycall.media.stamp import strip_height
from pycall.media.stamped import ReferenceClip

Signal = npt.NDArray[np.float64]
Luma = npt.NDArray[np.uint8]

FREEZE_WINDOW = 30
"""Pictures whose mean distance is the measure of a freeze (W3C webrtc-stats, freezeCount)."""
FREEZE_SLACK = 0.15
"""Seconds above the mean distance from which a gap can be a freeze (same source)."""

RATE = 8000
"""Hz at which sound is compared: below 4 kHz Opus keeps the shape of the wave, above it may only keep its loudness."""
LOWEST = 300
"""Hz below which sound is not compared: Opus filters there for voice, which moves the wave's phase about."""
WINDOW = RATE
"""Sound is matched second by second: the delay is looked for once in each."""
BLOCK = RATE // 10
"""What counts as arrived or not: 0.1 s."""
MAX_DELAY = 1.5
"""Seconds within which sent sound is looked for."""
DRIFT = RATE // 10
"""Samples by which a block may lie beside its second's delay: a stall moves what follows by some tens of ms."""
ALIKE = 0.5
"""Normalized correlation from which a block counts as the one that was sent; other sound stays below 0.3."""
AUDIBLE = 3.0
"""RMS in 16-bit steps (-81 dBFS) below which a block is silence and says nothing."""
SENT_SLACK = 0.001
"""Seconds by which count and clock of a source may differ: its times are exact."""
HEARD_SLACK = 0.03
"""The same for what is heard, where single frames come late but a gap lasts."""
LOOK_AHEAD = 25
"""Pieces (0.5 s) whose earliest tells where the stream really lies, however late some come."""


def freezes(arrivals: Sequence[float]) -> tuple[int, float]:
    """Number of freezes and the seconds they took: gaps over max(3 x mean, mean + 150 ms) of the last 30 gaps."""
    gaps = np.diff(np.asarray(arrivals))
    count, frozen = 0, 0.0
    for i in range(1, len(gaps)):
        mean = float(gaps[max(0, i - FREEZE_WINDOW) : i].mean())
        if gaps[i] > max(3 * mean, mean + FREEZE_SLACK):
            count, frozen = count + 1, frozen + float(gaps[i])
    return count, frozen


def psnr(seen: Luma, sent: Luma) -> float:
    """Peak signal-to-noise ratio of the brightness below the stamp, dB; 99 for identical pictures."""
    top = strip_height(seen.shape[0])
    error = np.mean((seen[top:].astype(np.float32) - sent[top:].astype(np.float32)) ** 2)
    return 99.0 if error == 0 else float(min(99.0, 10 * np.log10(255.0**2 / error)))


def mean_psnr(path: Path, size: tuple[int, int], numbers: Sequence[int], sent: ReferenceClip) -> float | None:
    """Mean PSNR of the pictures a party kept, dB; None if it kept none. `numbers` are theirs, in the file's order."""
    width, height = size
    values = []
    with path.open("rb") as file:
        for i in sorted(range(len(numbers)), key=lambda i: sent.index(numbers[i])):  # one pass through the clip
            file.seek(i * width * height)
            seen = np.frombuffer(file.read(width * height), np.uint8)
            if len(seen) == width * height and sent.luma(numbers[i]).shape == (height, width):
                values.append(psnr(seen.reshape(height, width), sent.luma(numbers[i])))
    return float(np.mean(values)) if values else None


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples with their moments: piece i has `lengths[i]` samples and began at `times[i]` (monotonic seconds)."""

    times: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.int64]
    samples: npt.NDArray[np.int16]

    @classmethod
    def load(cls, path: Path) -> Sound:
        with np.load(path) as data:
            return cls(data["times"], data["lengths"], data["samples"])

    def laid_out(self, begin: float, seconds: float, slack: float) -> Signal:
        """At RATE on a timeline that starts at `begin`; where nothing was, silence.

        Pieces follow each other without gap; where the clock and the count of samples part by more than `slack`
        seconds, the stream is laid anew at the clock. Late arrivals move nothing: a stretch lies at its median.
        """
        line = np.zeros(int(seconds * SAMPLE_RATE))
        ends = np.cumsum(self.lengths)
        offsets = self.times - begin - (ends - self.lengths) / SAMPLE_RATE
        padded = np.concatenate((offsets, np.full(LOOK_AHEAD - 1, np.inf)))
        base = np.lib.stride_tricks.sliding_window_view(padded, LOOK_AHEAD).min(axis=1)
        first = 0
        for i in range(1, len(offsets) + 1):
            if i == len(offsets) or abs(base[i] - base[first]) > slack:
                self._lay(line, first, i, float(np.median(offsets[first:i])), ends)
                first = i
        return _at_rate(line)

    def _lay(self, line: Signal, first: int, last: int, offset: float, ends: npt.NDArray[np.int64]) -> None:
        begin = int(ends[first] - self.lengths[first])
        piece = self.samples[begin : int(ends[last - 1])]
        at = begin + round(offset * SAMPLE_RATE)
        cut = max(0, -at)
        room = max(0, len(line) - max(at, 0))
        piece = piece[cut : cut + room]
        line[max(at, 0) : max(at, 0) + len(piece)] = piece


def _at_rate(line: Signal) -> Signal:
    """From SAMPLE_RATE to RATE, with what is below LOWEST and above half of RATE left out."""
    size = len(line) * RATE // SAMPLE_RATE
    spectrum = np.fft.rfft(line)[: size // 2 + 1]
    spectrum[: int(LOWEST * len(line) / SAMPLE_RATE)] = 0
    return np.fft.irfft(spectrum, size) * (size / len(line))


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """How much of what was sent was heard (0 to 1), and the median delay in seconds; None if nothing was found."""

    received_ratio: float
    latency: float | None


def match_sound(sent: Sound, heard: Sound, begin: float, end: float) -> SoundMatch:
    """Look for every 0.1 s sent between the two moments (monotonic seconds) in what was heard."""
    seconds = float(int(end - begin))
    out = sent.laid_out(begin, seconds, SENT_SLACK)
    back = heard.laid_out(begin, seconds + MAX_DELAY, HEARD_SLACK)
    arrived, audible, delays = 0, 0, []
    for start in range(0, len(out) - WINDOW + 1, WINDOW):
        window = out[start : start + WINDOW]
        delay = int(np.argmax(_correlation(window, back[start : start + WINDOW + int(MAX_DELAY * RATE)])))
        found, loud = _blocks_found(window, back, start, delay)
        arrived, audible = arrived + found, audible + loud
        if found:
            delays.append(delay / RATE)
    return SoundMatch(arrived / audible if audible else 0.0, float(np.median(delays)) if delays else None)


def _blocks_found(window: Signal, back: Signal, start: int, delay: int) -> tuple[int, int]:
    """How many audible blocks of a window are in `back` near `delay`, and how many are audible."""
    found = audible = 0
    for at in range(0, len(window), BLOCK):
        block = window[at : at + BLOCK]
        if np.sqrt(np.mean(block**2)) < AUDIBLE:
            continue
        audible += 1
        low = max(0, start + at + delay - DRIFT)
        area = back[low : low + BLOCK + 2 * DRIFT]
        found += bool(len(area) >= BLOCK and np.max(_correlation(block, area)) >= ALIKE)
    return found, audible


def _correlation(piece: Signal, area: Signal) -> Signal:
    """Normalized correlation, -1 to 1, of `piece` with every part of the longer `area` (by FFT)."""
    size = 1 << (len(piece) + len(area)).bit_length()
    products = np.fft.irfft(np.fft.rfft(area, size) * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(area**2)))
    energies = sums[len(piece) :] - sums[: len(sums) - len(piece)]
    floor = AUDIBLE**2 * len(piece) / 100  # a part as good as silent is like nothing
    norm = np.sqrt(np.maximum(energies, floor) * max(float(np.sum(piece**2)), 1e-9))
    return np.asarray(products[: len(energies)] / norm, np.float64)
