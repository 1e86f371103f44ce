"""The first seconds of a call on a link about which nothing is known: what is heard, and how soon it is at full rate.

The sound is real: encoded by libopus, sent through the simulated link beside the pictures, and played by the receiver.
"""

from __future__ import annotations

import numpy as np
import pytest

from pycall.rtc.congestion import PacketClass
from pycall.rtc.opus import FRAME, RATE, OpusDecoder, OpusEncoder
from pycall.rtc.receive.playout import AudioPlayout
from pycall.rtc.send.sending import LEAST_RATE, START_RATE

from .simulation import Call, Link, Packet, Settings, World

MBIT = 1e6
SECONDS = 12.0
STEP = FRAME / RATE


def hum(count: int) -> list[bytes]:
    """Packets of a voice-like sound: a pitch of 150 Hz with harmonics that comes and goes."""
    at = np.arange(count * FRAME) / RATE
    voice = sum(np.sin(2 * np.pi * 150 * k * at) / k for k in range(1, 8))
    sound = (voice * (0.6 + 0.4 * np.sin(2 * np.pi * 1.5 * at)) * 5000).astype(np.int16)
    encoder = OpusEncoder()
    return [encoder.encode(sound[i * FRAME : (i + 1) * FRAME]) for i in range(count)]


class Talk(Call):
    """A call whose sound is played; `late` is how long each piece of it was under way until it was heard, seconds."""

    def __init__(self, world: World, link: Link, settings: Settings) -> None:
        super().__init__(world, link, settings=settings)
        self.packets = hum(int(SECONDS / STEP) + 2)
        self.playout = AudioPlayout(OpusDecoder())
        self.late: list[float] = []

    def receive(self, packet: Packet) -> None:
        super().receive(packet)
        if packet.kind is PacketClass.AUDIO:
            number = round(packet.made / STEP)
            began = self.playout.buffer.stats.packets_received > 0
            self.playout.buffer.insert(number * FRAME, self.packets[number], self.world.now)
            if not began:
                self.turn()

    def turn(self) -> None:
        samples = self.playout.step(self.world.now)
        if self.playout.timestamp is not None:
            self.late.append(self.world.now - self.playout.timestamp / RATE)
        self.world.at(self.world.now + len(samples) / RATE, self.turn)

    @property
    def concealed(self) -> float:
        """Share of the sound that was made up."""
        stats = self.playout.buffer.stats
        return stats.concealed / stats.turns


def talk(rate: float, *, seed: int = 1, hard_from: float = 0.0) -> Talk:
    """`hard_from`: second until which the pictures need fewer bits than there are."""
    world = World()
    settings = Settings(
        start=START_RATE,
        minimum=LEAST_RATE,
        keyframe_every=5.0,
        seed=seed,
        demand=lambda now: 1e9 if now >= hard_from else 650e3,
    )
    call = Talk(world, Link(world, [(0.0, rate)], 0.3), settings)
    world.run(SECONDS)
    return call


@pytest.mark.parametrize("hard_from", [0.0, 2.4, 6.0])
def test_sound_is_whole_on_a_narrow_link(hard_from: float) -> None:
    """0.3 % of 600 turns is one; when probes and growth went on until there was a queue it was 6 to 12."""
    calls = [talk(MBIT, seed=seed, hard_from=hard_from) for seed in (1, 2)]
    assert all(call.concealed <= 0.003 for call in calls)
    for call in calls:
        assert max(queue for _, _, queue in call.rates) < 0.1
        assert call.late[len(call.late) // 2] < 0.16
        assert call.goodput(max(1.0, hard_from), SECONDS) > 0.85 * MBIT, "and the link is used"


def test_the_start_on_a_wide_link_is_as_quick_as_ever() -> None:
    call = talk(20 * MBIT)
    assert call.frame_delays(0.0, 0.01)[0] < 0.06, "the first picture leaves at once"
    assert call.first(lambda target, _: target > 1.5 * MBIT, 0.0) < 0.5
    assert call.first(lambda target, _: target > 2.5 * MBIT, 0.0) < 0.7
    assert call.concealed == 0.0
