"""When a flight is repeated, in simulated time, and handshakes over a line that loses a tenth of all datagrams."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from pycall.rtc import dtls
from pycall.rtc.flights import LONGEST_DATAGRAM, MAX_LAST, Flights, is_handshake, split
from pycall.rtc.patches import install
from pycall.rtc.path import Path
from pycall.rtc.servers import Servers

HELLO = b"\x16\xfe\xff" + bytes(8) + (50).to_bytes(2, "big") + bytes(50)
ALERT = b"\x15\xfe\xfd" + bytes(8) + (2).to_bytes(2, "big") + bytes(2)


def record(length: int) -> bytes:
    return b"\x16\xfe\xfd" + bytes(8) + length.to_bytes(2, "big") + bytes(length)


def repeated(flights: Flights, until: float) -> list[float]:
    """When copies leave, if somebody looks every 10 ms."""
    return [step / 100 for step in range(int(until * 100)) if flights.again(step / 100)]


def test_a_flight_is_repeated_at_doubling_intervals_until_it_is_answered() -> None:
    flights = Flights()
    flights.sent([HELLO], 0.0)
    assert repeated(flights, 2.0) == pytest.approx([0.1, 0.3, 0.7, 1.2, 1.7], abs=0.011)
    flights.sent([HELLO + HELLO], 2.0)
    assert flights.due == pytest.approx(2.1)
    assert flights.again(2.1) == [HELLO + HELLO]


def test_a_long_line_is_given_longer_but_not_for_ever() -> None:
    for round_trip, first in ((0.01, 0.1), (0.12, 0.18), (3.0, 0.25)):
        flights = Flights(round_trip)
        flights.sent([HELLO], 5.0)
        assert flights.due == pytest.approx(5 + first)


def test_an_alert_is_not_a_flight() -> None:
    flights = Flights()
    flights.sent([ALERT], 0.0)
    assert flights.due is None and flights.again(9.0) == []
    assert is_handshake(HELLO) and not is_handshake(ALERT) and not is_handshake(b"\x16")


def test_who_spoke_last_answers_but_does_not_repeat() -> None:
    last, first = Flights(), Flights()
    for flights in (last, first):
        flights.sent([HELLO], 0.0)
    last.finish(spoke_last=True)
    first.finish(spoke_last=False)
    assert repeated(last, 3.0) == [] and repeated(first, 3.0) == []
    assert first.heard(3.0) == []
    answers = sum(bool(last.heard(3 + step / 100)) for step in range(1000))
    assert answers == MAX_LAST, "nobody makes us send more than that"


def test_records_are_never_torn() -> None:
    written = record(700) + record(400) + record(100) + record(1400) + record(20)
    datagrams = split(written)
    assert [len(datagram) for datagram in datagrams] == [1126, 113, 1413, 33]
    assert b"".join(datagrams) == written
    assert LONGEST_DATAGRAM >= 1126 and split(b"") == []


async def one_handshake(rng: random.Random, loss: float) -> float:
    """Seconds until both ends are connected, ICE and DTLS, over a line that loses a share of all datagrams."""
    ends = [new_path(controlling) for controlling in (True, False)]
    await asyncio.gather(*(end.gather() for end in ends))
    for end in ends:
        lose(end, rng, loss)
    near, far = ends
    began = time.monotonic()
    try:
        await asyncio.gather(meet(near, far, client=False), meet(far, near, client=True))
        assert [end.state for end in ends] == ["connected", "connected"]
        return time.monotonic() - began
    finally:
        await asyncio.gather(*(end.close() for end in ends))


def new_path(controlling: bool) -> Path:
    return Path(
        controlling=controlling,
        servers=Servers(),
        on_rtp=drop,
        on_rtcp=drop,
        on_change=nothing,
        on_candidate=unheard,
    )


def drop(data: bytes, now: float) -> None: ...


def nothing() -> None: ...


def unheard(candidate: object) -> None: ...


def lose(end: Path, rng: random.Random, loss: float) -> None:
    admits = end.connection.admits
    end.connection.admits = (  # type: ignore[method-assign]
        lambda protocol, data, addr: rng.random() >= loss and admits(protocol, data, addr)
    )


async def meet(end: Path, other: Path, *, client: bool) -> None:
    for candidate in other.candidates:
        await end.add_candidate(candidate)
    async with asyncio.timeout(20):
        await end.connect(other.ice_parameters, other.dtls_parameters, client=client)


async def many(count: int, loss: float) -> list[float]:
    install()
    rng = random.Random(3)
    times: list[float] = []
    for _ in range(count // 10):
        times += await asyncio.gather(*(one_handshake(rng, loss) for _ in range(10)))
    return sorted(times)


@pytest.mark.usefixtures("jumping_clock")
async def test_a_tenth_of_all_datagrams_lost_costs_no_second() -> None:
    times = await many(60, 0.1)
    assert times[30] < 0.4, times
    assert times[56] < 1.0, times


async def test_what_openssl_writes_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtls, "LONGEST_DATAGRAM", 100)  # pieces that do not fit records
    assert await one_handshake(random.Random(1), 0.0) < 5
