"""The verbs of CallEngine for microphone, camera, sources and pictures."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Literal

from pycall.arguments import checked_bool, checked_choice, checked_profile
from pycall.core.errors import CallError, ErrorCode
from pycall.core.types import VideoProfile
from pycall.device_verbs import DeviceVerbs
from pycall.effect_verbs import EffectVerbs
from pycall.media.frames import AudioFrame
from pycall.media.sink import AudioSink, as_audio_sink, check_audio_sink
from pycall.media.source import AudioSource, VideoSource, check_audio_source, check_video_source
from pycall.view_verbs import ViewVerbs

_LOG_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL + 1)


class MediaVerbs(DeviceVerbs, ViewVerbs, EffectVerbs):
    """What an engine sends and shows. Settings last: they hold for the running call and for every later one."""

    async def open_microphone(self) -> None:
        """Be heard again."""
        await self._set_media("open_microphone", audio=True)

    async def close_microphone(self) -> None:
        """Send silence; the others are told. The device stays open, so that opening is instant."""
        await self._set_media("close_microphone", audio=False)

    async def mute(self, muted: bool = True) -> None:
        """The same as `close_microphone`, or with False as `open_microphone`."""
        await (self.close_microphone() if checked_bool("muted", muted) else self.open_microphone())

    async def open_camera(self) -> None:
        """Be seen; refused in a voice call. A camera that failed before is tried again."""
        await self._set_media("open_camera", video=True)
        if self._driver.media is not None:
            self._driver.media.follow_camera(again=True)

    async def close_camera(self) -> None:
        """Send no picture and release the device; the others are told."""
        await self._set_media("close_camera", video=False)

    async def _set_media(self, verb: str, *, audio: bool | None = None, video: bool | None = None) -> None:
        self._must_be_signed_in()
        line = self._driver.line
        with self._one(verb):
            await self._driver.ask(lambda now: line.set_media(audio=audio, video=video, now=now))

    def set_video_profile(self, name: str) -> None:
        """`120p`, `180p`, `240p`, `360p`, `480p`, `540p`, `720p`, `1080p`, `1440p` or `4K`, with `15` or `30` behind it
        (15 without) for the rate; at once, also in a call."""
        self._use_profile(checked_profile(name))

    async def set_video_quality(self, name: str) -> None:
        """The same under its documented name. The documents want it before a call; here it may also come in one."""
        self._use_profile(checked_profile(name))

    async def set_video_encoder_params(
        self, resolution: str, mode: Literal["landscape", "portrait"] = "landscape"
    ) -> None:
        """A profile as above; `portrait` sends it higher than wide, of a wider picture the middle."""
        portrait = checked_choice("mode", mode, ("landscape", "portrait")) == "portrait"
        self._use_profile(checked_profile(resolution, portrait=portrait))

    def _use_profile(self, profile: VideoProfile) -> None:
        self._driver.gear.profile = profile
        if self._driver.media is not None:
            self._driver.media.set_profile(profile)

    async def use_audio_source(self, source: str | AudioSource) -> None:
        """Take the sound from here, now and in later calls.

        Raises `MediaError` or `ConfigError`; the old source then goes on, unless both needed the same device.
        """
        self._must_be_open()
        await asyncio.to_thread(check_audio_source, source)
        await self._driver.devices.use("audio_source", source)

    async def use_video_source(self, source: str | VideoSource) -> None:
        """Take the picture from here, now and in later calls. Raises as above."""
        self._must_be_open()
        await asyncio.to_thread(check_video_source, source)
        await self._driver.devices.use("video_source", source)

    async def use_audio_sink(self, sink: str | AudioSink | Callable[[AudioFrame], None]) -> None:
        """Play what is heard here, now and in later calls. Raises as above."""
        check_audio_sink(sink)
        self._must_be_open()
        await self._driver.devices.use("audio_sink", as_audio_sink(sink))

    # --- odds and ends -------------------------------------------------------------------------------------------

    async def set_log_level(self, level: int) -> None:
        """How much the logger `pycall` lets through: 0 everything, 1 what is worth knowing, 2 warnings, 3 errors,
        4 nothing. Holds for the whole process; without this call the program's own settings of `logging` count."""
        logging.getLogger("pycall").setLevel(_LOG_LEVELS[checked_choice("level", level, (0, 1, 2, 3, 4))])

    async def call_experimental_api(self, json_text: str) -> None:
        """Refused, always: `CallError` with NOT_SUPPORTED, or BAD_ARGUMENT if it is no `{"api": NAME, ...}`."""
        self._must_be_open()
        try:
            asked = json.loads(json_text)
        except (TypeError, ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("api"), str):
            raise CallError(ErrorCode.BAD_ARGUMENT, 'an experimental call is JSON like {"api": "NAME", "params": {}}')
        raise CallError(ErrorCode.NOT_SUPPORTED, f"pycall has no experimental API {asked['api'][:80]!r}")
