"""What an end has seen and heard, noted as it happens, with as little work and memory as can be.

All moments are unix time in seconds, which every process and the browser of one machine share.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

from pycall.media.frames import Pixels, Samples, pixels_of
from pycall.media.stamp import read_stamp

KEEP_EVERY = 0.95
"""Seconds between pictures kept for comparison: with one every 0.45 s, writing them was 2 % of a call's CPU."""


class Notes:
    """Of one end. Pictures and sound lie in files, so that they do not count as the end's memory."""

    def __init__(self, folder: Path, name: str, first: Callable[[str, float], None] | None = None) -> None:
        """`first` is told when the first picture and the first sound came: `first_picture`, `first_sound`."""
        self.first_picture: float | None = None
        self.first_sound: float | None = None
        self._first = first or (lambda what, when: None)
        self.keeping = False
        self._folder, self._name = folder, name
        self._pictures: list[tuple[float, int, float, int, int]] = []
        self._kept: list[tuple[int, int, int]] = []
        self._pieces: list[tuple[float, int]] = []
        self._lumas = (folder / f"{name}.luma").open("wb")
        self._sound = (folder / f"{name}.pcm").open("wb")
        self._next_keep = 0.0

    def saw(self, picture: av.VideoFrame) -> None:
        """A picture is shown now."""
        if self._sound.closed:
            return
        now = time.time()
        stamp = read_stamp(picture)
        number, sent = (stamp.number, stamp.time) if stamp else (-1, 0.0)
        self.picture(now, number, sent, picture.width, picture.height)
        if stamp and self.wants(now):
            self.keep(number, picture.width, picture.height, np.ascontiguousarray(pixels_of(picture.planes[0])))

    def picture(self, at: float, number: int, sent: float, width: int, height: int) -> None:
        """Number -1: the stamp could not be read."""
        if self.first_picture is None:
            self.first_picture = at
            self._first("first_picture", at)
        self._pictures.append((at, number, sent, width, height))

    def wants(self, now: float) -> bool:
        """Whether it is time to keep a picture."""
        if not self.keeping or now < self._next_keep:
            return False
        self._next_keep = now + KEEP_EVERY
        return True

    def keep(self, number: int, width: int, height: int, luma: bytes | Pixels) -> None:
        self._kept.append((number, width, height))
        self._lumas.write(luma)

    def heard(self, samples: Samples, at: float | None = None) -> None:
        """Mono sound at 48 kHz that begins to be played now."""
        if self._sound.closed:
            return
        now = time.time() if at is None else at
        if self.first_sound is None:
            self.first_sound = now
            self._first("first_sound", now)
        self._pieces.append((now, len(samples)))
        self._sound.write(samples.tobytes())

    def save(self, **more: Any) -> str:
        """Close the files and write the rest; gives where."""
        self._lumas.close()
        self._sound.close()
        path = self._folder / f"{self._name}.json"
        noted = {"pictures": self._pictures, "kept": self._kept, "pieces": self._pieces}
        path.write_text(json.dumps({**noted, **more}))
        return str(path)


class Noted:
    """What `Notes` has written, read again."""

    def __init__(self, folder: Path, name: str) -> None:
        fields = json.loads((folder / f"{name}.json").read_text())
        self.pictures = np.array(fields.pop("pictures"), np.float64).reshape(-1, 5)
        """Columns: shown at, number, sent at, width, height."""
        self.kept: list[tuple[int, int, int]] = [tuple(k) for k in fields.pop("kept")]
        """Number, width and height of the pictures kept."""
        pieces = np.array(fields.pop("pieces"), np.float64).reshape(-1, 2)
        self.times, self.lengths = pieces[:, 0], pieces[:, 1].astype(np.int64)
        """When each piece of sound began, and its samples."""
        self.samples: Samples = np.fromfile(folder / f"{name}.pcm", np.int16)
        self.more: dict[str, Any] = fields
        self._lumas = folder / f"{name}.luma"

    def lumas(self) -> list[np.ndarray]:
        """The kept pictures' brightness, each of shape (height, width)."""
        whole, found, at = np.fromfile(self._lumas, np.uint8), [], 0
        for _, width, height in self.kept:
            found.append(whole[at : at + width * height].reshape(height, width))
            at += width * height
        return found
