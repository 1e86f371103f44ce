"""What one source costs with one to four viewers."""

from __future__ import annotations

from .conductor import Call, Peer
from .course import Course
from .report import Value

MOST = 4
SECONDS = 10.0
WARM_UP = 4.0
TALKING = ", all talking"
PEERS = ("pycall", "aiortc")
"""A page of Chromium here has one connection."""


async def run_viewers(course: Course) -> None:
    """CPU and memory of the sending end, and what leaves it: to those who only watch, and to those who talk as well."""
    columns: dict[str, dict[str, Value]] = {}
    for peer in [peer for peer in course.peers if peer.name in PEERS]:
        figures: dict[str, Value] = {}
        for viewers in range(1, MOST + 1):
            figures |= await _measured(course, peer, viewers, silent=True)
        for viewers in (1, MOST):
            figures |= await _measured(course, peer, viewers, silent=False)
        columns[peer.name] = figures | _ratio(figures, "") | _ratio(figures, TALKING)
    course.show("viewers", "one source of 720p30, by number of viewers", columns)


async def _measured(course: Course, peer: Peer, viewers: int, *, silent: bool) -> dict[str, Value]:
    suffix = "" if silent else TALKING
    with course.place(f"viewers{viewers}-{peer.name}{'' if silent else '-talking'}") as folder:
        outcome = await Call(peer, folder, viewers=viewers, silent=silent).measure(WARM_UP, course.seconds(SECONDS))
        begin, end = outcome.begin.ends["near"], outcome.end.ends["near"]
        seconds = outcome.end.at - outcome.begin.at
        sent = 8 * (end["totals"]["bytes_out"] - begin["totals"]["bytes_out"]) / seconds
        shown = [_fps(outcome.notes[name].pictures[:, 0], outcome) for name in outcome.notes if name != "near"]
        return {
            f"cpu, {viewers}{suffix}": round((end["cpu"] - begin["cpu"]) / seconds, 3),
            f"memory MB, {viewers}{suffix}": round(end["memory"]),
            f"bitrate kbit/s, {viewers}{suffix}": round(sent / 1000),
            f"least fps, {viewers}{suffix}": round(min(shown), 1),
        }


def _fps(times, outcome) -> float:
    begin, end = outcome.begin.at, outcome.end.at
    return float(((times >= begin) & (times <= end)).sum() / (end - begin))


def _ratio(figures: dict[str, Value], suffix: str) -> dict[str, Value]:
    one, most = figures[f"cpu, 1{suffix}"], figures[f"cpu, {MOST}{suffix}"]
    return {f"cpu, {MOST} to 1{suffix}": round(most / one, 2)} if one and most else {}
