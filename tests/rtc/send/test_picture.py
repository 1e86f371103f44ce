"""One peer's picture: what is repaired and when a keyframe is made, with much and with little waiting to leave."""

from __future__ import annotations

from pycall.rtc.rtp import Packet
from pycall.rtc.send.picture import PictureSender
from pycall.rtc.send.stream import OutgoingStream
from pycall.rtc.terms import Codec

H264 = Codec("H264", 99, 90000, rtx=100)


class Out:
    """What leaves; `delay` is what a picture would wait."""

    overfull = False

    def __init__(self) -> None:
        self.delay = 0.0
        self.pictures: list[Packet] = []
        self.repairs: list[Packet] = []
        self.forgotten = 0

    def push_picture(self, packet: Packet) -> None:
        self.pictures.append(packet)

    def push_repair(self, packet: Packet, delay: float = 0.0) -> None:
        self.repairs.append(packet)

    def forget_pictures(self) -> None:
        self.forgotten += 1


class Desk:
    def __init__(self) -> None:
        self.out = Out()
        self.wanted = 0
        stream, rtx = OutgoingStream(1, 90000), OutgoingStream(2, 90000)
        self.sender = PictureSender(stream, rtx, H264, self.out, want_key=self._want)

    def _want(self, sender: PictureSender) -> None:
        self.wanted += 1

    def take(self, *, key: bool = False, packets: int = 2) -> list[int]:
        before = len(self.out.pictures)
        self.sender.take([b"x" * 100] * packets, 3000 * before, 0.0, key=key, size=(64, 64))
        return [packet.sequence_number for packet in self.out.pictures[before:]]


def test_a_lost_packet_is_sent_again_and_on_a_lossy_path_twice() -> None:
    desk = Desk()
    first = desk.take(key=True)
    desk.sender.asked_for(tuple(first[:1]))
    assert len(desk.out.repairs) == 1
    desk.sender.loss = 0.05
    desk.sender.asked_for(tuple(first[1:]))
    assert len(desk.out.repairs) == 3


def test_a_repair_that_still_waits_to_leave_is_not_joined_by_another() -> None:
    desk = Desk()
    first = desk.take(key=True)
    desk.sender.rtt = 0.0
    desk.out.delay = 60.0
    for _ in range(5):
        desk.sender.asked_for(tuple(first))
    assert len(desk.out.repairs) == 2


def test_a_keyframe_takes_the_place_of_what_waits_and_of_its_repairs() -> None:
    desk = Desk()
    old = desk.take(key=True) + desk.take()
    desk.out.delay = 0.5
    new = desk.take(key=True)
    assert desk.out.forgotten == 1
    desk.sender.asked_for(tuple(old + new))
    assert len(desk.out.repairs) == len(new)


def test_behind_a_full_queue_nothing_is_repaired_that_a_keyframe_has_made_useless() -> None:
    desk = Desk()
    old, new = desk.take(key=True) + desk.take(), desk.take(key=True)
    desk.sender.queue = 0.2
    desk.sender.asked_for(tuple(old + new))
    assert len(desk.out.repairs) == len(new)


def test_a_keyframe_of_long_ago_makes_nothing_useless_when_numbers_wrap() -> None:
    desk = Desk()
    desk.take(key=True)
    desk.take(packets=0x8000)
    newest = desk.take()
    desk.sender.queue = 0.2
    desk.sender.asked_for(tuple(newest))
    assert len(desk.out.repairs) == len(newest)


def test_with_little_waiting_everything_is_repaired_across_a_keyframe() -> None:
    desk = Desk()
    both = desk.take(key=True) + desk.take(key=True)
    desk.sender.asked_for(tuple(both))
    assert len(desk.out.repairs) == len(both) and not desk.out.forgotten


def test_a_request_that_crossed_a_keyframe_asks_for_no_other() -> None:
    desk = Desk()
    desk.sender.rtt = 60.0
    desk.take(key=True)
    desk.sender.asked_for_key()
    assert (desk.wanted, desk.sender.plis) == (0, 1)
    desk.sender.rtt = 0.0
    desk.take(key=True)
    desk.sender.asked_for_key()
    assert desk.wanted == 1
