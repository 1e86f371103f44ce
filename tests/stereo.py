"""Two tones, one in each ear: sources that give them, a file that holds them, and how well they are told apart."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pycall import AudioFrame
from pycall.media.pacing import Ticker
from pycall.media.source import Intake
from tests.media_tools import sine
from tests.phones import Sense

LEFT, RIGHT = 440.0, 880.0
SECOND = 48_000
Samples = npt.NDArray[np.int16]


def two_tones(count: int, left: float = LEFT, right: float = RIGHT) -> Samples:
    """Shape (count, 2)."""
    return np.stack([sine(left, count), sine(right, count)], axis=1)


def write_two_tones(path: Path, seconds: int = 10) -> str:
    """A wav file of both, without a jump where it begins again."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SECOND)
        file.writeframes(two_tones(seconds * SECOND).tobytes())
    return str(path)


class TwoTones:
    """A source of both tones; any object that pushes two channels will do."""

    def __init__(self, left: float = LEFT, right: float = RIGHT) -> None:
        self._second = two_tones(SECOND, left, right)
        self._ticker: Ticker | None = None

    def start(self, intake: Intake[AudioFrame]) -> None:
        def beat(number: int, due: float) -> None:
            at = number % 50 * 960
            intake.push(AudioFrame(self._second[at : at + 960], SECOND, due))

        self._ticker = Ticker("two tones", Fraction(1, 50), beat)
        self._ticker.start()

    def stop(self) -> None:
        assert self._ticker is not None
        self._ticker.stop()


def level(samples: Samples, hertz: float) -> float:
    """dB (of full scale, about) of one tone in a piece of one channel."""
    window = np.hanning(len(samples))
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / SECOND)
    amplitude = 2 * abs(np.sum(samples * window * turning)) / window.sum() / 32768
    return float(20 * np.log10(max(amplitude, 1e-9)))


def separation(samples: Samples, left: float = LEFT, right: float = RIGHT) -> tuple[float, float]:
    """By how many dB each channel's own tone is louder in it than the other's; samples of shape (n, 2)."""
    own = level(samples[:, 0], left), level(samples[:, 1], right)
    return own[0] - level(samples[:, 0], right), own[1] - level(samples[:, 1], left)


class TwoEars(Sense):
    """A sink for music; `recent` is the last half second, shape (n, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.recent: Samples = np.zeros((0, 2), np.int16)

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def hear(self, frame: AudioFrame) -> None:
        assert frame.samples.shape == (960, 2)
        self.recent = np.concatenate((self.recent, frame.samples))[-SECOND // 2 :]
        self.noticed()

    @property
    def full(self) -> bool:
        return len(self.recent) >= SECOND // 2

    async def apart(self, decibels: float, left: float = LEFT, right: float = RIGHT, timeout: float = 15.0) -> None:
        """Both tones, each in its own ear and so much weaker in the other."""
        await self.until(
            lambda: (
                self.full
                and level(self.recent[:, 0], left) > -20
                and level(self.recent[:, 1], right) > -20
                and min(separation(self.recent, left, right)) > decibels
            ),
            timeout,
            f"{left} Hz left and {right} Hz right",
        )

    def hears(self, left: tuple[float, ...], right: tuple[float, ...]) -> bool:
        """All these tones in each ear, at -20 dB or more."""
        return (
            self.full
            and all(level(self.recent[:, 0], hertz) > -20 for hertz in left)
            and all(level(self.recent[:, 1], hertz) > -20 for hertz in right)
        )

    def __str__(self) -> str:
        return f"apart by {separation(self.recent)} dB" if self.full else "heard too little"
