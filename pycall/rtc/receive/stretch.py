"""Sound played a little faster or slower without changing its pitch: one pitch period is taken out or put in. Pure.

The period is the lag (2.5 to 15 ms) at which the sound resembles itself most; the two ends are cross-faded. Where the
sound resembles itself nowhere (a consonant, a chord), it is left alone; where it is quiet, any lag will do: `ANY`.
Stereo is judged by the sum of its channels and cut in both at once, so that what is in the middle stays there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

MIN_LAG, MAX_LAG = 120, 720
"""Samples at 48 kHz: 2.5 to 15 ms, 66 to 400 Hz, where voices have their pitch."""
FADE = 240
"""Samples of the cross-fade, 5 ms."""
DECIMATE = 6
"""The lag is looked for at 8 kHz, which is enough for pitch and 36 times cheaper."""
ALIKE = 0.85
"""Normalised correlation from which a cut is hardly heard."""
ANY = -1.0
"""For what is so quiet beside the voice that any cut will do."""
QUIET = 60.0
"""RMS (of 32768) under which nothing is heard anyway: -55 dBFS."""

_RISE = (np.arange(FADE, dtype=np.float32) + 0.5) / FADE


def shorten(samples: Samples, most: int = MAX_LAG, *, alike: float = ALIKE) -> Samples:
    """int16 of shape (n,) or (n, 2), shorter by at most `most` samples; unchanged where it is less `alike`."""
    lag = _lag(samples, most, alike)
    if lag is None:
        return samples
    joint = _fade(samples[:FADE], samples[lag : lag + FADE])
    return np.concatenate([joint, samples[lag + FADE :]])


def lengthen(samples: Samples, most: int = MAX_LAG, *, alike: float = ALIKE) -> Samples:
    """int16 of shape (n,) or (n, 2), longer by at most `most` samples; unchanged where it is less `alike`."""
    lag = _lag(samples, most, alike)
    if lag is None:
        return samples
    joint = _fade(samples[lag : lag + FADE], samples[:FADE])
    return np.concatenate([samples[:lag], joint, samples[FADE:]])


def _fade(old: Samples, new: Samples) -> Samples:
    rise = _RISE if old.ndim == 1 else _RISE[:, None]
    mixed = old * (1 - rise) + new * rise
    return mixed.astype(np.int16)


def _lag(samples: Samples, most: int, alike: float) -> int | None:
    longest = min(MAX_LAG, (len(samples) - FADE) // DECIMATE * DECIMATE)
    most = min(most, longest) // DECIMATE * DECIMATE
    if most < MIN_LAG:
        return None
    x = samples[: longest + FADE].astype(np.float32)
    if x.ndim == 2:
        x = x.mean(axis=1)
    if alike <= ANY or float(np.sqrt(np.mean(x * x))) < QUIET:
        return most
    x = x.reshape(-1, DECIMATE).mean(axis=1)
    width = FADE // DECIMATE
    windows = np.lib.stride_tricks.sliding_window_view(x, width)[MIN_LAG // DECIMATE : most // DECIMATE + 1]
    head = x[:width]
    likeness = windows @ head / (np.linalg.norm(windows, axis=1) * np.linalg.norm(head) + 1e-6)
    best = int(np.argmax(likeness))
    return (best + MIN_LAG // DECIMATE) * DECIMATE if likeness[best] >= alike else None
