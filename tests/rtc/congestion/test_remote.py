"""Peers without transport-wide feedback: REMB and receiver reports."""

from __future__ import annotations

from pycall.rtc.congestion import RateController


def without_feedback(start: float = 500e3) -> RateController:
    return RateController(start, 80e3, 3e6, transport_feedback=False)


def run(
    controller: RateController,
    seconds: float,
    began: float,
    *,
    rate: float,
    remb: float | None,
    loss: float = 0.0,
    rtt: float = 0.1,
) -> float:
    """Send at `rate` for a while, with the reports of a peer once a second; returns the time then."""
    now = began
    while now < began + seconds:
        controller.sent(int(now * 100) & 0xFFFF, int(rate / 8 / 100), now)
        if int(now * 100) % 100 == 0:
            controller.receiver_report(loss, rtt, now)
            if remb is not None:
                controller.remb(remb, now)
        controller.tick(now)
        now = round(now + 0.01, 2)
    return now


def test_remb_lowers_at_once_and_lets_the_rate_grow_to_it() -> None:
    controller = without_feedback()
    now = run(controller, 10, 0.0, rate=500e3, remb=2e6)
    assert 1.5e6 < controller.target <= 2e6
    now = run(controller, 2, now, rate=controller.target, remb=400e3)
    assert controller.target == 400e3 == controller.estimate
    assert controller.probe(now) is None


def test_an_estimate_pulled_down_by_an_easy_picture_is_no_limit() -> None:
    controller = without_feedback(1.5e6)
    run(controller, 10, 0.0, rate=100e3, remb=160e3)
    assert controller.target == 1.5e6


def test_with_reports_alone_loss_and_round_trip_decide() -> None:
    controller = without_feedback()
    now = run(controller, 10, 0.0, rate=500e3, remb=None)
    grown = controller.target
    assert 900e3 < grown < 1.3e6
    now = run(controller, 5, now, rate=grown, remb=None, loss=0.05)
    assert controller.target == grown and controller.loss == 0.05
    now = run(controller, 3, now, rate=grown, remb=None, loss=0.3)
    assert 80e3 <= controller.target < 0.75 * grown
    lowered = controller.target
    run(controller, 3, now, rate=lowered, remb=None, rtt=0.5)
    assert controller.target < 0.8 * lowered
    assert controller.rtt is not None and controller.rtt > 0.2


def test_a_peer_that_negotiated_feedback_and_sends_none_is_judged_by_its_reports() -> None:
    controller = RateController(500e3, 80e3, 3e6)
    run(controller, 12, 0.0, rate=500e3, remb=2e6)
    assert controller.target > 800e3


def test_limits_can_change() -> None:
    controller = without_feedback()
    controller.set_limits(50e3, 200e3)
    assert controller.target == 200e3
