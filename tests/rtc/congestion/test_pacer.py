"""The pacer: who goes first, how evenly, and what a probe does."""

from __future__ import annotations

import pytest

from pycall.rtc.congestion import Pacer, PacketClass, Probe

AUDIO, REPAIR, VIDEO, PADDING = PacketClass


def drain(pacer: Pacer[str], now: float, until: float) -> list[tuple[float, str]]:
    """Everything that leaves, as a transport with a 1 ms timer would send it."""
    out = []
    while now <= until:
        while (item := pacer.pop(now)) is not None:
            out.append((now, item))
        when = pacer.next_time(now)
        if when is None:
            break
        now = max(when, now + 0.001)
    return out


def test_the_most_urgent_class_goes_first_and_within_it_the_oldest() -> None:
    pacer: Pacer[str] = Pacer(1e9)
    for packet_class in (VIDEO, REPAIR, AUDIO):
        pacer.push(packet_class, 100, f"{packet_class.name} 1", 0.0)
        pacer.push(packet_class, 100, f"{packet_class.name} 2", 0.0)
    names = ["AUDIO 1", "AUDIO 2", "REPAIR 1", "REPAIR 2", "VIDEO 1", "VIDEO 2"]
    assert [item for _, item in drain(pacer, 0.0, 1.0)] == names
    assert len(pacer) == 0 and pacer.next_time(1.0) is None


def test_a_keyframe_is_spread_and_sound_passes_it() -> None:
    pacer: Pacer[str] = Pacer(1_500_000)
    for _ in range(21):
        pacer.push(VIDEO, 1200, "video", 0.0)
    out = drain(pacer, 0.0, 0.05)
    pacer.push(AUDIO, 134, "audio", 0.05)
    assert pacer.next_time(0.05) == 0.05
    assert pacer.pop(0.05) == "audio"
    out += drain(pacer, 0.05, 1.0)
    assert len(out) == 21
    assert out[-1][0] == pytest.approx(20 * 1200 * 8 / 1_500_000, abs=0.006)
    for start in range(130):
        sent = sum(1200 for at, _ in out if start / 1000 <= at < start / 1000 + 0.005)
        assert sent * 8 <= 1_500_000 * 0.010 + 1200 * 8


def test_sound_pays_too() -> None:
    pacer: Pacer[str] = Pacer(100_000)
    for _ in range(5):
        pacer.push(AUDIO, 250, "audio", 0.0)
    pacer.push(VIDEO, 100, "video", 0.0)
    out = drain(pacer, 0.0, 1.0)
    assert [at for at, item in out if item == "audio"] == [0.0] * 5
    assert out[-1] == (pytest.approx(0.1 - 0.005, abs=0.003), "video")


def test_an_idle_time_is_no_credit_for_a_burst() -> None:
    pacer: Pacer[str] = Pacer(1_000_000)
    for _ in range(20):
        pacer.push(VIDEO, 1250, "video", 100.0)
    assert len([at for at, _ in drain(pacer, 100.0, 101.0) if at < 100.05]) <= 7


def test_the_very_first_packets_leave_at_once_but_only_once() -> None:
    pacer: Pacer[str] = Pacer(1_000_000, first_burst=12_500)
    for _ in range(30):
        pacer.push(VIDEO, 1250, "video", 100.0)
    assert len([at for at, _ in drain(pacer, 100.0, 101.0) if at == 100.0]) == pytest.approx(10, abs=2)
    for _ in range(20):
        pacer.push(VIDEO, 1250, "video", 102.0)
    assert len([at for at, _ in drain(pacer, 102.0, 103.0) if at < 102.05]) <= 7


def test_too_long_a_queue_is_reported_and_may_be_cleared() -> None:
    pacer: Pacer[str] = Pacer(1_000_000)
    for _ in range(41):
        pacer.push(VIDEO, 1250, "video", 0.0)
    assert pacer.overfull and pacer.delay == pytest.approx(0.41)
    pacer.rate = 2_000_000
    assert not pacer.overfull
    assert len(pacer.clear(VIDEO)) == 41 and pacer.delay == 0.0 and pacer.pop(1.0) is None


def test_the_queue_is_bounded_and_drops_the_oldest() -> None:
    pacer: Pacer[int] = Pacer(1e6)
    for i in range(3005):
        pacer.push(REPAIR, 100, i, 0.0)
    assert pacer.dropped == 5 and pacer.pop(0.0) == 5


def test_a_probe_goes_out_at_its_rate_with_media_first_and_padding_after() -> None:
    pacer: Pacer[str] = Pacer(500_000)
    pacer.push(VIDEO, 1000, "video", 0.0)
    pacer.start_probe(Probe(7, 4_000_000, 10_000), 0.0)
    now, sent = 0.0, []
    while now < 0.1:
        while True:
            if (item := pacer.pop(now)) is not None:
                sent.append((now, item, pacer.cluster))
            elif size := pacer.padding(now):
                pacer.push(PADDING, min(size, 1000), "padding", now)
            else:
                break
        now += 0.001
    assert [item for _, item, _ in sent] == ["video"] + ["padding"] * 9
    assert {cluster for *_, cluster in sent} == {7}
    assert sent[-1][0] == pytest.approx(10_000 * 8 / 4_000_000, abs=0.007)
    pacer.push(AUDIO, 100, "audio", 1.0)
    assert pacer.pop(1.0) == "audio" and pacer.cluster == 0
    pacer.push(PADDING, 100, "padding", 1.0)
    assert pacer.pop(2.0) is None


def test_after_a_probe_pictures_wait_until_the_path_has_caught_up_and_sound_does_not() -> None:
    pacer: Pacer[str] = Pacer(500_000, first_burst=20_000)
    for _ in range(10):
        pacer.push(VIDEO, 1000, "video", 0.0)
    pacer.start_probe(Probe(7, 4_000_000, 5_000), 0.0)
    sent = drain(pacer, 0.0, 0.07)
    assert len(sent) == 5, "5000 bytes at 500 kbit/s take 80 ms, however fast they were sent"
    assert sent[-1][0] == pytest.approx(4 * 1000 * 8 / 4_000_000, abs=0.006), "nor does a probe leave in one burst"
    pacer.push(AUDIO, 100, "sound", 0.07)
    assert pacer.pop(0.07) == "sound"
    assert pacer.pop(0.085) == "video"


def test_a_probe_that_cannot_be_sent_is_given_up() -> None:
    pacer: Pacer[str] = Pacer(500_000)
    pacer.start_probe(Probe(1, 1_000_000, 10_000), 0.0)
    assert pacer.padding(0.2) and pacer.next_time(0.2) is not None
    assert pacer.padding(0.4) == 0 and pacer.next_time(0.4) is None
