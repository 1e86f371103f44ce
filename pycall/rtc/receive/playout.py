"""What one person is heard like: packets in as they come, 20 ms of sound out per step. Pure but for the decoder."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from .jitter import JitterBuffer, Kind, Turn
from .stretch import lengthen, shorten

Samples = npt.NDArray[np.int16]
STEP = 960
GROWN = 480
"""Samples that may be put in at once even if less is missing: most voices' periods are longer than 2.5 ms, and too much
delay by 10 ms is better than a gap."""
FADE_AFTER = 5
"""Steps of concealment (100 ms) after which a guess is worth nothing and is faded out."""


class Decoder(Protocol):
    def decode(self, payload: bytes) -> Samples: ...
    def recover(self, following: bytes, samples: int = STEP) -> Samples: ...
    def conceal(self, samples: int = STEP) -> Samples: ...


class AudioPlayout:
    def __init__(self, decoder: Decoder, buffer: JitterBuffer | None = None) -> None:
        self.buffer = buffer or JitterBuffer()
        self._decoder = decoder
        self._guesses = 0
        self.timestamp: int | None = None
        """Of the packet whose sound `step` gave last; None while it was made up."""

    def step(self, now: float) -> Samples:
        """The sound that begins now, mono int16: 20 ms, or 5 to 40 ms where it is played faster or slower.

        The next step is due when this one has been played: `len(samples) / 48000` seconds later.
        """
        turn = self.buffer.next(now)
        self.timestamp = turn.timestamp if turn.kind in (Kind.PLAY, Kind.SHRINK, Kind.GROW) else None
        return self._sound(turn)

    def _sound(self, turn: Turn) -> Samples:
        match turn.kind:
            case Kind.PLAY | Kind.SHRINK | Kind.GROW:
                self._guesses = 0
                samples = self._decoder.decode(turn.payload)[:, 0]
                if turn.kind is Kind.SHRINK:
                    return shorten(samples, turn.excess)
                if turn.kind is Kind.GROW:
                    return lengthen(samples, max(GROWN, -turn.excess))
                return samples
            case Kind.RECOVER:
                self._guesses = 0
                return self._decoder.recover(turn.payload)[:, 0]
            case Kind.CONCEAL:
                self._guesses += 1
                guess = self._decoder.conceal()[:, 0]
                return guess if self._guesses <= FADE_AFTER else np.zeros(STEP, np.int16)
        return np.zeros(STEP, np.int16)
