"""What can be sent again."""

from __future__ import annotations

from pycall.rtc.send.history import PACKETS, SECONDS, History


def kept(*sequences: int) -> History[str]:
    history: History[str] = History()
    for sequence in sequences:
        history.keep(sequence, f"p{sequence}", 0.0)
    return history


def test_a_packet_is_given_again() -> None:
    assert kept(1, 2, 3).ask(2, 0.1, 0.05) == "p2"


def test_not_twice_within_a_round_trip() -> None:
    history = kept(1)
    assert history.ask(1, 0.1, 0.1) == "p1"
    assert history.ask(1, 0.15, 0.1) is None
    assert history.ask(1, 0.19, 0.1) == "p1"


def test_old_and_surplus_packets_are_forgotten() -> None:
    history = kept(1)
    history.keep(2, "p2", SECONDS + 0.1)
    assert history.ask(1, SECONDS + 0.1, 0.05) is None
    for sequence in range(3, PACKETS + 10):
        history.keep(sequence, "p", SECONDS + 0.1)
    assert history.ask(2, SECONDS + 0.2, 0.05) is None
