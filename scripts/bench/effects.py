"""Measures what the filters over picture and sound cost, in CPU time of one thread, and how much noise they take."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pycall.core.types import VideoProfile
from pycall.media.frames import FRAME_SAMPLES
from pycall.media.process.background import Background, Blur, Image
from pycall.media.process.beauty import Beauty
from pycall.media.process.mattes import ChromaKey, CleanPlate, key_colour
from pycall.media.process.segmentation import Person, SegmentationModel
from pycall.media.process.voice import VoiceCleaner
from pycall.media.synthetic import Pattern
from pycall.media.turn import turned

PROFILE = VideoProfile("720p30", 1280, 720, 30, 0)
PICTURES = 60
BLOCKS = 500
IMAGE = Path(__file__).parents[2] / "pycall" / "data" / "demo.mp4"


def cost(step: Callable[[int], object], count: int) -> float:
    """Milliseconds of CPU per call, all threads together, the fastest of three runs after a first one to warm up."""
    step(0)
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for number in range(count):
            step(number)
        best = min(best, time.process_time() - began)
    return 1000 * best / count


def picture_effects(model: str | None) -> dict[str, Callable[[int], object]]:
    """Name -> apply it to the n-th picture."""
    pattern = Pattern(PROFILE)
    pictures = [pattern.picture(number, 0.0) for number in range(8)]
    image = Image(str(_clip()))
    filters: dict[str, object] = {
        "blur whole picture, level 1": Background(Blur(1), None),
        "blur whole picture, level 3": Background(Blur(3), None),
        "blur, chroma key": Background(Blur(3), ChromaKey(key_colour("green"))),
        "blur, clean plate": Background(Blur(3), CleanPlate()),
        "image, chroma key": Background(image, ChromaKey(key_colour("green"))),
        "image, clean plate": Background(image, CleanPlate()),
        "beauty, level 4": Beauty(4.0),
    }
    if model is not None:
        filters["blur, your model"] = Background(Blur(3), Person(SegmentationModel(model)))
    steps = {name: _over(one, pictures) for name, one in filters.items()}
    steps["view turned by 90 degrees"] = lambda n: turned(pictures[n % 8], 1)
    steps["view mirrored"] = lambda n: turned(pictures[n % 8], 0, mirror=True)
    return steps


def _clip() -> Path:
    return next(path for path in IMAGE.parent.iterdir() if path.suffix in {".mp4", ".mkv", ".webm"})


def _over(one: object, pictures: list) -> Callable[[int], object]:
    return lambda n: one.apply(pictures[n % 8])  # type: ignore[attr-defined]


def voice_cost() -> float:
    """Milliseconds of CPU per 20 ms of sound."""
    noise = np.random.default_rng(1).normal(0, 300, (BLOCKS, FRAME_SAMPLES)).astype(np.int16)
    cleaner = VoiceCleaner()
    return cost(lambda n: cleaner.clean(noise[n]), BLOCKS)


def noise_taken() -> float:
    """Decibels less of white noise, once it is known."""
    noise = np.random.default_rng(1).normal(0, 300, 48_000 * 4).astype(np.int16)
    left = VoiceCleaner().clean(noise)[48_000:].astype(float)
    return float(10 * np.log10(np.mean(noise.astype(float) ** 2) / np.mean(left**2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--model", metavar="ONNX", help="measure this segmentation model too")
    options = parser.parse_args()
    figures = {name: round(cost(step, PICTURES), 2) for name, step in picture_effects(options.model).items()}
    sound = {"noise suppression": round(voice_cost(), 3)}
    print(f"{'ms of CPU per picture, 1280x720':42} of 33 ms")
    for name, value in figures.items():
        print(f"  {name:40} {value:6.2f}")
    print(f"{'ms of CPU per 20 ms of sound':42} of 20 ms")
    for name, value in sound.items():
        print(f"  {name:40} {value:6.3f}   takes {noise_taken():.1f} dB of white noise")
    if options.json:
        written = {
            "picture_ms": figures,
            "sound_ms": sound,
            "noise_db": round(noise_taken(), 1),
            "cpus": os.cpu_count(),
        }
        Path(options.json).write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
