"""Settings: what can never work is refused when they are made; what may be given as a sink is heard and seen by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pycall import AudioFrame, CallError, ConfigError, EngineConfig, ErrorCode, MediaError, MediaType, VideoFrame
from pycall.core.events import ErrorOccurred
from tests.media_tools import loudest_frequency
from tests.phones import Ear, Eye, Phone, Sense, phone, ring, talk
from tests.switchroom import Switchroom


async def later(frame: object) -> None:
    """Nobody would await it."""


class Mute:
    """Has only half of what a sink or a source needs."""

    def start(self) -> None: ...


WRONG: list[tuple[str, Any, str]] = [
    ("server", "http://127.0.0.1/ws", "an address like ws://"),
    ("server", "", "an address like ws://"),
    ("app_id", 0, "a positive number"),
    ("app_id", "1400000000", "a positive number"),
    ("audio_profile", "noise", "'voice' or 'music'"),
    ("audio_source", 5, "5 is no sound source; give a name such as 'null', or an object with start"),
    ("audio_source", None, "None is no sound source"),
    ("audio_source", "kazoo", "no sound source 'kazoo'; use one of mic, mic:NAME"),
    ("audio_source", "tone:high", "use e.g. tone:440"),
    ("audio_source", later, "no sound source"),
    ("audio_source", Mute(), "an object with start.intake. and stop"),
    ("video_source", 5, "5 is no picture source"),
    ("video_source", "webcam", "no picture source 'webcam'; use one of camera:N"),
    ("video_source", ["pattern"], "no picture source"),
    ("audio_sink", 5, "5 is no sound sink; give a name such as 'null', a plain function, or an object with start"),
    ("audio_sink", "nowhere", "use one of: speaker"),
    ("audio_sink", "file:z.wav", "'z.wav' cannot be recorded to: name a .mkv or .mp4 file"),
    ("audio_sink", Ear, "Ear is no sound sink"),
    ("audio_sink", later, "a plain function"),
    ("video_sink", 5, "5 is no picture sink"),
    ("video_sink", "nowhere", "use one of: window"),
    ("video_sink", Ear(), "no picture sink"),
    ("video_sink", Eye, "Eye is no picture sink"),
    ("video_sink", later, "a plain function"),
    ("record", "talk.avi", "'talk.avi' cannot be recorded to: name a .mkv or .mp4 file"),
    ("record", True, "the name of a .mkv or .mp4 file"),
    ("segmentation_model", 7, "the path of an ONNX file"),
    ("video_profile", "4k", "no video profile '4k'; use 120p"),
    ("video_profile", 720, "a name such as '720p30'"),
    ("video_codecs", "H264", "one or more of H264"),
    ("video_codecs", ("H265",), "one or more of H264"),
    ("dtx", 1, "True or False"),
    ("hardware", "yes", "True or False"),
    ("relay_only", None, "True or False"),
    ("volume_interval", 0.01, "0.1 to 10 seconds"),
    ("quality_interval", 100, "1 to 10 seconds"),
    ("quality_interval", True, "1 to 10 seconds"),
    ("reply_timeout", 0, "0.1 to 120 seconds"),
    ("connect_timeout", float("nan"), "1 to 120 seconds"),
    ("ice_servers", ("http://example.org",), "use stun:host:port"),
    ("ice_servers", "stun:example.org", "a tuple of URLs"),
    ("ice_servers", (7,), "an entry is a URL"),
]


@pytest.mark.parametrize(
    ("name", "value", "words"), WRONG, ids=lambda value: getattr(value, "__name__", str(value))[:30]
)
def test_a_setting_that_cannot_work_is_refused_at_once_by_its_name(name: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        EngineConfig(**{name: value})
    assert caught.value.code is ErrorCode.BAD_SETTING
    assert str(caught.value).startswith(name) and "\n" not in str(caught.value)


def test_every_setting_is_checked() -> None:
    assert {name for name, _, _ in WRONG} == set(EngineConfig.__dataclass_fields__)


async def test_functions_hear_and_see_everybody(bob: Phone, server: Switchroom) -> None:
    heard, seen = Sense(), Sense()
    sounds: list[AudioFrame] = []
    pictures: list[VideoFrame] = []

    def hear(frame: AudioFrame) -> None:
        sounds.append(frame)
        heard.noticed()

    def see(frame: VideoFrame) -> None:
        pictures.append(frame)
        seen.noticed()

    def tone() -> float:
        return loudest_frequency(np.concatenate([one.samples[:, 0] for one in sounds[-10:]])) if sounds else 0.0

    async with phone(server.url, audio_sink=hear, video_sink=see) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob, MediaType.VIDEO)
        await heard.until(lambda: abs(tone() - 1000) < 8)
        await bob.engine.open_camera()
        await seen.until(lambda: any((one.width, one.height) == (640, 360) for one in pictures))
        sounds.clear()
        await carol.engine.use_audio_sink("null")
        await carol.engine.use_audio_sink(hear)
        await heard.until(lambda: abs(tone() - 1000) < 8)
        assert not carol.all(ErrorOccurred)


async def test_a_function_that_raises_is_named_and_the_call_goes_on(bob: Phone, server: Switchroom) -> None:
    def count_faces(frame: VideoFrame) -> None:
        raise ZeroDivisionError

    async with phone(server.url, video_sink=count_faces) as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await talk(carol, bob, MediaType.VIDEO)
        await bob.engine.open_camera()
        error = await carol.saw(ErrorOccurred)
        assert error.code is ErrorCode.BAD_SINK and "count_faces" in error.message
        await carol.ear.tone(1000)


@pytest.mark.parametrize("verb", ["use_audio_source", "use_video_source", "use_audio_sink"])
async def test_what_is_no_source_or_sink_cannot_be_changed_to(alice: Phone, verb: str) -> None:
    with pytest.raises(ConfigError, match="5 is no") as caught:
        await getattr(alice.engine, verb)(5)
    assert caught.value.code is ErrorCode.BAD_SETTING


async def test_a_view_cannot_be_an_async_function_or_a_class(alice: Phone) -> None:
    for view in (later, Eye):
        with pytest.raises(CallError, match="a plain function") as caught:
            await alice.engine.start_remote_view("bob", view)  # type: ignore[arg-type]
        assert caught.value.code is ErrorCode.BAD_ARGUMENT


async def test_a_callee_whose_recording_cannot_be_written_hears_of_it_before_the_answer(
    alice: Phone, server: Switchroom, tmp_path: Path
) -> None:
    (tmp_path / "talk.mkv").mkdir()
    async with phone(server.url, record=tmp_path / "talk.mkv") as carol:
        await carol.engine.login("carol", server.ticket("carol"))
        await ring(alice, carol)
        with pytest.raises(MediaError, match="talk.mkv' cannot be written .Is a directory.: choose another") as caught:
            await carol.engine.accept()
        assert caught.value.code is ErrorCode.BAD_FILE
        await carol.engine.reject()
        await alice.ended()
