"""The waits of a client that comes back: soon, spread, and sparing a server that has no room."""

from __future__ import annotations

from pycall.signaling.back_off import CAP_SECONDS, HELD_SECONDS, BackOff, back_off


def test_it_begins_almost_at_once_doubles_and_is_capped() -> None:
    assert all(back_off(0) <= 0.1 for _ in range(100))
    for attempt, ceiling in [(1, 0.5), (2, 1.0), (5, 8.0), (7, 30.0), (1000, 30.0)]:
        waits = [back_off(attempt) for _ in range(300)]
        assert max(waits) <= ceiling
        assert max(waits) > ceiling * 0.8
        assert min(waits) < ceiling * 0.2


def waits_while(absent: bool, seconds: float) -> list[float]:
    """All that begin within so many seconds of waiting."""
    pauses, made = BackOff(), []
    while sum(made) < seconds:
        made.append(pauses.wait())
        if absent:
            pauses.nobody_listens()
    return made


def test_while_nobody_listens_the_next_look_is_never_far_away() -> None:
    for _ in range(300):
        made = waits_while(True, HELD_SECONDS)
        assert max(made) <= 2.0 and len(made) > HELD_SECONDS / 2.0


def test_who_is_away_for_long_is_looked_for_less_and_less() -> None:
    ends = [waits_while(True, 300.0)[-1] for _ in range(300)]
    assert 0.7 * CAP_SECONDS < max(ends) <= CAP_SECONDS


def test_a_server_without_room_is_spared_at_once() -> None:
    longest = [max(waits_while(False, HELD_SECONDS)) for _ in range(300)]
    assert sorted(longest)[150] > 4.0


def test_one_refusal_by_a_server_that_is_there_ends_the_quick_looks() -> None:
    def after_a_refusal() -> float:
        pauses = BackOff()
        for _ in range(4):
            pauses.wait()
            pauses.nobody_listens()
        pauses.wait()  # and then it had no room
        return pauses.wait()

    waits = [after_a_refusal() for _ in range(300)]
    assert 3.0 < max(waits) <= 4.0


def test_after_a_good_connection_it_begins_anew() -> None:
    pauses = BackOff()
    for _ in range(8):
        pauses.wait()
    pauses.settled()
    assert pauses.wait() <= 0.1
