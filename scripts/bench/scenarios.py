"""Calls between two ends, over links of several kinds."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from . import netpath
from .conductor import Call
from .course import FAST, Course
from .figures import Figures, figures_of
from .link import Impairment, Step


@dataclass(frozen=True, slots=True)
class Scenario:
    """One call: over which link, for how long, after which time to settle (seconds)."""

    name: str
    title: str
    impairment: Impairment | None = None
    seconds: float = 20.0
    warm_up: float = 3.0
    full_size: bool = False
    """Whether Chromium must not make the picture smaller."""


RFC8867 = Impairment(delay=0.05, steps=(Step(41, 1.0e6), Step(20, 2.5e6), Step(20, 0.6e6), Step(20, 1.0e6)), queue=0.3)
"""RFC 8867, 5.1: variable available capacity with a single flow; the delay is one way."""

CALLS = {
    scenario.name: scenario
    for scenario in (
        Scenario("loopback", "720p30 on this machine", full_size=True),
        Scenario("loss5", "50 ms ± 20 ms, 5 % loss", Impairment(0.05, 0.02, 0.05)),
        Scenario("loss10", "50 ms ± 20 ms, 10 % loss", Impairment(0.05, 0.02, 0.10)),
        Scenario("rfc8867", "1.0 / 2.5 / 0.6 / 1.0 Mbit/s, 50 ms, 300 ms queue", RFC8867, RFC8867.seconds, 0.0),
    )
}


async def run_calls(course: Course, scenario: Scenario) -> None:
    """Every peer in turn."""
    impairment = scenario.impairment
    if impairment is not None and (reason := netpath.possible()):
        print(f"{scenario.name}: {reason}", file=sys.stderr)
        return
    if impairment is not None and course.fast:
        impairment = impairment.faster(FAST)
    columns: dict[str, Figures] = {}
    for peer in course.peers:
        with course.place(f"{scenario.name}-{peer.name}") as folder:
            role = {"full_size": scenario.full_size, **({"pictures": True} if course.both_ways else {})}
            call = Call(peer, folder, impairment=impairment, **role)
            outcome = await call.measure(scenario.warm_up, course.seconds(scenario.seconds))
            columns[peer.name] = figures_of(outcome, folder)
    course.show(scenario.name, scenario.title, columns)
