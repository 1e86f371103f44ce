"""How sound and picture of our receiver fare on lossy links, in simulated time: `python -m scripts.bench.lossy`.

Nothing depends on this machine's speed. One line per seed, then the worst, the median and the best of them.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from scripts.bench.content import LEVEL, speak
from scripts.bench.link import Impairment
from scripts.bench.quality import Speech, delays, freezes, judged, play
from tests.rtc.lossy import FRAME, Near, Spell, Story, tell

FIGURES = (
    "PESQ",
    "found",
    "covered",
    "gap",
    "concealed",
    "moved",
    "sound",
    "sound95",
    "skew05",
    "skew50",
    "skew95",
    "off40",
    "apart99",
    "freezes",
    "picture",
    "picture95",
    "shown",
)
_speech: dict[str, np.ndarray] = {}


def speech() -> np.ndarray:
    if not _speech:
        with tempfile.TemporaryDirectory() as folder:
            said = speak(Path(folder)).astype(np.float64)
        _speech["it"] = (said * LEVEL / np.abs(said).max()).astype(np.int16)[: len(said) // FRAME * FRAME]
    return _speech["it"]


def figures(near: Near, said: np.ndarray, begin: float, end: float) -> list[float]:
    """In the order of `FIGURES`; times in ms, shares in %."""
    times = np.array([h.at for h in near.heard])
    lengths = np.array([len(h.samples) for h in near.heard])
    heard = play(times, lengths, np.concatenate([h.samples for h in near.heard]))
    spoken = Speech(np.resize(said[:-FRAME], len(said) - FRAME), 0.0)
    gaps = heard.gaps(begin, end)
    late = delays(spoken, heard, begin, end)
    middle = float(np.median(late))
    pesq, _ = judged(spoken, heard, begin, end - 0.7, middle)
    inside = [h for h in near.heard if begin <= h.at < end]
    ages = [(h.at, h.age) for h in inside if h.age is not None]
    seen = [(at, age) for at, age in near.seen if begin <= at < end]
    sound = np.interp([at for at, _ in seen], [a for a, _ in ages], [b for _, b in ages])
    skew = 1000 * (sound - np.array([age for _, age in seen])) if seen else np.zeros(1)
    moved = sum(abs(len(h.samples) - FRAME) for h in inside if np.sqrt(np.mean(h.samples.astype(float) ** 2)) > 60)
    stopped, _ = freezes([at for at, _ in seen], end) if seen else (0, 0.0)
    made_up = sum(h.age is None for h in inside) / len(inside)
    pictures = [1000 * age for _, age in seen] or [0.0]
    voices = [1000 * age for _, age in ages]
    return [
        pesq or 0.0,
        100 * len(late) / max(1, int(end - begin - 1.7)),
        100 * (1 - gaps.sum() / (end - begin)),
        1000 * max(gaps, default=0.0),
        100 * made_up,
        100 * moved / 48000 / (end - begin),
        float(np.median(voices)),
        float(np.percentile(voices, 95)),
        *np.percentile(skew, [5, 50, 95]),
        100 * float(np.mean(np.abs(skew) > 40)),
        float(np.percentile(np.abs(skew), 99)),
        stopped,
        float(np.median(pictures)),
        float(np.percentile(pictures, 95)),
        len(seen) / (end - begin),
    ]


def run(
    loss: float, seed: int, seconds: float, slow: str, video: bool, begin: float, jitter: float, delay: float
) -> list[float]:
    spells = tuple(
        Spell(1.7 + i * 1.9 + (seed % 7) * 0.1, (0.05, 0.3, 0.1, 0.2)[(i + seed) % 4]) for i in range(int(seconds / 2))
    )
    near = tell(
        Story(
            Impairment(delay, jitter, loss),
            seed,
            seconds,
            video,
            receiver_slow=spells if slow in ("near", "both") else (),
            sender_slow=spells if slow in ("far", "both") else (),
        ),
        speech(),
    )
    return figures(near, speech(), begin, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loss", type=float, default=0.05)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--jitter", type=float, default=0.02)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--from", dest="begin", type=float, default=3.0)
    parser.add_argument("--slow", choices=["", "near", "far", "both"], default="")
    parser.add_argument("--sound-only", action="store_true")
    args = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        jobs = [
            pool.submit(
                run, args.loss, seed, args.seconds, args.slow, not args.sound_only, args.begin, args.jitter, args.delay
            )
            for seed in range(args.seeds)
        ]
        table = np.array([job.result() for job in jobs])
    print(" ".join(f"{name:>9}" for name in FIGURES))
    for row in table:
        print(" ".join(f"{value:9.2f}" for value in row))
    for name, line in (("min", table.min(0)), ("median", np.median(table, 0)), ("max", table.max(0))):
        print(" ".join(f"{value:9.2f}" for value in line), name)


if __name__ == "__main__":
    main()
