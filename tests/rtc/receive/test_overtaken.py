"""Pictures that become complete together, behind a gap: which of them are shown."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import pytest

from pycall.rtc.encoders import picture_encoder
from pycall.rtc.receive.picture import PictureReceiver
from pycall.rtc.rtp import Packet
from pycall.rtc.terms import Codec, MediaTerms
from pycall.rtc.worker import Worker
from tests.rtc.stage import picture, read_number

TERMS = MediaTerms("video", "1", (Codec("H264", 102, 90000, 103),), ())
COUNT = 6


def coded() -> list[list[Packet]]:
    """Packets of numbered pictures, one list for each."""
    encoder, made, sequence = picture_encoder("H264"), [], 0
    for number in range(COUNT):
        frame = picture(number, 320, 240)
        frame.pts, frame.time_base = number * 33_333, Fraction(1, 1_000_000)
        payloads, timestamp = encoder.encode(frame, key=number == 0, bitrate=500_000, ceiling=500_000, fps=30)
        packets = []
        for index, payload in enumerate(payloads):
            packets.append(Packet(102, index == len(payloads) - 1, sequence, timestamp, 1, payload))
            sequence += 1
        made.append(packets)
    return made


async def shown(too_old: int, first_waits: float = 0.0) -> tuple[list[int], PictureReceiver]:
    """Picture 1 comes last; those before number `too_old` are then too old for the sound. The first one has to wait
    `first_waits` seconds for it."""
    pictures, seen, complete = await asyncio.to_thread(coded), [], asyncio.Event()
    stamps = [packets[0].timestamp for packets in pictures]

    def see(frame: object) -> None:
        seen.append(read_number(frame))  # type: ignore[arg-type]
        if seen[-1] == COUNT - 1:
            complete.set()

    def wait(timestamp: int, meant: float, at: float) -> float:
        number = stamps.index(timestamp)
        return -0.02 if 0 < number < too_old else first_waits * (number == 0)

    worker = Worker("pycall-test", depth=60)
    receiver = PictureReceiver(TERMS, see, worker, wait)
    for number in (0, *range(2, COUNT), 1):
        for packet in pictures[number]:
            receiver.take(packet, 10.0 + number / 30)
    await asyncio.wait_for(complete.wait(), 20)
    receiver.close()
    await worker.stop()
    return seen, receiver


@pytest.mark.parametrize(
    ("too_old", "seen"), [(0, [0, 1, 2, 3, 4, 5]), (3, [0, 3, 4, 5]), (COUNT, [0, 5])], ids=["none", "two", "all"]
)
async def test_those_too_old_for_the_sound_are_left_out_but_never_the_last(too_old: int, seen: list[int]) -> None:
    numbers, receiver = await shown(too_old)
    assert numbers == seen
    assert receiver.overtaken == receiver.skipped == COUNT - len(seen)
    assert receiver.decoded == COUNT


async def test_pictures_that_are_due_at_the_same_moment_are_shown_in_their_order() -> None:
    numbers, _ = await shown(0, first_waits=0.3)
    assert numbers == list(range(COUNT))
