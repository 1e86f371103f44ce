"""How many audio-only calls one process holds in real time."""

from __future__ import annotations

from .conductor import Call, Outcome, Peer
from .course import Course
from .report import Value

COUNTS = (5, 10, 20, 40, 80, 160)
SECONDS = 10.0
WARM_UP = 3.0
MOST_SILENT = 0.01
"""Share of the time that the worst call may be silent for want of sound in time."""
PEERS = ("pycall", "aiortc")


async def run_bots(course: Course) -> None:
    """More and more calls between two processes, until one of the calls is not in real time any more."""
    columns: dict[str, dict[str, Value]] = {}
    for peer in [peer for peer in course.peers if peer.name in PEERS]:
        figures: dict[str, Value] = {"calls in real time": 0, "calls per core": None}
        for calls in COUNTS:
            found = await _try(course, peer, calls)
            figures |= {f"{name}, {calls}": value for name, value in found.items()}
            silent = found.get("silent, worst %")
            if not isinstance(silent, float) or silent > 100 * MOST_SILENT:
                break
            figures["calls in real time"] = calls
            figures["calls per core"] = round(calls / float(found["cpu"] or 1))
        columns[peer.name] = figures
    course.show("bots", "audio-only calls of one process with another", columns)


async def _try(course: Course, peer: Peer, calls: int) -> dict[str, Value]:
    with course.place(f"bots{calls}-{peer.name}") as folder:
        crowd = Peer(peer.name, "bots_peer", peer.name)
        call = Call(crowd, folder, pictures=False, calls=calls)
        return _figures(await call.measure(WARM_UP, course.seconds(SECONDS)))
    return {}


def _figures(outcome: Outcome) -> dict[str, Value]:
    begin, end = outcome.begin.ends["far"], outcome.end.ends["far"]
    seconds = outcome.end.at - outcome.begin.at
    silent = {k: end["totals"][k] - begin["totals"][k] for k in ("silent_most", "silent_mean")}
    return {
        "cpu": round((end["cpu"] - begin["cpu"]) / seconds, 3),
        "memory MB": round(end["memory"]),
        "silent, worst %": round(100 * silent["silent_most"] / seconds, 2),
        "silent, mean %": round(100 * silent["silent_mean"] / seconds, 2),
        "longest gap ms": round(1000 * end["totals"]["longest_gap"]),
    }
