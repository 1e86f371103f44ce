"""Backgrounds, beauty and noise suppression as the other side sees and hears them; what cannot be is refused."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from pycall import (
    AudioFrame,
    CallEngine,
    CallError,
    EngineConfig,
    ErrorCode,
    Intake,
    MediaError,
    MediaType,
    PyCallError,
)
from pycall.core.events import CallEnded, ErrorOccurred
from tests.media.process.scene import SCREEN, inside, outside, picture, room, sharpness, write_model, write_picture
from tests.phones import Phone, phone, talk
from tests.quarters import StillCamera, Watcher
from tests.switchroom import Switchroom


@pytest_asyncio.fixture
async def carol(server: Switchroom, tmp_path: Path) -> AsyncIterator[Phone]:
    """Sits in a room full of detail and owns a model that finds her."""
    model = write_model(tmp_path / "model.onnx")
    camera = StillCamera(picture(room()))
    async with phone(server.url, audio_source="null", video_source=camera, segmentation_model=model) as it:
        await it.engine.login("carol", server.ticket("carol"))
        yield it


def is_blurred(seen: np.ndarray) -> bool:
    return sharpness(seen, outside()) < 3 and sharpness(seen, inside()) > 12


def is_sharp(seen: np.ndarray) -> bool:
    return sharpness(seen, outside()) > 12 and sharpness(seen, inside()) > 12


async def test_the_room_is_blurred_the_person_is_not_now_and_in_the_next_call(carol: Phone, bob: Phone) -> None:
    view = Watcher()
    await bob.engine.start_remote_view("carol", view)
    await carol.engine.set_blur_background(3)
    for call in (1, 2):
        view.newest = None
        await talk(carol, bob, MediaType.VIDEO)
        await view.until(is_blurred)
        await bob.engine.hangup()
        await carol.saw(CallEnded, count=call)
    await talk(carol, bob, MediaType.VIDEO)
    await carol.engine.set_virtual_background("")
    await view.until(is_blurred)
    await carol.engine.set_blur_background(0)
    await view.until(is_sharp)


async def test_a_picture_hangs_behind_the_person_in_place_of_a_green_screen(
    carol: Phone, bob: Phone, tmp_path: Path
) -> None:
    blue = np.full((90, 160, 3), (40, 80, 200), np.uint8)
    assert isinstance(carol.engine.config.video_source, StillCamera)
    carol.engine.config.video_source.picture = picture(SCREEN)
    view = Watcher()
    await bob.engine.start_remote_view("carol", view)
    await talk(carol, bob, MediaType.VIDEO)
    await carol.engine.set_virtual_background(write_picture(tmp_path / "blue.png", blue), "chroma_key")
    await carol.engine.set_beauty_level(4)
    seen = await view.until(lambda seen: np.abs(seen[20, 20].astype(int) - (40, 80, 200)).max() < 25)
    assert sharpness(seen, inside()) > 5


async def test_whole_blur_works_without_a_model_and_a_person_needs_one(alice: Phone, bob: Phone) -> None:
    with pytest.raises(CallError, match="WHOLE .*CHROMA_KEY or CLEAN_PLATE") as caught:
        await alice.engine.set_blur_background(2)
    assert caught.value.code is ErrorCode.NOT_SUPPORTED
    await talk(alice, bob, MediaType.VIDEO)
    await bob.eye.pictures(3)
    await alice.engine.set_blur_background(3, "whole")
    readable, seen = len(bob.eye.numbers), len(bob.eye.sizes)
    await bob.eye.until(lambda: len(bob.eye.sizes) >= seen + 15)
    assert len(bob.eye.numbers) - readable < 8, "the number in the picture cannot be read any more"


async def test_an_effect_that_breaks_hides_the_picture_and_says_so(carol: Phone, bob: Phone) -> None:
    class Broken:
        def apply(self, _: object) -> object:
            raise ValueError("no memory")

    view = Watcher()
    await bob.engine.start_remote_view("carol", view)
    await talk(carol, bob, MediaType.VIDEO)
    await view.until(is_sharp)
    carol.engine._driver.gear.effects.background = Broken()  # type: ignore[assignment]
    await carol.until(lambda: [e.code for e in carol.all(ErrorOccurred)] == [ErrorCode.EFFECT])
    await view.until(lambda seen: seen.max() < 40)
    carol.engine._driver.gear.effects.background = None
    await view.until(is_sharp)


class Fan:
    """A source of steady noise."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def start(self, intake: Intake[AudioFrame]) -> None:
        noise = np.random.default_rng(1).normal(0, 1500, (200, 960, 1)).astype(np.int16)
        self._thread = threading.Thread(target=self._run, args=(intake, noise), name="fan", daemon=True)
        self._thread.start()

    def _run(self, intake: Intake[AudioFrame], noise: np.ndarray) -> None:
        number = 0
        while not self._stopped.wait(0.02):
            intake.push(AudioFrame(noise[number % 200]))
            number += 1

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(2)


async def test_a_fan_is_hardly_heard_with_noise_suppression(bob: Phone, server: Switchroom) -> None:
    async with phone(server.url, audio_source=Fan()) as dave:
        await dave.engine.login("dave", server.ticket("dave"))
        await talk(dave, bob)
        loud = await _loudness(bob, lambda level: level > 500)
        await dave.engine.enable_ai_voice(True)
        await _loudness(bob, lambda level: level < loud / 10 ** (10 / 20))
        await dave.engine.enable_ai_voice(False)
        await _loudness(bob, lambda level: level > 0.7 * loud)


async def _loudness(someone: Phone, fits: object) -> float:
    """The root mean square of the last 0.2 s that fits."""

    def level() -> float:
        return float(np.sqrt(np.mean(someone.ear._recent.astype(float) ** 2))) if len(someone.ear._recent) else 0.0

    await someone.ear.until(lambda: len(someone.ear._recent) == 9600 and fits(level()))  # type: ignore[operator]
    return level()


REFUSED = [
    ("set_blur_background", (4,), ErrorCode.BAD_ARGUMENT),
    ("set_blur_background", (True,), ErrorCode.BAD_ARGUMENT),
    ("set_blur_background", (2, "magic"), ErrorCode.BAD_ARGUMENT),
    ("set_blur_background", (2,), ErrorCode.NOT_SUPPORTED),
    ("set_virtual_background", (None,), ErrorCode.BAD_ARGUMENT),
    ("set_virtual_background", ("beach.png", "whole"), ErrorCode.BAD_ARGUMENT),
    ("set_virtual_background", ("beach.png",), ErrorCode.NOT_SUPPORTED),
    ("set_virtual_background", ("no such.png", "chroma_key"), ErrorCode.NO_SUCH_FILE),
    ("set_virtual_background", (__file__, "chroma_key"), ErrorCode.BAD_FILE),
    ("set_beauty_level", (9.5,), ErrorCode.BAD_ARGUMENT),
    ("set_beauty_level", (float("nan"),), ErrorCode.BAD_ARGUMENT),
    ("set_beauty_level", ("4",), ErrorCode.BAD_ARGUMENT),
    ("enable_ai_voice", (1,), ErrorCode.BAD_ARGUMENT),
]


@pytest.mark.parametrize(("verb", "values", "code"), REFUSED)
async def test_what_no_verb_can_take_is_refused_with_one_line(verb: str, values: tuple, code: ErrorCode) -> None:
    async with CallEngine(EngineConfig(audio_source="null", audio_sink="null")) as engine:
        with pytest.raises(PyCallError) as caught:
            await getattr(engine, verb)(*values)
    assert caught.value.code is code
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, MediaError if "file" in code.value else CallError)
