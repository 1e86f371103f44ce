"""What leaves for one peer: in which order, when, and in how many steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters

from pycall.rtc.congestion import FeedbackWriter
from pycall.rtc.congestion.controller import RateController
from pycall.rtc.outbox import FIRST_BURST, STEP, Outbox
from pycall.rtc.path import Path
from pycall.rtc.rtp import Packet, Reader, Writer
from pycall.rtc.terms import TRANSPORT, MediaTerms

pytestmark = pytest.mark.usefixtures("jumping_clock")

RATE = 4_000_000


class Wire:
    """Where packets end up, with the moment."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, int]] = []
        self.news = asyncio.Event()

    def send(self, data: bytes) -> bool:
        self.sent.append((time.monotonic(), int.from_bytes(data[2:4], "big") if data[0] == 0x80 else -1))
        self.news.set()
        return True

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.sent) < count:
                self.news.clear()
                await self.news.wait()

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.sent]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def outbox(wire: Wire) -> AsyncIterator[Outbox]:
    controller = RateController(RATE, 50_000, RATE)
    kinds = {kind: Writer(MediaTerms(kind, "", (), ())) for kind in ("audio", "video")}
    box = Outbox(cast(Path, wire), controller, kinds, lambda size: None)
    yield box
    box.close()


def push_picture(outbox: Outbox, first: int, count: int) -> None:
    for number in range(first, first + count):
        outbox.push_picture(Packet(96, number == first + count - 1, number, 0, 1, bytes(1172)))


async def test_nothing_leaves_before_the_path_is_open_and_all_of_it_then(outbox: Outbox, wire: Wire) -> None:
    outbox.push_report(b"\x81\xc9")
    push_picture(outbox, 1, 3)
    outbox.push_audio(Packet(97, False, 7, 0, 2, b"sound"))
    assert wire.sent == []
    outbox.open()
    assert wire.numbers == [-1, 7, 1, 2, 3]


async def test_sound_leaves_at_once_while_pictures_wait_their_turn(outbox: Outbox, wire: Wire) -> None:
    outbox.open()
    push_picture(outbox, 1, 60)
    waiting = 60 - len(wire.sent)
    assert 0 < waiting < 60 - FIRST_BURST // 1200
    outbox.push_audio(Packet(97, False, 900, 0, 2, b"sound"))
    assert wire.numbers[-1] == 900
    await wire.until(61)
    assert [number for number in wire.numbers if number != 900] == list(range(1, 61))


async def test_what_is_held_back_leaves_in_few_steps_and_at_the_pacers_rate(outbox: Outbox, wire: Wire) -> None:
    outbox.open()
    push_picture(outbox, 1, 80)
    at_once = len(wire.sent)
    await wire.until(80)
    moments = [at for at, _ in wire.sent[at_once - 1 :]]
    steps = sum(after - before > STEP / 4 for before, after in zip(moments, moments[1:], strict=False))
    passed = moments[-1] - moments[0]
    assert steps <= passed / STEP + 2, "a wake-up for every packet"
    assert passed >= 0.9 * (80 - at_once - 8) * 1200 * 8 / outbox.pacer.rate, "faster than the pacer allows"


async def test_nothing_leaves_after_close(outbox: Outbox, wire: Wire) -> None:
    outbox.open()
    push_picture(outbox, 1, 60)
    outbox.push_repair(Packet(96, False, 500, 0, 1, b"again"), 0.001)
    outbox.close()
    before = len(wire.sent)
    outbox.push_audio(Packet(97, False, 900, 0, 2, b"sound"))
    await asyncio.sleep(0.02)
    assert len(wire.sent) == before


async def test_only_packets_that_carry_a_number_take_one(wire: Wire) -> None:
    """Else the other side would tell of sound, which it cannot see in the numbers, as lost."""
    numbered = (RTCRtpHeaderExtensionParameters(3, TRANSPORT),)
    video = MediaTerms("video", "1", (), numbered)
    writers = {"audio": Writer(MediaTerms("audio", "0", (), ())), "video": Writer(video)}
    controller, reader, seen = RateController(RATE, 50_000, RATE), Reader(video), []
    wire.send = lambda data: not seen.append(reader.read(data).number)  # type: ignore[method-assign, func-returns-value]
    box = Outbox(cast(Path, wire), controller, writers, lambda size: None)
    box.open()
    for number in range(3):
        box.push_audio(Packet(97, False, number, 0, 2, b"sound"))
        push_picture(box, number, 1)
    assert seen == [None, 0, None, 1, None, 2]
    writer = FeedbackWriter()
    for number in range(3):
        writer.arrived(number, 5.0)
    fci = writer.build(5.1)
    assert fci is not None
    assert [result.seq for result in controller.feedback(fci, time.monotonic())] == [0, 1, 2]
    box.close()
