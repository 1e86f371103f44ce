"""Two channels through the jitter buffer, over losses, faster and slower: each stays in its ear."""

from __future__ import annotations

import numpy as np

from pycall.rtc.opus import FRAME, OpusDecoder, OpusEncoder
from pycall.rtc.receive.playout import AudioPlayout
from pycall.rtc.receive.stretch import lengthen, shorten
from tests.stereo import separation, two_tones

MUSIC = two_tones(150 * FRAME)


def packets() -> list[bytes]:
    encoder = OpusEncoder(bitrate=128_000, music=True, channels=2)
    return [encoder.encode(MUSIC[at : at + FRAME]) for at in range(0, len(MUSIC), FRAME)]


def test_losses_are_concealed_in_each_ear_by_itself() -> None:
    playout = AudioPlayout(OpusDecoder(2), channels=2)
    heard = []
    for number, packet in enumerate(packets()):
        if number % 25 != 10:
            playout.buffer.insert(number * FRAME, packet, number * 0.02)
        heard.append(playout.step(number * 0.02 + 0.019))
    sound = np.concatenate(heard)
    assert sound.shape[1] == 2
    assert playout.buffer.stats.concealed + playout.buffer.stats.recovered >= 5
    assert min(separation(sound[48_000:96_000])) > 30


def test_nothing_but_silence_before_anybody_plays() -> None:
    silence = AudioPlayout(OpusDecoder(2), channels=2).step(0.0)
    assert silence.shape == (FRAME, 2) and not silence.any()


def test_a_delay_that_has_grown_is_worn_off_without_mixing_the_ears() -> None:
    playout = AudioPlayout(OpusDecoder(2), channels=2)
    coming = list(enumerate(packets()))
    now, heard = 0.0, []
    while coming or len(heard) < 150:
        late = 0.08 if now < 0.4 else 0.0  # the path is slow at first: what was waited for then is not needed later
        while coming and coming[0][0] * 0.02 + late <= now:
            number, packet = coming.pop(0)
            playout.buffer.insert(number * FRAME, packet, now)
        heard.append(playout.step(now))
        now += len(heard[-1]) / 48_000
    sound = np.concatenate(heard)
    assert {len(step) for step in heard} - {FRAME}, "nothing was played faster or slower"
    assert min(separation(sound[48_000:96_000])) > 25


def test_both_ears_are_cut_at_the_same_place() -> None:
    both = np.stack([two_tones(FRAME)[:, 0]] * 2, axis=1)
    for made in (shorten(both, 720), lengthen(both, 720)):
        assert len(made) != FRAME
        assert np.array_equal(made[:, 0], made[:, 1])
    assert np.array_equal(shorten(both, 720)[:, 0], shorten(both[:, 0], 720))
