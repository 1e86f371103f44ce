"""What is shown: views of one user and of ourselves, turned, mirrored, fitted, for one call and for the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest
import pytest_asyncio

from pycall import CallEngine, CallError, ConfigError, EngineConfig, ErrorCode, MediaError, MediaType
from pycall.core.events import CallEnded
from tests.phones import Phone, phone, talk
from tests.quarters import StillCamera, Watcher, quarters
from tests.switchroom import Switchroom

AS_SENT = ("red", "green", "blue", "white")


@pytest_asyncio.fixture
async def carol(server: Switchroom) -> AsyncIterator[Phone]:
    """Shows four colours."""
    async with phone(server.url, audio_source="null", video_source=StillCamera(quarters())) as it:
        await it.engine.login("carol", server.ticket("carol"))
        yield it


async def test_a_user_is_shown_in_a_view_of_their_own_beside_the_common_one(carol: Phone, bob: Phone) -> None:
    view, called = Watcher(), Watcher()
    await bob.engine.start_remote_view("carol", view)
    await bob.engine.start_local_view(called)
    assert view.started == 0, "nothing is opened without a call"
    await talk(carol, bob, MediaType.VIDEO)
    await view.quarters(*AS_SENT, size=(640, 360))
    assert view.users == {"carol"}
    await called.until(lambda seen: seen.shape == (360, 640, 3))
    await bob.eye.size(640, 360)
    await bob.engine.start_remote_view("carol", called)
    await called.quarters(*AS_SENT)
    assert (view.started, view.stopped) == (1, 1), "a new view takes the place of the old one"


@pytest.mark.parametrize(
    ("params", "expected", "size"),
    [
        ({"rotation": 90}, ("blue", "red", "white", "green"), (360, 640)),
        ({"rotation": 180, "mirror": True}, ("blue", "white", "red", "green"), (640, 360)),
    ],
)
async def test_what_is_shown_is_turned_and_mirrored(
    carol: Phone, bob: Phone, params: dict, expected: tuple[str, ...], size: tuple[int, int]
) -> None:
    view = Watcher()
    await bob.engine.start_remote_view("carol", view)
    await bob.engine.set_video_render_params("carol", **params)
    await talk(carol, bob, MediaType.VIDEO)
    await view.quarters(*expected, size=size)
    await bob.engine.set_video_render_params("carol")
    await view.quarters(*AS_SENT, size=(640, 360))


async def test_a_view_with_a_size_gets_bars_or_loses_the_sides(carol: Phone, bob: Phone) -> None:
    view = Watcher()
    await talk(carol, bob, MediaType.VIDEO)
    await bob.engine.start_remote_view("carol", view, size=(240, 240))
    whole = await view.quarters(*AS_SENT, size=(240, 240))
    assert whole[10, 120].max() < 20
    assert whole[230, 120].max() < 20
    await bob.engine.set_video_render_params("carol", fill_mode="fill")
    await view.until(lambda seen: seen[10, 40].max() > 100 and seen[230, 200].max() > 100)


async def test_the_view_of_oneself_is_mirrored_and_the_others_see_no_mirror(carol: Phone, bob: Phone) -> None:
    mine = Watcher()
    theirs = Watcher()
    await carol.engine.set_video_render_params("carol", mirror=True)
    await talk(carol, bob, MediaType.VIDEO)
    await carol.engine.start_local_view(mine)
    await bob.engine.start_remote_view("carol", theirs)
    await mine.quarters("green", "red", "white", "blue")
    await theirs.quarters(*AS_SENT)
    await carol.engine.stop_local_view()
    assert mine.stopped == 1


async def test_a_view_lasts_from_call_to_call_until_it_is_stopped(carol: Phone, bob: Phone) -> None:
    view = Watcher()
    await bob.engine.start_remote_view("carol", view)
    for call in (1, 2):
        await talk(carol, bob, MediaType.VIDEO)
        view.newest = None
        await view.quarters(*AS_SENT)
        assert view.started == call
        await bob.engine.hangup()
        await carol.saw(CallEnded, count=call)
    await bob.engine.stop_remote_view("carol")
    await bob.engine.stop_remote_view("carol")
    await talk(carol, bob, MediaType.VIDEO)
    await bob.eye.size(640, 360)
    assert (view.started, view.stopped) == (2, 2)


async def test_a_view_may_be_a_file(carol: Phone, bob: Phone, tmp_path: Path) -> None:
    await bob.engine.start_remote_view("carol", f"file:{tmp_path / 'carol.mkv'}", size=(320, 320))
    await talk(carol, bob, MediaType.VIDEO)
    await bob.eye.size(640, 360)
    await asyncio.gather(bob.eye.until(lambda: len(bob.eye.sizes) > 8))
    await bob.engine.stop_remote_view("carol")
    with av.open(str(tmp_path / "carol.mkv")) as file:
        assert [(s.type, s.width, s.height) for s in file.streams] == [("video", 320, 320)]  # type: ignore[attr-defined]
        assert len(list(file.decode(video=0))) >= 3


async def test_a_view_that_cannot_be_is_refused_and_the_call_goes_on(carol: Phone, bob: Phone) -> None:
    class Broken(Watcher):
        def start(self) -> None:
            raise OSError("no canvas")

    with pytest.raises(ConfigError, match="no picture sink is called 'wall'"):
        await bob.engine.start_remote_view("carol", "wall")
    await talk(carol, bob, MediaType.VIDEO)
    with pytest.raises(MediaError, match="Broken raised OSError") as caught:
        await bob.engine.start_remote_view("carol", Broken())
    assert caught.value.code is ErrorCode.BAD_SINK
    await bob.eye.size(640, 360)


async def test_portrait_sends_the_middle_higher_than_wide(carol: Phone, bob: Phone) -> None:
    view = Watcher()
    await bob.engine.start_remote_view("carol", view)
    await carol.engine.set_video_encoder_params("360p", "portrait")
    await talk(carol, bob, MediaType.VIDEO)
    seen = await view.quarters(*AS_SENT, size=(360, 640))
    assert seen[5, 5].max() > 100, "no bars"
    await carol.engine.set_video_quality("180p")
    await view.quarters(*AS_SENT, size=(320, 180))


REFUSED = [
    ("start_remote_view", ("no user", "null")),
    ("start_remote_view", ("carol", 7)),
    ("start_remote_view", ("carol", "null", (0, 100))),
    ("start_local_view", ("null", "640x360")),
    ("stop_remote_view", ("a\nb",)),
    ("set_video_render_params", ("carol", "stretch")),
    ("set_video_render_params", ("carol", "fit", 45)),
    ("set_video_render_params", ("carol", "fit", True)),
    ("set_video_render_params", ("carol", "fit", 90, "yes")),
    ("set_video_quality", ("721p",)),
    ("set_video_quality", (None,)),
    ("set_video_encoder_params", ("720p", "upside down")),
    ("set_video_encoder_params", (["720p"],)),
    ("set_log_level", (5,)),
    ("set_log_level", (True,)),
    ("call_experimental_api", ("{",)),
    ("call_experimental_api", (["api"],)),
    ("call_experimental_api", ('{"params": {}}',)),
]
NAMES = {
    "start_remote_view": ["user_id", "view", "size"],
    "start_local_view": ["view", "size"],
    "stop_remote_view": ["user_id"],
    "set_video_render_params": ["user_id", "fill_mode", "rotation", "mirror"],
    "set_video_quality": ["name"],
    "set_video_encoder_params": ["resolution", "mode"],
    "set_log_level": ["level"],
    "call_experimental_api": ["json_text"],
}


@pytest.mark.parametrize(("verb", "values"), REFUSED)
async def test_what_no_verb_can_take_is_refused_with_one_line(verb: str, values: tuple) -> None:
    async with CallEngine(EngineConfig(audio_source="null", audio_sink="null")) as engine:
        with pytest.raises(CallError) as caught:
            await getattr(engine, verb)(**dict(zip(NAMES[verb], values, strict=False)))
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
    assert "\n" not in str(caught.value)


async def test_there_is_no_experimental_api() -> None:
    async with CallEngine() as engine:
        with pytest.raises(CallError, match="'forceUseV2API'") as caught:
            await engine.call_experimental_api('{"api": "forceUseV2API", "params": {"enable": true}}')
    assert caught.value.code is ErrorCode.NOT_SUPPORTED


async def test_the_log_level_is_set_for_the_whole_of_pycall() -> None:
    logger = logging.getLogger("pycall")
    before = logger.level
    try:
        async with CallEngine() as engine:
            for level, least in [(0, logging.DEBUG), (2, logging.WARNING), (4, logging.CRITICAL + 1)]:
                await engine.set_log_level(level)
                assert logging.getLogger("pycall.media").getEffectiveLevel() == least
    finally:
        logger.setLevel(before)
