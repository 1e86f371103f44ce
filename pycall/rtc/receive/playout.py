"""What one person is heard like: packets in as they come, some 20 ms of sound out per step. Pure but for the decoder.

Theory of when to stretch. Between words nobody hears a cut, so there the delay is mended at once, 15 ms a step. Within
a word one pitch period more or less is hardly heard, but every second one is: there it is done once in 200 ms and only
where two periods are as good as equal, so the pace changes by 5 % at the most. Only sound that would break off
(`Turn.urgent`) is stretched wherever it can be.

What is a pause is told by comparing with the voice itself: the loudest step of the last seconds, less 34 dB.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .jitter import JitterBuffer, Kind, Turn
from .stretch import ALIKE, ANY, lengthen, shorten

Samples = npt.NDArray[np.int16]
STEP = 960
GROWN = 480
"""Samples that may be put in at once even if less is missing: most voices' periods are longer than 2.5 ms, and too much
delay by 10 ms is better than a gap."""
PAUSE = 0.02
"""Share of the voice's loudness under which a step is a pause."""
SUBSIDE = 0.995
"""Per step: what was loud is half as loud after 2.8 s."""
REST, SHORT_REST = 10, 5
"""Steps between two changes of pace within a word: at most 5 % faster or slower, or 10 % where it is off by `FAR`."""
FAR = 2880
"""Samples, 60 ms."""
EQUAL = 0.93
"""Normalised correlation from which two periods are as good as equal."""
FADE_AFTER = 5
"""Steps of concealment (100 ms) after which a guess is worth nothing and is faded out."""


class Decoder(Protocol):
    def decode(self, payload: bytes) -> Samples: ...
    def recover(self, following: bytes, samples: int = STEP) -> Samples: ...
    def conceal(self, samples: int = STEP) -> Samples: ...


class AudioPlayout:
    def __init__(self, decoder: Decoder, buffer: JitterBuffer | None = None, channels: int = 1) -> None:
        """`channels`: what the decoder gives, 1 or 2."""
        self.buffer = buffer or JitterBuffer()
        self._silence: Samples = np.zeros(STEP if channels == 1 else (STEP, channels), np.int16)
        self._decoder = decoder
        self._rest_of_packet = self._silence[:0]
        self._guesses = 0
        self._loud = 0.0
        self._rest = 0
        self.timestamp: int | None = None
        """Of the packet whose sound `step` gave last; None while it was made up."""

    def step(self, now: float) -> Samples:
        """The sound that begins now, int16 of shape (n,) or (n, 2): 20 ms, or 5 to 40 ms where it is played faster or
        slower; less where packets are shorter.

        The next step is due when this one has been played: `len(samples) / 48000` seconds later.
        """
        samples, self.timestamp = self._rest_of_packet, None
        if not len(samples):
            turn = self.buffer.next(now)
            self.timestamp = turn.timestamp if turn.kind in (Kind.PLAY, Kind.SHRINK, Kind.GROW) else None
            samples = self._sound(turn)
        # Who mixes several people gets no more at once than it can hold.
        cut = STEP if len(samples) >= 2 * STEP else len(samples)
        self._rest_of_packet = samples[cut:]
        return samples[:cut]

    def _sound(self, turn: Turn) -> Samples:
        match turn.kind:
            case Kind.PLAY | Kind.SHRINK | Kind.GROW:
                self._guesses = 0
                return self._paced(flat(self._decoder.decode(turn.payload)), turn)
            case Kind.RECOVER:
                self._guesses = 0
                return flat(self._decoder.recover(turn.payload, turn.samples))
            case Kind.CONCEAL:
                self._guesses += 1
                guess = self.guess(turn.samples)
                return guess if self._guesses <= FADE_AFTER else self._silence[: turn.samples].copy()
        return self._silence.copy()

    def guess(self, samples: int = STEP) -> Samples:
        """So much, 20 ms at the most, made up from what came before."""
        return flat(self._decoder.conceal(samples))

    def _paced(self, samples: Samples, turn: Turn) -> Samples:
        """Shorter or longer if that is wanted and this is the place for it."""
        wide = samples.astype(np.float32).ravel()
        level = math.sqrt(float(np.dot(wide, wide)) / max(1, wide.size))
        self._loud = max(level, SUBSIDE * self._loud)
        self._rest = max(0, self._rest - 1)
        if turn.kind is Kind.PLAY:
            return samples
        quiet = level < PAUSE * self._loud
        if self._rest and not quiet and not turn.urgent:
            return samples
        alike = ANY if quiet else ALIKE if turn.urgent else EQUAL
        if turn.kind is Kind.SHRINK:
            made = shorten(samples, turn.excess, alike=alike)
        else:
            made = lengthen(samples, max(GROWN * turn.urgent, -turn.excess), alike=alike)
        if len(made) != len(samples):
            self._rest = SHORT_REST if abs(turn.excess) > FAR else REST
        return made


def flat(samples: Samples) -> Samples:
    """Mono in one dimension, stereo as it is."""
    return samples[:, 0] if samples.shape[1] == 1 else samples
