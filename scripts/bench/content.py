"""What all ends send: the clip's pictures with number and time drawn in, and speech, paced as devices pace them.

Everything is computed once into a folder, so that no end spends time on decoding files.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

import pycall
from pycall.core.types import VideoProfile
from pycall.media.frames import FRAME_SAMPLES, SAMPLE_RATE, Pixels, Samples
from pycall.media.profiles import profile
from pycall.media.stamp import draw_stamp
from pycall.media.stamped import ReferenceClip

CLIP = Path(pycall.__file__).parent / "data" / "bunny.mp4"
PROFILE: VideoProfile = profile("720p30")
FILES = ("pictures.yuv", "order.json", "speech.npy")
BLOCK_SECONDS = FRAME_SAMPLES / SAMPLE_RATE
LATEST = 0.1
"""Seconds: a camera that was kept waiting for longer leaves pictures out."""
LEVEL = 8000
"""Peak of the speech in 16-bit steps, -12 dBFS."""
TEXT = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It is easy to tell the depth of a well. These days a chicken leg is a rare dish. "
    "Rice is often served in round bowls. The juice of lemons makes fine punch."
)
"""From the Harvard sentences (IEEE Recommended Practice for Speech Quality Measurements, 1969)."""


def prepare(folder: Path) -> None:
    """Write pictures and speech, 190 MB."""
    _write_pictures(folder)
    speech = speak(folder) if shutil.which("espeak-ng") else _decode(CLIP)
    peak = float(np.abs(speech.astype(np.float64)).max())
    blocks = len(speech) // FRAME_SAMPLES * FRAME_SAMPLES
    np.save(folder / "speech.npy", (speech[:blocks] * (LEVEL / peak)).astype(np.int16))


def _write_pictures(folder: Path) -> None:
    clip = ReferenceClip(str(CLIP), PROFILE)
    order: list[int] = []
    with (folder / "pictures.yuv").open("wb") as file:
        while (index := clip.index(len(order))) >= (order[-1] if order else 0):  # until the clip begins anew
            if not order or index != order[-1]:
                file.write(clip.planes(len(order)).tobytes())
            order.append(index)
    clip.close()
    (folder / "order.json").write_text(json.dumps(order))


def speak(folder: Path) -> Samples:
    path = folder / "speech.wav"
    subprocess.run(["espeak-ng", "-v", "en", "-s", "150", "-w", str(path), TEXT], check=True)
    return _decode(path)


def _decode(path: Path) -> Samples:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(parts)


RING = 4
"""Pictures; more than any peer holds before it has encoded them."""


class Pictures:
    """The pictures by number, over and over, from the folder."""

    def __init__(self, folder: Path) -> None:
        self._order: list[int] = json.loads((folder / "order.json").read_text())
        self._file = os.open(folder / "pictures.yuv", os.O_RDONLY)
        # As a camera's driver does: fresh memory for each picture would cost more than what is read into it.
        self._ring = [np.empty((PROFILE.height * 3 // 2, PROFILE.width), np.uint8) for _ in range(RING)]
        self._frames = [av.VideoFrame.from_numpy_buffer(planes, format="yuv420p") for planes in self._ring]

    def planes(self, number: int) -> Pixels:
        """yuv420p, shape (1080, 1280); the same memory holds another picture after `RING` more calls."""
        planes = self._ring[number % RING]
        os.preadv(self._file, [planes], self._order[number % len(self._order)] * planes.nbytes)
        return planes

    def luma(self, number: int) -> Pixels:
        return self.planes(number)[: PROFILE.height]

    def stamped(self, number: int) -> av.VideoFrame:
        """The picture as a camera gives it now."""
        planes = self.planes(number)
        draw_stamp(planes[: PROFILE.height], number, time.time())
        return self._frames[number % RING]

    def close(self) -> None:
        os.close(self._file)


class Camera:
    """Gives one stamped picture every 1/30 s."""

    def __init__(self, folder: Path) -> None:
        self._pictures = Pictures(folder)
        self._began: float | None = None
        self._number = -1

    async def next(self) -> tuple[int, av.VideoFrame]:
        """The next picture with its number, when it is due."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        self._number += 1
        late = now - (self._began + self._number / PROFILE.fps)
        if late > LATEST:
            self._number += int(late * PROFILE.fps)
        await asyncio.sleep(max(0.0, self._began + self._number / PROFILE.fps - time.monotonic()))
        return self._number, self._pictures.stamped(self._number)

    def close(self) -> None:
        self._pictures.close()


@lru_cache(maxsize=1)
def _speech(folder: Path) -> Samples:
    """Read once, however many microphones a process has."""
    speech: Samples = np.load(folder / "speech.npy")
    return speech


class Microphone:
    """Gives 20 ms of speech every 20 ms; block `n` of the loop is due at `began + n * 0.02` (unix seconds)."""

    def __init__(self, folder: Path) -> None:
        self._speech = _speech(folder)
        self.began = 0.0
        self._begun: float | None = None
        self._number = -1

    async def next(self) -> tuple[int, Samples]:
        """The next block with its number, when it is due."""
        if self._begun is None:
            self._begun, self.began = time.monotonic(), time.time()
        self._number += 1
        await asyncio.sleep(max(0.0, self._begun + self._number * BLOCK_SECONDS - time.monotonic()))
        at = self._number * FRAME_SAMPLES % len(self._speech)
        return self._number, self._speech[at : at + FRAME_SAMPLES]
