"""What one measured call comes to, as a flat table of numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from .conductor import Marks, Outcome
from .content import Pictures
from .notes import Noted
from .quality import Speech, delays, freezes, judged, mean_psnr, play

Figures = dict[str, float | str | None]


def figures_of(outcome: Outcome, folder: Path) -> Figures:
    """Of the picture and sound that `near` sent and `far` got, between the marks. Times in ms, rates in kbit/s."""
    begin, end = outcome.begin, outcome.end
    far = outcome.notes["far"]
    return {
        "load average": round(outcome.load, 1),
        "setup ms": round(1000 * outcome.setup),
        "first sound ms": round(1000 * outcome.first_sound),
        **_costs(begin, end),
        **_picture(far, folder, begin.at, end.at),
        **_sound(outcome, folder),
        **_link(outcome),
    }


def _costs(begin: Marks, end: Marks) -> Figures:
    seconds = end.at - begin.at
    cpu = {name: (mark["cpu"] - begin.ends[name]["cpu"]) / seconds for name, mark in end.ends.items()}
    sent = end.ends["near"]["totals"]["bytes_out"] - begin.ends["near"]["totals"]["bytes_out"]
    return {
        "cpu near": round(cpu["near"], 3),
        "cpu far": round(cpu["far"], 3),
        "cpu both": round(sum(cpu.values()), 3),
        "memory near MB": round(end.ends["near"]["memory"]),
        "memory far MB": round(end.ends["far"]["memory"]),
        "bitrate kbit/s": round(sent * 8 / seconds / 1000),
    }


def _picture(far: Noted, folder: Path, begin: float, end: float) -> Figures:
    seen = far.pictures[(far.pictures[:, 0] >= begin) & (far.pictures[:, 0] <= end)]
    stamped = seen[seen[:, 1] >= 0]
    late = 1000 * (stamped[:, 0] - stamped[:, 2])
    number, frozen = freezes(seen[:, 0].tolist(), end)
    sizes = Counter((int(w), int(h)) for w, h in seen[:, 3:5])
    pictures = Pictures(folder)
    kept = [k[0] for k in far.kept]
    likeness = mean_psnr(kept, far.lumas(), pictures)
    pictures.close()
    return {
        "latency p50 ms": _round(np.median(late), 1) if len(late) else None,
        "latency p95 ms": _round(np.percentile(late, 95), 1) if len(late) else None,
        "fps": round(len(set(stamped[:, 1])) / (end - begin), 1),
        "size": "x".join(map(str, sizes.most_common(1)[0][0])) if sizes else None,
        "full size %": round(100 * sizes[(1280, 720)] / max(1, len(seen))),
        "unreadable": len(seen) - len(stamped),
        "freezes": number,
        "frozen s": round(frozen, 2),
        "PSNR-Y dB": _round(likeness, 2),
    }


def _sound(outcome: Outcome, folder: Path) -> Figures:
    begin, end = outcome.begin.at, outcome.end.at
    near, far = outcome.notes["near"], outcome.notes["far"]
    if not len(far.times):
        return {"sound covered %": 0.0}
    heard = play(far.times, far.lengths, far.samples)
    said = Speech(np.load(folder / "speech.npy"), near.more["began"])
    gaps = heard.gaps(begin, end)
    late = delays(said, heard, begin, end)
    middle = float(np.median(late)) if late else None
    pesq, stoi = judged(said, heard, begin, end - 0.5, middle) if middle is not None else (None, None)
    return {
        "sound covered %": round(100 * (1 - gaps.sum() / (end - begin)), 2),
        "longest gap ms": round(1000 * float(gaps.max())) if len(gaps) else 0,
        "concealed %": _concealed(outcome),
        "sound delay p50 ms": _round(1000 * middle, 1) if middle is not None else None,
        "sound delay last ms": _round(1000 * late[-1], 1) if late else None,
        "PESQ-WB": _round(pesq, 2),
        "STOI": _round(stoi, 3),
    }


def _concealed(outcome: Outcome) -> float | None:
    before, after = (mark.ends["far"]["totals"] for mark in (outcome.begin, outcome.end))
    if "concealed" not in after:
        return None
    played = after["played"] - before.get("played", 0)
    return round(100 * (after["concealed"] - before.get("concealed", 0)) / played, 2) if played else None


def _link(outcome: Outcome) -> Figures:
    if outcome.impairment is None or not outcome.begin.lanes:
        return {}
    before, after = outcome.begin.lanes[0], outcome.end.lanes[0]
    seconds = outcome.end.at - outcome.begin.at
    carried = 8 * (after["passed_bytes"] - before["passed_bytes"])
    taken = max(1, after["taken"] - before["taken"])
    found: Figures = {
        "lost by chance %": round(100 * (after["lost"] - before["lost"]) / taken, 2),
        "dropped by queue %": round(100 * (after["dropped"] - before["dropped"]) / taken, 2),
    }
    if outcome.impairment.steps:
        found["link used %"] = round(100 * carried / outcome.impairment.capacity(seconds), 1)
    return found


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
