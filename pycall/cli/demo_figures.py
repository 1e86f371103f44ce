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
EARLY = 0.1
"""Seconds by which sound may be heard before its moment: a file's source hands over a piece when it begins."""
LATE = 0.5
"""Seconds before the end from which sound may be cut off by the hang-up."""
DRIFT = RATE // 10
"""Samples by which a block may lie beside its second's place: lost or added pieces move what follows."""
ALIKE = 0.5
"""Normalized correlation from which a block counts as the one that was sent; other sound stays below 0.3."""
AUDIBLE = 3.0
"""RMS in 16-bit steps (-81 dBFS) below which a block is silence and says nothing."""


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

    def signal(self) -> Signal:
        """All of it at RATE, with what is below LOWEST and above half of RATE left out."""
        size = len(self.samples) * RATE // SAMPLE_RATE
        if size == 0:
            return np.zeros(0)
        spectrum = np.fft.rfft(self.samples)[: size // 2 + 1]
        spectrum[: int(LOWEST * len(self.samples) / SAMPLE_RATE)] = 0
        signal: Signal = np.fft.irfft(spectrum, size).astype(np.float64)
        return signal * (size / len(self.samples))

    def moment(self, index: int) -> float:
        """When sample `index` of `signal()` was sent or heard."""
        return float(np.interp(index, self._starts(), self.times))

    def index(self, moment: float) -> int:
        """The sample of `signal()` at a moment; the first or last one outside of it."""
        return int(np.interp(moment, self.times, self._starts()))

    def _starts(self) -> Signal:
        starts: Signal = ((np.cumsum(self.lengths) - self.lengths) * RATE / SAMPLE_RATE).astype(np.float64)
        return starts


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """How much of what was sent was heard (0 to 1), and the median delay in seconds; None if nothing was found."""

    received_ratio: float
    latency: float | None


def match_sound(sent: Sound, heard: Sound, begin: float, end: float) -> SoundMatch:
    """Look for every 0.1 s sent between the two moments (monotonic seconds) in what was heard.

    Both are taken as they follow each other, whatever the clock says: a stall delays sound but does not lose it.
    """
    if not len(sent.times) or not len(heard.times):
        return SoundMatch(0.0, None)
    out, back = sent.signal(), heard.signal()
    audible, delays = 0, []
    for start in range(sent.index(begin), sent.index(end - LATE) - WINDOW + 1, WINDOW):
        moment = sent.moment(start)
        first, last = heard.index(moment - EARLY), heard.index(moment + WINDOW / RATE + MAX_DELAY)
        found, loud = _blocks_found(out[start : start + WINDOW], back[:last], first)
        audible += loud
        delays += [heard.moment(there) - sent.moment(start + at) for at, there in found]
    return SoundMatch(len(delays) / audible if audible else 0.0, float(np.median(delays)) if delays else None)


def _blocks_found(window: Signal, back: Signal, first: int) -> tuple[list[tuple[int, int]], int]:
    """Where audible blocks of a window are found in `back`, not before `first`; and how many are audible."""
    if len(back) - first < len(window):
        return [], sum(_is_audible(window[at : at + BLOCK]) for at in range(0, len(window), BLOCK))
    place = first + int(np.argmax(_correlation(window, back[first:])))
    found, audible = [], 0
    for at in range(0, len(window), BLOCK):
        block = window[at : at + BLOCK]
        if not _is_audible(block):
            continue
        audible += 1
        low = max(0, place + at - DRIFT)
        likeness = _correlation(block, back[low : low + BLOCK + 2 * DRIFT])
        if len(likeness) and np.max(likeness) >= ALIKE:
            found.append((at, low + int(np.argmax(likeness))))
    return found, audible


def _is_audible(block: Signal) -> bool:
    return bool(np.sqrt(np.mean(block**2)) >= AUDIBLE)


def _correlation(piece: Signal, area: Signal) -> Signal:
    """Normalized correlation, -1 to 1, of `piece` with every part of `area` (by FFT); empty if that is shorter."""
    if len(area) < len(piece):
        return np.zeros(0)
    size = 1 << (len(piece) + len(area)).bit_length()
    products = np.fft.irfft(np.fft.rfft(area, size) * np.conj(np.fft.rfft(piece, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(area**2)))
    energies = sums[len(piece) :] - sums[: len(sums) - len(piece)]
    floor = AUDIBLE**2 * len(piece) / 100  # a part as good as silent is like nothing
    norm = np.sqrt(np.maximum(energies, floor) * max(float(np.sum(piece**2)), 1e-9))
    likeness: Signal = (products[: len(energies)] / norm).astype(np.float64)
    return likeness
