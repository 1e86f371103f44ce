"""How our sound is encoded for a peer: as a voice, as music in stereo, or as music for one who hears in mono."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..opus import Samples

OVERHEAD = 50 * 8 * 50
"""bit/s of headers, SRTP, UDP and IP of 50 packets a second."""
SHARE = 0.5
"""Of all that a peer's link takes: what music and its copies may have, so that the picture gets something, too."""


@dataclass(frozen=True, slots=True)
class SoundForm:
    """One encoder's settings; rates in bit/s."""

    music: bool
    channels: int
    most: int
    least: int
    copies: int
    """Earlier packets that a packet repeats at the most."""

    def rate(self, target: float, copies: int) -> int:
        """What the encoder may take of a link's `target`."""
        room = (SHARE * target - OVERHEAD) / (1 + copies)
        return int(min(max(room, self.least), self.most))


VOICE = SoundForm(music=False, channels=1, most=40_000, least=40_000, copies=2)
STEREO = SoundForm(music=True, channels=2, most=128_000, least=48_000, copies=1)
"""RFC 7587, 3.1.1: 64 to 128 kbit/s for music in stereo."""
MONO_MUSIC = SoundForm(music=True, channels=1, most=64_000, least=32_000, copies=1)


def form_of(*, music: bool, channels: int) -> SoundForm:
    """For a peer who hears so many channels."""
    if not music:
        return VOICE
    return STEREO if channels == 2 else MONO_MUSIC


def in_channels(samples: Samples, channels: int) -> Samples:
    """Shape (n,) or (n, 2) as mono, the mean of both, or as stereo."""
    if samples.ndim == channels:
        return samples
    mixed = samples.mean(axis=1, dtype=np.float32) if channels == 1 else np.repeat(samples[:, None], 2, axis=1)
    return mixed.astype(np.int16, copy=False)
