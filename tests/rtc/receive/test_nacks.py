"""Which packets are asked for again."""

from __future__ import annotations

from pycall.rtc.receive.nacks import ASK_AGAIN, MAX_ASKS, MAX_MISSING, MissingPackets


def test_a_gap_is_asked_for_at_once_and_again_until_it_is_filled() -> None:
    packets = MissingPackets()
    assert packets.add(65534, 0) == []
    assert packets.add(1, 0) == [65535, 0]
    assert packets.add(2, 0.01) == []
    assert packets.add(65535, 0.02) == []
    assert packets.add(3, ASK_AGAIN) == [0]
    packets.add(0, ASK_AGAIN)
    assert packets.add(4, 2 * ASK_AGAIN) == []


def test_it_gives_up_after_five_requests() -> None:
    packets = MissingPackets()
    packets.add(0, 0)
    asked = [packets.add(2 + i, i * ASK_AGAIN) for i in range(10)]
    assert sum(1 in list_ for list_ in asked) == MAX_ASKS
    assert asked[-1] == []


def test_the_list_is_bounded_and_an_outage_is_not_a_gap() -> None:
    packets = MissingPackets()
    packets.add(0, 0)
    for i in range(1, 60):
        packets.add(i * 20, 0)
    assert len(packets._missing) <= MAX_MISSING
    assert packets.add(30000, 1) == []
