"""Mono and stereo in one form, and that what handles sound keeps two channels apart."""

from __future__ import annotations

import numpy as np
import pytest

from pycall.media.cadence import Cadence
from pycall.media.channels import columns, in_channels, silence, stretched
from pycall.media.devices.ring import MAX_FRAMES, PlayoutRing
from pycall.media.frames import AudioFrame
from pycall.media.mixer import Mixer
from pycall.media.process.voice import VoiceFilter, VoiceSwitch
from pycall.media.shape import SoundShaper
from pycall.media.tape import Lane, Tape
from tests.stereo import separation, two_tones

STEREO = np.array([[100, 300], [-100, 500]], np.int16)


def test_forms() -> None:
    assert silence(3).shape == (3,) and silence(3, 2).shape == (3, 2)
    assert in_channels(STEREO, 2) is STEREO
    assert in_channels(STEREO, 1).tolist() == [200, 200]
    assert in_channels(STEREO[:, 0], 2).tolist() == [[100, 100], [-100, -100]]
    assert in_channels(STEREO[:, :1], 1).shape == (2,)
    assert in_channels(np.full((4, 6), 7, np.int16), 2).tolist() == [[7, 7]] * 4
    assert columns(STEREO[:, 0]).shape == (2, 1) and columns(STEREO) is STEREO
    assert stretched(STEREO, 3).tolist() == [[100, 300], [0, 400], [-100, 500]]


@pytest.mark.parametrize("rate", [48_000, 44_100, 16_000])
def test_the_shaper_keeps_both(rate: int) -> None:
    shaper = SoundShaper(2)
    music = two_tones(rate) if rate == 48_000 else two_tones(48_000)[:: 48_000 // rate][:rate]
    if rate == 44_100:
        music = stretched(two_tones(48_000), rate)
    out = np.concatenate([shaper.shape(AudioFrame(music[at : at + 480], rate)) for at in range(0, len(music), 480)])
    assert len(out) == pytest.approx(48_000, abs=100)
    assert min(separation(out[4_000:40_000])) > 40


def test_the_cadence_keeps_both_and_is_silent_in_both() -> None:
    cadence = Cadence(0.0, 2)
    music, heard = two_tones(48_000), []
    for number in range(100):
        cadence.push(music[number * 480 : (number + 1) * 480], number * 0.01)
        heard += cadence.take(number * 0.01)
    assert min(separation(np.concatenate([block.samples for block in heard])[:40_000])) > 40
    cadence.source_gone()
    assert all(block.samples.shape == (960, 2) and not block.samples.any() for block in cadence.take(1.1))


def test_the_mix_of_two_is_in_stereo() -> None:
    mixer, heard, a, b = Mixer(), [], two_tones(48_000), two_tones(48_000, 600, 1500)
    for number in range(50):
        at, now = number * 960, number * 0.02
        heard += mixer.push("a", a[at : at + 960], now) + mixer.push("b", b[at : at + 960], now) + mixer.tick(now)
    sound = np.concatenate([frame.samples for frame in heard])[9_600:38_400]
    assert min(*separation(sound), *separation(sound, 600, 1500)) > 40


def test_the_loudspeakers_ring_keeps_both_and_runs_dry_in_both() -> None:
    ring, music = PlayoutRing(2), two_tones(48_000)
    heard = [ring.get(480)]
    for number in range(50):
        ring.put(music[number * 960 : (number + 1) * 960])
        heard += [ring.get(480), ring.get(480)]
    assert {block.shape for block in heard} == {(480, 2)}
    assert min(separation(np.concatenate(heard)[9_600:38_400])) > 40
    rest = np.concatenate([ring.get(480) for _ in range(2 * MAX_FRAMES)])
    assert ring.starved == 1 and not rest[-480:].any()
    assert np.abs(np.diff(rest.astype(int), axis=0)).max() < 2_000, "no click at the end"


def test_the_tape_lays_two_sides_over_each_other() -> None:
    tape, lane, music = Tape(2), Lane(), two_tones(48_000)
    for number in range(50):
        placed = lane.place(music[number * 960 : (number + 1) * 960], number * 0.0201)
        assert placed is not None
        tape.add(*placed)
    assert min(separation(tape.take(40_000)[2_000:])) > 30


def test_music_is_not_cleaned() -> None:
    switch = VoiceSwitch()
    switch.on = True
    music = two_tones(960)
    assert VoiceFilter(switch).apply(music) is music
