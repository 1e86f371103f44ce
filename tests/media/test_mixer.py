"""One voice passes through at once; several are summed on a clock, aligned, bounded, and never wrap around."""

from __future__ import annotations

import numpy as np

from pycall.media.mixer import Mixer, mix
from tests.media.listening import strength, tone


def heard(frames: list) -> np.ndarray:
    return np.concatenate([frame.samples[:, 0] for frame in frames]) if frames else np.zeros(0, np.int16)


def test_one_voice_passes_at_once_and_unchanged() -> None:
    mixer = Mixer()
    for index in range(10):
        frames = mixer.push("bob", tone(440, index * 960), now=index / 50)
        assert [frame.samples.shape for frame in frames] == [(960, 1)]
        assert np.array_equal(frames[0].samples[:, 0], tone(440, index * 960))
        assert frames[0].time == index / 50


def test_pieces_of_any_length_become_frames_of_20_ms() -> None:
    mixer, frames, sent = Mixer(), [], 0
    for length in (100, 1000, 2880, 480, 7, 1293):
        frames += mixer.push("bob", tone(440, sent, length), now=sent / 48000)
        sent += length
    assert {len(frame.samples) for frame in frames} == {960}
    assert np.array_equal(heard(frames), tone(440, 0, 5760))


def test_two_voices_are_summed_on_the_clock() -> None:
    mixer, frames = Mixer(), []
    mixer.push("bob", np.zeros(100, np.int16), now=0)
    mixer.push("eve", np.zeros(100, np.int16), now=0)
    for index in range(50):
        now = index / 50
        assert mixer.push("bob", tone(440, index * 960, level=4000), now) == []
        assert mixer.push("eve", tone(1000, index * 960, level=4000), now + 0.003) == []
        frames += mixer.tick(now + 0.02)
    mixed = heard(frames)[4800:]
    assert abs(strength(mixed, 440) - 4000) < 100
    assert abs(strength(mixed, 1000) - 4000) < 100


def test_loud_voices_are_held_at_full_scale() -> None:
    mixed = mix([np.full(960, 30000, np.int16), np.full(960, 30000, np.int16), np.full(960, 100, np.int16)])
    assert mixed.shape == (960, 1)
    assert (mixed == 32767).all()
    assert (mix([np.full(960, -30000, np.int16)] * 2) == -32768).all()


def test_a_burst_leaves_no_more_than_40_ms_waiting() -> None:
    mixer = Mixer()
    mixer.push("eve", tone(1000), now=0)
    for index in range(10):
        mixer.push("bob", tone(440, index * 960), now=0.001)
    waiting = 0
    while frames := mixer.tick(0.002):
        waiting += len(frames)
    assert waiting == 2
    assert mixer.dropped == 8 * 960


def test_when_the_other_stops_the_last_voice_passes_at_once_again() -> None:
    mixer = Mixer()
    mixer.push("bob", tone(440), now=0)
    mixer.push("eve", tone(1000), now=0)
    mixer.tick(0.02)
    assert mixer.several(0.1)
    assert not mixer.several(0.3)
    assert len(mixer.push("bob", tone(440, 960), now=0.3)) >= 1


def test_a_forgotten_voice_is_gone() -> None:
    mixer = Mixer()
    mixer.push("bob", tone(440), now=0)
    mixer.push("eve", tone(1000), now=0)
    mixer.forget("eve")
    assert not mixer.several(0.01)
