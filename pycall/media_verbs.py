"""The verbs of CallEngine for microphone, camera, sources and pictures."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pycall.arguments import checked_profile
from pycall.core.errors import PyCallError
from pycall.media.source import AudioSource, VideoSource
from pycall.verbs import Verbs


class MediaVerbs(Verbs):
    """What an engine sends and shows. Settings last: they hold for the running call and for every later one."""

    async def open_microphone(self) -> None:
        """Be heard again."""
        await self._set_media("open_microphone", audio=True)

    async def close_microphone(self) -> None:
        """Send silence; the others are told. The device stays open, so that opening is instant."""
        await self._set_media("close_microphone", audio=False)

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
        """`360p`, `480p`, `540p`, `720p` or `1080p`, with `15` or `30` behind it; at once, also in a call."""
        gear = self._driver.gear
        gear.profile = checked_profile(name)
        if self._driver.media is not None:
            self._driver.media.set_profile(gear.profile)

    async def use_audio_source(self, source: str | AudioSource) -> None:
        """Take the sound from here, now and in later calls.

        Raises `MediaError` or `ConfigError`; the old source then goes on, unless both needed the same device.
        """
        gear = self._driver.gear
        await asyncio.to_thread(replace(gear, audio_source=source).new_audio_source)
        old, gear.audio_source = gear.audio_source, source
        try:
            if self._driver.media is not None:
                await self._driver.media.use_audio_source()
        except PyCallError:
            gear.audio_source = old
            raise

    async def use_video_source(self, source: str | VideoSource) -> None:
        """Take the picture from here, now and in later calls. Raises as above."""
        gear = self._driver.gear
        await asyncio.to_thread(replace(gear, video_source=source).new_video_source)
        old, gear.video_source = gear.video_source, source
        try:
            if self._driver.media is not None:
                await self._driver.media.use_video_source()
        except PyCallError:
            gear.video_source = old
            raise
