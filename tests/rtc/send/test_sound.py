"""What our sound may take of a link, and what is encoded for whom."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from pycall.rtc import red
from pycall.rtc.opus import OpusDecoder
from pycall.rtc.rtp import Packet
from pycall.rtc.send.sound import MONO_MUSIC, STEREO, VOICE, SoundForm, form_of
from pycall.rtc.send.stream import OutgoingStream
from pycall.rtc.send.voice import Voice, VoiceSender
from tests.rtc.stage import Spoken
from tests.stereo import LEFT, RIGHT, level, separation, two_tones


def test_a_voice_takes_the_same_of_every_link() -> None:
    assert {VOICE.rate(target, copies) for target in (50_000, 5_000_000) for copies in (0, 1, 2)} == {40_000}


def test_music_takes_half_of_what_there_is_with_its_copies() -> None:
    assert STEREO.rate(2_000_000, 0) == 128_000
    assert STEREO.rate(200_000, 0) == 80_000
    assert STEREO.rate(300_000, 1) == 65_000
    assert STEREO.rate(50_000, 0) == 48_000


@pytest.mark.parametrize(("music", "channels", "form"), [(False, 2, VOICE), (True, 2, STEREO), (True, 1, MONO_MUSIC)])
def test_who_hears_what(music: bool, channels: int, form: SoundForm) -> None:
    assert form_of(music=music, channels=channels) is form


class Sheet:
    """A feed of both tones that ends, and a box for what leaves."""

    def __init__(self, blocks: int, *, mono: bool = False) -> None:
        self._music = two_tones(blocks * 960)
        if mono:
            self._music = self._music[:, 0].copy()
        self._given = 0
        self.over = asyncio.Event()

    async def next_audio(self) -> Spoken:
        block = self._music[self._given * 960 : (self._given + 1) * 960]
        if not len(block):
            self.over.set()
            await asyncio.Event().wait()
        self._given += 1
        return Spoken(block, (self._given - 1) * 960)

    def close(self) -> None: ...

    def again(self) -> Sheet:
        """From its beginning."""
        self._given = 0
        self.over.clear()
        return self


class Box:
    def __init__(self) -> None:
        self.packets: list[Packet] = []

    def push_audio(self, packet: Packet) -> None:
        self.packets.append(packet)


async def played(*forms: SoundForm, loss: float = 0.0, rate: int = 0) -> list[Box]:
    """Two seconds of music to one peer of each form."""
    sheet, boxes = Sheet(100), [Box() for _ in forms]
    voice = Voice(sheet, music=True)
    for form, box in zip(forms, boxes, strict=True):
        sender = VoiceSender(OutgoingStream(1, 48000), 111, 63, box, form)
        sender.rate = rate or form.most
        sender.lossy(loss)
        voice.add(sender)
    voice.losses_changed()
    await read(voice, sheet)
    await voice.aclose()
    return boxes


def decoded(box: Box, channels: int) -> np.ndarray:
    decoder = OpusDecoder(channels)
    return np.concatenate([decoder.decode(packet.payload) for packet in box.packets])[24_000:72_000]


async def test_one_gets_stereo_and_the_other_a_mix() -> None:
    stereo, mono = await played(STEREO, MONO_MUSIC)
    assert min(separation(decoded(stereo, 2))) > 40
    mixed = decoded(mono, 1)[:, 0]
    assert level(mixed, LEFT) == pytest.approx(level(mixed, RIGHT), abs=1)
    assert not any(packet.payload[0] & 4 for packet in mono.packets), "the bit for stereo (RFC 6716, 3.1)"


async def test_repair_is_made_for_the_worst_of_all_peers_whoever_reports_last() -> None:
    sheet, box = Sheet(100, mono=True), Box()
    voice = Voice(sheet)
    lossy, clean = (VoiceSender(OutgoingStream(ssrc, 48000), 111, None, box) for ssrc in (1, 2))
    for sender, loss in ((lossy, 0.2), (clean, 0.0)):
        voice.add(sender)
        sender.lossy(loss)
        voice.losses_changed()
    await read(voice, sheet)
    assert any(repairs(packet) for packet in box.packets)
    voice.remove(lossy)
    box.packets.clear()
    await read(voice, sheet.again())
    await voice.aclose()
    assert not any(repairs(packet) for packet in box.packets[10:])


def repairs(packet: Packet) -> bool:
    """Whether it carries its predecessor in short: the flag of 20 ms of speech in one channel (RFC 6716, 4.2.3)."""
    return packet.payload[0] >> 3 < 16 and bool(packet.payload[1] & 0x40)


async def read(voice: Voice, sheet: Sheet) -> None:
    """The whole sheet is sent."""
    task = asyncio.create_task(voice.run())
    await sheet.over.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_weakest_link_of_those_who_hear_stereo_counts() -> None:
    (full,), (poor,) = await played(STEREO), await played(STEREO, rate=48_000)
    sizes = [sum(len(packet.payload) for packet in box.packets) * 8 / 2 for box in (full, poor)]
    assert sizes[1] < 60_000 < sizes[0] <= 140_000


async def test_over_losses_music_is_repeated_once_and_not_turned_into_speech() -> None:
    """In-band repair would make Opus use the mode that it has for speech (configurations under 16, RFC 6716, 3.1)."""
    (box,) = await played(STEREO, loss=0.1)
    blocks = [red.unpack(packet.payload) for packet in box.packets[1:]]
    assert {len(one) for one in blocks} == {2}
    assert all(one[-1].payload[0] >> 3 >= 16 for one in blocks)
    assert max(len(packet.payload) for packet in box.packets) < 1200
