"""The demo's report: every figure from what the two processes counted, and whether the media really arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pycall.media.profiles import profile

from .demo_clip import PROFILE, open_reference
from .demo_figures import Sound, SoundMatch, freezes, match_sound, mean_psnr
from .demo_process import Word

MIN_PSNR = 25.0
"""dB below which the picture does not count as the one that was sent."""
MIN_FRAMES = 0.5
"""Share of the sent pictures that have to arrive."""
MIN_SOUND = 0.5
"""Share of the sent sound that has to be recognised."""
Words = Mapping[str, Word]


@dataclass(frozen=True, slots=True)
class Direction:
    """What one side received from the other while they talked."""

    sent_fps: float
    received_fps: float
    latencies: Sequence[float]
    psnr: float | None
    freezes: tuple[int, float]
    sound: SoundMatch

    @property
    def problem(self) -> str | None:
        """Why this does not count as arrived; None if it does."""
        if self.received_fps < MIN_FRAMES * self.sent_fps or self.sent_fps == 0:
            return f"only {self.received_fps:.1f} of {self.sent_fps:.1f} pictures a second arrived"
        if self.psnr is None:
            return "no picture came in full size, so none could be compared: this machine is too busy now"
        if self.psnr < MIN_PSNR:
            return f"the picture is not the one that was sent ({self.psnr:.1f} dB)"
        if self.sound.latency is None or self.sound.received_ratio < MIN_SOUND:
            return f"the sound is not what was sent ({self.sound.received_ratio:.0%} recognised)"
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """A received picture: what its stamp says (number, unix time), and the file with its RGB array."""

    number: int
    time: float
    path: Path


@dataclass(frozen=True, slots=True)
class Report:
    """The figures as the JSON object has them, why the call does not count (or None), and a picture for the image."""

    figures: dict[str, Any]
    problem: str | None
    shown: Shown | None
    """The last picture kept at the callee."""

    def rows(self) -> list[tuple[str, str]]:
        """Name and value for people."""
        f = self.figures
        v, a = f["video"], f["audio"]
        late = v["latency_ms"]
        return [
            ("ring", f"{f['ring_ms']:.0f} ms after the call"),
            ("set-up", f"{max(f['setup_ms'].values()):.0f} ms from the answer to the first picture on both sides"),
            ("picture", f"{v['codec']} {v['width']} x {v['height']}, sent {v['fps_sent']:.1f}/s"),
            ("arrived", f"{v['fps_received']:.1f}/s, {v['freezes']} freezes ({v['freeze_s']:.1f} s)"),
            ("likeness", f"PSNR {v['psnr_db'] or 0:.1f} dB against the picture that was sent"),
            ("delay", f"picture {late['p50']:.0f} ms (95%: {late['p95']:.0f} ms), sound {_ms(a['latency_ms'])}"),
            ("sound", f"{a['received_ratio']:.1%} recognised"),
            ("processor", ", ".join(f"{who} {value:.2f} cores" for who, value in f["cpu_cores"].items())),
            ("memory", ", ".join(f"{who} {value:.0f} MB" for who, value in f["rss_mb"].items())),
            ("quality", ", ".join(f"{who} worst {q['worst']}, last {q['last']}" for who, q in f["quality"].items())),
            ("loudest", ", ".join(f"{who} {value}" for who, value in f["volume_max"].items())),
            ("end", f"{f['end_reason']} after {f['duration_s']:.1f} s"),
        ]


def _ms(value: float | None) -> str:
    return "not found" if value is None else f"{value:.0f} ms"


def make_report(caller: Words, callee: Words) -> Report:
    """From everything the two told: the figures, what the callee saw and heard first of all."""
    sides = {"caller": caller, "callee": callee}
    begin, end = _talk(caller, callee)
    down, up = _direction(caller, callee, begin, end), _direction(callee, caller, begin, end)
    result = callee["result"]
    figures = {
        "ring_ms": _milliseconds(callee["received"]["at"] - caller["calling"]["at"]),
        "setup_ms": {
            who: _milliseconds(words["first_picture"]["at"] - callee["accepting"]["at"]) for who, words in sides.items()
        },
        "video": _video(result, down),
        "audio": {
            "received_ratio": round(down.sound.received_ratio, 4),
            "latency_ms": None if down.sound.latency is None else _milliseconds(down.sound.latency),
        },
        "cpu_cores": {who: _cores(words["result"]) for who, words in sides.items()},
        "rss_mb": {who: round(words["result"]["memory"], 1) for who, words in sides.items()},
        "quality": {who: words["result"]["quality"] for who, words in sides.items()},
        "volume_max": {"caller": result["volume_heard"], "callee": caller["result"]["volume_heard"]},
        "end_reason": callee["ended"]["reason"],
        "duration_s": round(callee["ended"]["duration"], 3),
    }
    known = result["shown"] is not None
    shown = Shown(result["shown"], result["shown_at"], Path(result["shown_rgb"])) if known else None
    return Report(figures, _problem(down, up), shown)


def _problem(down: Direction, up: Direction) -> str | None:
    if down.problem is not None:
        return f"at the callee, {down.problem}"
    return None if up.problem is None else f"at the caller, {up.problem}"


def _talk(caller: Words, callee: Words) -> tuple[float, float]:
    """From when both had a picture until the first stopped counting."""
    results = [caller["result"], callee["result"]]
    return max(r["started"]["at"] for r in results), min(r["stopped"]["at"] for r in results)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _cores(result: Word) -> float:
    """Processor time per second of talk."""
    started, stopped = result["started"], result["stopped"]
    return round(float((stopped["cpu"] - started["cpu"]) / (stopped["at"] - started["at"])), 3)


def _direction(sender: Words, receiver: Words, begin: float, end: float) -> Direction:
    sent, got = sender["result"], receiver["result"]
    arrivals = np.asarray(got["arrivals"])
    inside = (arrivals >= begin) & (arrivals < end)
    latencies = [late for at, late in got["latencies"] if begin <= at < end]
    return Direction(
        sent_fps=_rate(sent["sent_times"], begin, end),
        received_fps=float(inside.sum()) / (end - begin),
        latencies=latencies,
        psnr=_likeness(got),
        freezes=freezes(arrivals[inside].tolist()),
        sound=match_sound(Sound.load(Path(sent["sent"])), Sound.load(Path(got["heard"])), begin, end),
    )


def _likeness(got: Word) -> float | None:
    if not got["kept"]:
        return None
    clip = open_reference(profile(PROFILE))
    try:
        return mean_psnr(Path(got["luma"]), got["size"], got["kept"], clip)
    finally:
        clip.close()


def _rate(times: Sequence[float], begin: float, end: float) -> float:
    return sum(begin <= at < end for at in times) / (end - begin)


def _video(result: Word, direction: Direction) -> dict[str, Any]:
    late = np.asarray(direction.latencies or [0.0]) * 1000
    return {
        "codec": result["codec"],
        "width": result["size"][0],
        "height": result["size"][1],
        "fps_sent": round(direction.sent_fps, 2),
        "fps_received": round(direction.received_fps, 2),
        "latency_ms": {
            "p50": round(float(np.percentile(late, 50)), 1),
            "p95": round(float(np.percentile(late, 95)), 1),
        },
        "psnr_db": None if direction.psnr is None else round(direction.psnr, 2),
        "freezes": direction.freezes[0],
        "freeze_s": round(direction.freezes[1], 3),
    }
