"""Blurred and replaced backgrounds on known pictures: the person stays sharp, what is behind them goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.media.process.background import Background, Blur, Image
from pycall.media.process.mattes import LEARN_PICTURES, ChromaKey, CleanPlate, key_colour
from pycall.media.process.segmentation import Person, SegmentationModel
from tests.media.process.scene import (
    HEIGHT,
    SCREEN,
    WIDTH,
    frame,
    inside,
    outside,
    picture,
    rgb_of,
    rim,
    room,
    sharpness,
    write_model,
    write_picture,
)


def is_kept(before: np.ndarray, after: np.ndarray) -> bool:
    return float(np.abs(before - after)[inside()].mean()) < 3


@pytest.fixture
def model(tmp_path: Path) -> SegmentationModel:
    return SegmentationModel(write_model(tmp_path / "model.onnx"))


@pytest.fixture
def beach(tmp_path: Path) -> Image:
    """Blue above, yellow below, in a shape of its own."""
    rgb = np.zeros((300, 300, 3), np.uint8)
    rgb[:150], rgb[150:] = (40, 80, 200), (220, 200, 60)
    return Image(write_picture(tmp_path / "beach.png", rgb))


def test_a_model_keeps_the_person_sharp_and_blurs_the_room(model: SegmentationModel) -> None:
    before = frame(picture(room()))
    after = rgb_of(Background(Blur(3), Person(model)).apply(before))
    assert is_kept(rgb_of(before), after)
    assert sharpness(after, outside()) < 0.05 * sharpness(rgb_of(before), outside())
    red, green, blue = after[rim()].mean(axis=0)
    assert red - green < 12 and red - blue < 12, "no halo of the person"


def test_each_level_blurs_more(model: SegmentationModel) -> None:
    before = frame(picture(room()))
    left = [sharpness(rgb_of(Background(Blur(level), Person(model)).apply(before)), outside()) for level in (1, 2, 3)]
    assert left[0] < 0.4 * sharpness(rgb_of(before), outside())
    assert left[0] > 1.5 * left[1] > 1.5 * left[2]


def test_without_a_matte_everything_is_blurred() -> None:
    before = frame(picture(room()))
    after = rgb_of(Background(Blur(2), None).apply(before))
    assert sharpness(after, inside()) < 0.2 * sharpness(rgb_of(before), inside())
    assert after[inside()].mean(axis=0) == pytest.approx(rgb_of(before)[inside()].mean(axis=0), abs=25)


def test_a_green_screen_gives_way_to_the_picture_whatever_its_light(beach: Image) -> None:
    light = np.linspace(0.5, 1.2, WIDTH)[None, :, None]
    before = frame(picture(np.array(SCREEN) * light))
    after = rgb_of(Background(beach, ChromaKey(key_colour("green"))).apply(before))
    assert is_kept(rgb_of(before), after)
    assert after[20, 30] == pytest.approx([40, 80, 200], abs=8)
    assert after[HEIGHT - 20, WIDTH - 30] == pytest.approx([220, 200, 60], abs=8)


@pytest.mark.parametrize(
    "skin", [(255, 224, 196), (198, 134, 66), (92, 56, 36), (200, 200, 200), (60, 160, 200), (220, 200, 60)]
)
def test_skin_and_clothes_are_no_green_screen(skin: tuple[int, int, int], beach: Image) -> None:
    before = frame(np.full((HEIGHT, WIDTH, 3), skin, np.uint8))
    after = rgb_of(Background(beach, ChromaKey(key_colour("green"))).apply(before))
    assert is_kept(rgb_of(before), after)


@pytest.mark.parametrize("text", ["", "grey", "#12345", "#zzzzzz", "#808080", "00b140"])
def test_what_is_no_colour_of_a_screen_is_refused(text: str) -> None:
    with pytest.raises(MediaError, match="use green, blue or like #00b140"):
        key_colour(text)
    assert key_colour("#0047bb") == key_colour("blue")


def test_the_empty_place_is_learned_and_the_person_stays(beach: Image) -> None:
    noise = np.random.default_rng(5)
    matte = CleanPlate()
    background = Background(beach, matte)
    for _ in range(LEARN_PICTURES):
        shown = rgb_of(
            background.apply(frame(np.clip(room() + noise.normal(0, 3, (360, 640, 3)), 0, 255).astype(np.uint8)))
        )
        assert shown[20, 30] == pytest.approx([40, 80, 200], abs=8), "nothing of the room is shown while it is learned"
    assert matte.learned
    brighter = np.clip(picture(room()) + noise.normal(25, 3, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
    before = frame(brighter)
    after = rgb_of(background.apply(before))
    assert is_kept(rgb_of(before), after)
    gone = np.abs(after - rgb_of(beach_alone(beach)))[outside()].mean()
    assert gone < 6


def beach_alone(beach: Image) -> object:
    return Background(beach, CleanPlate()).apply(frame(picture(room())))


def test_a_photograph_of_the_empty_place_is_a_plate_and_fits_another_size(beach: Image) -> None:
    from pycall.media.process.background import fitted

    plate = CleanPlate(fitted(frame(room().astype(np.uint8)), 1280, 720))
    before = frame(picture(room()))
    after = rgb_of(Background(beach, plate).apply(before))
    assert is_kept(rgb_of(before), after)
    assert after[20, 30] == pytest.approx([40, 80, 200], abs=8)


@pytest.mark.parametrize("kind", [{"last": True}, {"logits": True}])
def test_models_of_other_layouts_find_the_same_person(kind: dict, tmp_path: Path) -> None:
    person = Person(SegmentationModel(write_model(tmp_path / "model.onnx", **kind)))
    before = frame(picture(room()))
    after = rgb_of(Background(Blur(3), person).apply(before))
    assert is_kept(rgb_of(before), after)
    assert sharpness(after, outside()) < 0.05 * sharpness(rgb_of(before), outside())


def test_a_model_that_cannot_be_used_is_refused_before_the_call(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"no model at all")
    for path, code in [
        (str(junk), ErrorCode.BAD_FILE),
        (str(tmp_path / "none.onnx"), ErrorCode.NO_SUCH_FILE),
        (str(tmp_path), ErrorCode.NO_SUCH_FILE),
        (write_model(tmp_path / "four.onnx", channels=4), ErrorCode.BAD_FILE),
    ]:
        with pytest.raises(MediaError) as caught:
            Person(SegmentationModel(path))
        assert caught.value.code is code
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello, I am a text", b"\x89PNG\r\n\x1a\n broken"])
def test_a_path_that_is_no_picture_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        Image(str(path))
    assert caught.value.code is ErrorCode.BAD_FILE
    with pytest.raises(MediaError) as caught:
        Image(str(tmp_path / "none.png"))
    assert caught.value.code is ErrorCode.NO_SUCH_FILE


def test_sizes_may_change_from_picture_to_picture(beach: Image, model: SegmentationModel) -> None:
    for matte in (ChromaKey(SCREEN), CleanPlate(), Person(model)):
        for scenery in (beach, Blur(1)):
            background = Background(scenery, matte)
            for width, height in [(640, 360), (160, 90), (360, 640), (2, 2)]:
                made = background.apply(frame(np.full((height, width, 3), 90, np.uint8)))
                assert (made.width, made.height, made.format.name) == (width, height, "yuv420p")
