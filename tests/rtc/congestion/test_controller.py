"""The controller by itself: limits, silence, bad feedback, pacing."""

from __future__ import annotations

import pytest

from pycall.core.errors import RemoteProtocolError
from pycall.rtc.congestion import FeedbackWriter, RateController
from pycall.rtc.congestion.controller import MOST_FEEDBACKS


class Loop:
    """Packets every 10 ms over a path with a fixed delay, and their feedback."""

    def __init__(self, controller: RateController) -> None:
        self.controller, self.writer, self.now, self.seq = controller, FeedbackWriter(), 0.0, 65000

    def run(self, seconds: float, *, rate: float = 400e3, answered: bool = True) -> None:
        for _ in range(round(seconds * 100)):
            self.now += 0.01
            self.controller.sent(self.seq, int(rate / 800), self.now)
            if answered:
                self.writer.arrived(self.seq, self.now + 7000.05)
            self.seq = (self.seq + 1) & 0xFFFF
            while self.writer.due(self.now + 7000.05) and (fci := self.writer.build(self.now + 7000.05)):
                self.controller.feedback(fci, self.now + 0.1)
            self.controller.tick(self.now)


def test_it_begins_at_the_start_rate_and_stays_within_its_limits() -> None:
    controller = RateController(400e3, 80e3, 500e3)
    assert controller.target == controller.estimate == 400e3
    loop = Loop(controller)
    loop.run(10, rate=500e3)
    assert controller.target == 500e3
    controller.set_limits(80e3, 300e3)
    assert controller.target == 300e3
    assert RateController(9e6, 80e3, 500e3).target == 500e3
    assert RateController(1e3, 80e3, 500e3).target == 80e3


def test_what_it_has_measured_can_be_read() -> None:
    controller = RateController(400e3, 80e3, 3e6)
    loop = Loop(controller)
    loop.run(5)
    assert controller.rtt == pytest.approx(0.1, abs=0.02)
    assert controller.queue_delay == pytest.approx(0.0, abs=0.001) and controller.loss == 0.0
    assert controller.acknowledged == pytest.approx(400e3, rel=0.05)
    assert controller.jitter < 0.001


def test_the_estimate_is_never_far_above_what_was_tried() -> None:
    controller = RateController(400e3, 80e3, 3e6)
    Loop(controller).run(20, rate=300e3)
    assert controller.estimate < 1.5 * 300e3 + 25e3


def test_silence_lowers_the_rate_by_steps_down_to_the_minimum() -> None:
    controller = RateController(1e6, 80e3, 3e6)
    loop = Loop(controller)
    loop.run(3, rate=1e6)
    before = controller.target
    loop.run(1, rate=1e6, answered=False)
    assert controller.target > 0.75 * before
    loop.run(2, rate=1e6, answered=False)
    assert 0.2 * before < controller.target < 0.6 * before
    assert controller.probe(loop.now) is None
    loop.run(20, rate=80e3, answered=False)
    assert controller.target == 80e3


def test_bad_feedback_changes_nothing() -> None:
    controller = RateController(400e3, 80e3, 3e6)
    Loop(controller).run(2)
    before = (controller.target, controller.rtt)
    with pytest.raises(RemoteProtocolError):
        controller.feedback(b"\1\2\3", 5.0)
    assert (controller.target, controller.rtt) == before


def test_pacing_is_loose_only_where_there_is_room() -> None:
    controller = RateController(400e3, 80e3, 400e3)
    Loop(controller).run(1)
    assert controller.pacing_rate == 2.5 * 400e3
    controller.set_limits(80e3, 3e6)
    assert controller.pacing_rate == 1.25 * 400e3


def test_the_first_probe_is_asked_for_as_soon_as_something_is_reported() -> None:
    controller = RateController(400e3, 80e3, 3e6)
    loop = Loop(controller)
    loop.run(0.05, answered=False)
    assert controller.probe(loop.now) is None, "the first packets may have made a queue: a probe would make it longer"
    loop.run(0.15)
    probe = controller.probe(loop.now)
    assert probe is not None and probe.rate == 1.2e6 and probe.size >= 3000
    assert controller.probe(loop.now + 0.1) is None


def test_of_a_flood_of_feedback_nothing_is_read() -> None:
    controller = RateController(300_000, 50_000, 3e6)
    for seq in range(2 * MOST_FEEDBACKS):
        controller.sent(seq, 1000, seq * 0.001)
    writer, read = FeedbackWriter(), 0
    for seq in range(2 * MOST_FEEDBACKS):
        writer.arrived(seq, 5.0 + seq * 0.001)
        fci = writer.build(6.0)
        assert fci is not None
        read += len(controller.feedback(fci, 1.0 + (seq >= MOST_FEEDBACKS + 50)))
    assert read == 2 * MOST_FEEDBACKS - 50
