"""What one source costs with one to four viewers."""

from __future__ import annotations

from .conductor import Call
from .course import Course
from .report import Value

MOST = 4
SECONDS = 10.0
WARM_UP = 4.0
PEERS = ("pycall", "aiortc")
"""A page of Chromium here has one connection."""


async def run_viewers(course: Course) -> None:
    """CPU and memory of the sending end, and what leaves it."""
    columns: dict[str, dict[str, Value]] = {}
    for peer in [peer for peer in course.peers if peer.name in PEERS]:
        figures: dict[str, Value] = {}
        for viewers in range(1, MOST + 1):
            with course.place(f"viewers{viewers}-{peer.name}") as folder:
                call = Call(peer, folder, viewers=viewers)
                outcome = await call.measure(WARM_UP, course.seconds(SECONDS))
                begin, end = outcome.begin.ends["near"], outcome.end.ends["near"]
                seconds = outcome.end.at - outcome.begin.at
                figures[f"cpu, {viewers}"] = round((end["cpu"] - begin["cpu"]) / seconds, 3)
                figures[f"memory MB, {viewers}"] = round(end["memory"])
                sent = 8 * (end["totals"]["bytes_out"] - begin["totals"]["bytes_out"]) / seconds
                figures[f"bitrate kbit/s, {viewers}"] = round(sent / 1000)
                shown = [_fps(outcome.notes[name].pictures[:, 0], outcome) for name in outcome.notes if name != "near"]
                figures[f"least fps, {viewers}"] = round(min(shown), 1)
        columns[peer.name] = figures | _ratio(figures)
    course.show("viewers", "one source of 720p30, by number of viewers", columns)


def _fps(times, outcome) -> float:
    begin, end = outcome.begin.at, outcome.end.at
    return float(((times >= begin) & (times <= end)).sum() / (end - begin))


def _ratio(figures: dict[str, Value]) -> dict[str, Value]:
    one, most = figures.get("cpu, 1"), figures.get(f"cpu, {MOST}")
    return {f"cpu, {MOST} to 1": round(most / one, 2)} if one and most else {}
