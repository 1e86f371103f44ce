"""Frames from packets: released with the marker, never damaged, a keyframe asked for when only that helps."""

from __future__ import annotations

import random

from pycall.rtc.receive.video_buffer import BEGIN_SECONDS, KEYFRAME_AGAIN, PATIENCE, EncodedPicture, Piece, VideoBuffer

STEP = 1 / 30


def frame(number: int, size: int, *, key: bool = False) -> list[Piece]:
    opens = [key and i == 0 for i in range(size)]
    return [Piece(number * 3000, i == size - 1, opens[i], bytes([number & 0xFF]), opens[i]) for i in range(size)]


def stream(count: int, size: int = 3, start: int = 0) -> list[tuple[int, Piece]]:
    pieces = [piece for number in range(count) for piece in frame(number, size, key=number == 0)]
    return [((start + i) & 0xFFFF, piece) for i, piece in enumerate(pieces)]


def numbers(pictures: list[EncodedPicture]) -> list[int]:
    return [picture.timestamp // 3000 for picture in pictures]


def test_a_frame_leaves_with_its_last_packet() -> None:
    buffer = VideoBuffer()
    for sequence, piece in stream(20):
        out = buffer.add(sequence, piece, 0)
        assert numbers(out) == ([piece.timestamp // 3000] if piece.last else [])
    assert not buffer.keyframe_due(1)


def test_without_markers_a_frame_leaves_with_the_next_one() -> None:
    buffer = VideoBuffer()
    out = []
    for sequence, piece in stream(5):
        out += buffer.add(sequence, piece._replace(last=False), 0)
    assert numbers(out) == [0, 1, 2, 3]


def test_packets_of_a_frame_are_put_in_order() -> None:
    packets = stream(30, size=5, start=65500)
    shuffled = packets[:1] + sum((random.Random(i).sample(packets[i : i + 7], 7) for i in range(1, 148, 7)), [])
    buffer = VideoBuffer()
    out = [picture for sequence, piece in shuffled for picture in buffer.add(sequence, piece, 0)]
    assert numbers(out) == list(range(29)) or numbers(out) == list(range(30))
    assert all(len(picture.data) == 5 for picture in out)


def test_a_retransmission_in_time_loses_nothing() -> None:
    packets = stream(10)
    missing = packets.pop(7)
    buffer = VideoBuffer()
    out = [p for i, (sequence, piece) in enumerate(packets) for p in buffer.add(sequence, piece, i * 0.005)]
    assert numbers(out) == [0, 1]
    assert numbers(buffer.add(*missing, 0.2)) == list(range(2, 10))
    assert not buffer.keyframe_due(0.3)


def test_a_loss_freezes_until_the_keyframe_that_was_asked_for() -> None:
    packets = stream(40, size=2)
    del packets[9]  # the second packet of frame 4
    buffer, out, asked = VideoBuffer(), [], []
    for i, (sequence, piece) in enumerate(packets):
        now = i * STEP / 2
        out += buffer.add(sequence, piece, now)
        if buffer.keyframe_due(now):
            asked.append(now)
    gap_at = 9 * STEP / 2
    assert numbers(out) == [0, 1, 2, 3]
    assert gap_at + PATIENCE <= asked[0] < gap_at + PATIENCE + 0.05
    assert len(asked) == 2 and asked[1] - asked[0] >= KEYFRAME_AGAIN
    last = packets[-1][0]
    for i, piece in enumerate(frame(50, 3, key=True)):
        out += buffer.add(last + 1 + i, piece, 2.0)
    assert numbers(out)[-1] == 50
    assert not buffer.keyframe_due(3.0)


def test_a_keyframe_is_asked_for_again_but_not_all_the_time() -> None:
    buffer = VideoBuffer()
    buffer.add(0, Piece(0, True, False, b"x"), 0)
    moments = [at / 100 for at in range(220) if buffer.keyframe_due(at / 100)]
    assert moments[0] == BEGIN_SECONDS and len(moments) == int(2 / KEYFRAME_AGAIN)


def test_nothing_is_asked_for_while_the_first_keyframe_comes_in() -> None:
    buffer = VideoBuffer()
    for sequence, piece in stream(1, size=40):
        buffer.add(sequence, piece, 0)
        assert not buffer.keyframe_due(0)


def test_what_the_first_packets_overtook_is_not_missing() -> None:
    buffer = VideoBuffer()
    packets = stream(2, start=65533)
    assert [numbers(buffer.add(*packets[at], 0.01 * at)) for at in (2, 1, 4, 0, 3, 5)] == [[], [], [], [0], [], [1]]
    assert not buffer.keyframe_due(9)


def test_the_first_packet_may_be_sent_again() -> None:
    buffer = VideoBuffer()
    packets = stream(4)
    assert not any(buffer.add(*packet, 0.01) for packet in packets[1:])
    assert not buffer.keyframe_due(0.1)
    before = [Piece(90_000, True, False, b"before"), Piece(93_000, True, False, b"before")]
    assert not any(buffer.add(0xFFFE + at, piece, 0.1) for at, piece in enumerate(before))
    assert numbers(buffer.add(*packets[0], 0.1)) == [0, 1, 2, 3]
    assert buffer.useless_before == 0


def test_a_stream_that_does_not_open_as_ours_do_begins_a_little_later() -> None:
    buffer = VideoBuffer()
    packets = [(sequence, piece._replace(opens=False)) for sequence, piece in stream(20, size=1)]
    released = [(at / 30, numbers(buffer.add(*packet, at / 30))) for at, packet in enumerate(packets)]
    begins = next(moment for moment, shown in released if shown)
    assert BEGIN_SECONDS <= begins < BEGIN_SECONDS + 0.04
    assert sum((shown for _, shown in released), []) == list(range(20))


def test_a_keyframe_behind_the_gap_is_not_thrown_away() -> None:
    buffer = VideoBuffer()
    out = []
    for sequence, piece in enumerate(frame(0, 2, key=True)):
        out += buffer.add(sequence, piece, 0)
    for i, piece in enumerate(frame(2, 3, key=True)):
        out += buffer.add(4 + i, piece, 0.1)
    out += buffer.add(7, frame(3, 1)[0], 0.11 + PATIENCE)
    assert numbers(out) == [0, 2, 3]


def opened(number: int, size: int) -> list[Piece]:
    first, *rest = frame(number, size, key=True)
    return [Piece(first.timestamp, first.last, True, first.data, opens=True), *rest]


def test_a_complete_keyframe_leaps_over_the_gap_before_it() -> None:
    buffer = VideoBuffer()
    for sequence, piece in enumerate(frame(0, 2, key=True)):
        buffer.add(sequence, piece, 0)
    out = [p for i, piece in enumerate(frame(2, 2)) for p in buffer.add(4 + i, piece, 0.03)]
    assert out == [] and buffer.useless_before is None
    pieces = opened(3, 3)
    out = buffer.add(6, pieces[0], 0.06) + buffer.add(8, pieces[2], 0.06)
    assert out == []
    assert numbers(buffer.add(7, pieces[1], 0.06)) == [3]
    assert buffer.useless_before == 6
    assert numbers(buffer.add(9, Piece(4 * 3000, True, False, b"4"), 0.1)) == [4]
    assert buffer.add(2, frame(1, 1)[0], 0.11) == []  # the repair comes too late to be shown
    assert not buffer.keyframe_due(0.2)


def test_a_keyframe_whose_beginning_is_missing_is_waited_for() -> None:
    buffer = VideoBuffer()
    for sequence, piece in enumerate(frame(0, 2, key=True)):
        buffer.add(sequence, piece, 0)
    _, *rest = frame(1, 3, key=True)
    out = [p for i, piece in enumerate(rest) for p in buffer.add(3 + i, piece, 0.03)]
    assert out == []
    assert numbers(buffer.add(2, opened(1, 3)[0], 0.05)) == [1]


def test_after_a_decoding_error_nothing_but_a_keyframe_is_released() -> None:
    buffer = VideoBuffer()
    packets = stream(10, size=1)
    for sequence, piece in packets[:5]:
        assert buffer.add(sequence, piece, 0)
    buffer.break_off()
    assert buffer.keyframe_due(0)
    for sequence, piece in packets[5:]:
        assert not buffer.add(sequence, piece, 0)
    assert numbers(buffer.add(10, Piece(30000, True, True, b"k", True), 0)) == [10]


def test_empty_packets_are_no_pictures() -> None:
    buffer = VideoBuffer()
    assert len(buffer.add(0, Piece(0, True, True, b"k", True), 0)) == 1
    assert buffer.add(1, Piece(0, False, False, b""), 0) == []
    assert len(buffer.add(2, Piece(3000, True, False, b"d"), 0)) == 1


def test_it_never_holds_more_than_its_capacity_whatever_comes() -> None:
    rng = random.Random(7)
    buffer = VideoBuffer()
    for i in range(20_000):
        piece = Piece(rng.randrange(1 << 32), rng.random() < 0.2, rng.random() < 0.1, b"x")
        buffer.add(rng.randrange(1 << 16) if rng.random() < 0.3 else i & 0xFFFF, piece, i / 1000)
        assert len(buffer._pieces) <= 2048
