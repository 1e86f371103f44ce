"""Skin gets smoother with the level; edges, and what is no skin, stay."""

from __future__ import annotations

import av
import numpy as np
import pytest

from pycall.media.process.beauty import Beauty
from pycall.media.process.effects import PictureEffects
from tests.media.process.scene import frame, rgb_of

SKIN = np.array([205, 150, 125])


def face(colour: np.ndarray) -> av.VideoFrame:
    """Blemished colour on the left, and on the right of a sharp edge the same but darker."""
    rough = np.random.default_rng(3).normal(0, 8, (360, 640, 1))
    rgb = colour + rough
    rgb[:, 320:] -= 70
    return frame(np.clip(rgb, 0, 255).astype(np.uint8))


def roughness(made: av.VideoFrame) -> float:
    return float(rgb_of(made)[40:320, 40:280].mean(axis=2).std())


def edge(made: av.VideoFrame) -> float:
    rgb = rgb_of(made).mean(axis=2)
    return float((rgb[:, 312:318] - rgb[:, 324:330]).mean())


def test_each_level_smooths_more_and_edges_stay() -> None:
    before = face(SKIN)
    left = [roughness(Beauty(level).apply(before)) for level in (1, 5, 9)]
    assert roughness(before) > left[0] > left[1] > left[2]
    assert left[2] < 0.35 * roughness(before)
    assert edge(Beauty(9).apply(before)) > 0.8 * edge(before)


@pytest.mark.parametrize("tone", [(255, 224, 196), (198, 134, 100), (110, 72, 56)])
def test_skin_of_every_tone_is_skin(tone: tuple[int, int, int]) -> None:
    before = face(np.array(tone) - 15)
    assert roughness(Beauty(9).apply(before)) < 0.6 * roughness(before)


def test_what_is_no_skin_stays_as_it_is() -> None:
    before = face(np.array([90, 150, 90]))
    after = Beauty(9).apply(before)
    assert np.abs(rgb_of(after) - rgb_of(before)).mean() < 1


def test_without_effects_the_picture_passes_untouched_and_time_is_kept() -> None:
    effects, before = PictureEffects(), face(SKIN)
    before.pts = 77
    assert effects.apply(before) is before
    effects.beauty = Beauty(4)
    after = effects.apply(before)
    assert after is not before
    assert after.pts == 77
