"""Calls with `audio_profile="music"`: two channels from one end to the other, and what others hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from pycall import CallError, EngineConfig, MediaType
from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.events import CallEnded
from tests.phones import Phone, phone, talk
from tests.stereo import LEFT, RIGHT, TwoEars, TwoTones, separation, write_two_tones
from tests.switchroom import Switchroom


@asynccontextmanager
async def music(server: Switchroom, user: str, **settings: object) -> AsyncIterator[tuple[Phone, TwoEars]]:
    ears = TwoEars()
    async with phone(server.url, **{"audio_profile": "music", "audio_sink": ears, **settings}) as it:
        await it.engine.login(user, server.ticket(user))
        yield it, ears


async def test_left_is_heard_left_and_right_is_heard_right(server: Switchroom, tmp_path: Path) -> None:
    file = write_two_tones(tmp_path / "two.wav")
    async with (
        music(server, "carol", audio_source=f"file:{file}") as (carol, carols),
        music(server, "dave", audio_source=TwoTones(600, 1500)) as (dave, daves),
    ):
        await talk(carol, dave)
        await daves.apart(30)
        await carols.apart(30, 600, 1500)
        sent = [one for one in carol.engine.get_stats()["dave"] if one["type"] == "outbound-rtp"][0]
        assert sent["targetBitrate"] == 128_000
        await carol.engine.close_microphone()
        await daves.until(lambda: not daves.recent[-9600:].any(), what="silence in both ears")


async def test_who_hears_in_mono_gets_both_channels_in_one_and_is_heard_in_the_middle(
    bob: Phone, server: Switchroom
) -> None:
    async with music(server, "carol", audio_source=TwoTones()) as (carol, ears):
        await talk(carol, bob)
        await bob.ear.tones(LEFT, RIGHT)
        await ears.until(lambda: ears.hears((1000,), (1000,)), what="1000 Hz in both ears")
        assert np.abs(ears.recent[:, 0].astype(int) - ears.recent[:, 1]).max() <= 2


async def test_a_group_mixes_stereo_and_mono(bob: Phone, server: Switchroom) -> None:
    async with (
        music(server, "carol", audio_source=TwoTones()) as (carol, _),
        music(server, "dave", audio_source=TwoTones(600, 1500)) as (dave, ears),
    ):
        await carol.engine.calls(["bob", "dave"], MediaType.AUDIO)
        for callee in (bob, dave):
            await callee.until(lambda callee=callee: callee.engine.state is not None, what="a ring")
            await callee.engine.accept()
        await ears.until(
            lambda: ears.hears((LEFT, 1000), (RIGHT, 1000)) and min(separation(ears.recent)) > 30,
            what="carol left and right, bob in the middle",
        )
        await bob.ear.tones(LEFT, RIGHT, 600, 1500)


async def test_both_sides_of_music_are_recorded_in_stereo(server: Switchroom, tmp_path: Path) -> None:
    path = tmp_path / "concert.mkv"
    async with (
        music(server, "carol", audio_source=TwoTones(), record=str(path)) as (carol, carols),
        music(server, "dave", audio_source=TwoTones(600, 1500), audio_sink=f"file:{tmp_path}/heard.mp4") as (dave, _),
    ):
        await talk(carol, dave)
        await carols.apart(30, 600, 1500)
        carols.recent = carols.recent[:0]
        await carols.apart(30, 600, 1500)
        await carol.engine.hangup()
        await asyncio.gather(carol.saw(CallEnded), dave.saw(CallEnded))
    mixed, heard = await asyncio.gather(*(asyncio.to_thread(_recorded, one) for one in (path, tmp_path / "heard.mp4")))
    assert _best(mixed, (LEFT, RIGHT), (600, 1500)) > 30
    assert _best(heard, (LEFT, RIGHT)) > 30


def _best(sound: np.ndarray, *pairs: tuple[float, float]) -> float:
    """How far these pairs of tones are apart in the half second in which they are best heard: a machine that is busy
    begins late and has gaps."""
    pieces = [sound[at : at + 24_000] for at in range(0, len(sound) - 24_000, 4_800)]
    return max(min(min(separation(piece, *pair)) for pair in pairs) for piece in pieces)


def _recorded(path: Path) -> np.ndarray:
    """Shape (n, 2)."""
    with av.open(str(path)) as file:
        resampler = av.AudioResampler("s16", "stereo", 48_000)
        assert file.streams.audio[0].layout.name == "stereo"
        parts = [part.to_ndarray() for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts, axis=1).reshape(-1, 2)


async def test_what_is_meant_for_voices_is_refused(server: Switchroom) -> None:
    async with music(server, "carol") as (carol, _):
        with pytest.raises(CallError) as refused:
            await carol.engine.enable_ai_voice(True)
        assert refused.value.code is ErrorCode.NOT_SUPPORTED
        await carol.engine.enable_ai_voice(False)


def test_there_are_two_profiles() -> None:
    with pytest.raises(ConfigError, match="'voice' or 'music'"):
        EngineConfig(audio_profile="opera")  # type: ignore[arg-type]
