"""One call's sound and picture: opens what the settings name, joins sources and sinks to the peers, records.

Opening and closing devices takes time (up to 2 s), so every change is a small task of its own: one chain for the
microphone, one for the camera, each step of which does what is wanted when its turn comes, not what was wanted when it
was asked for. So a hang-up while a camera opens closes it as soon as it has opened, and the last of many toggles wins.
A camera that is closed is released (its light goes off); a microphone that is closed stays open and sends silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol, TypeVar

import av

from pycall.call_recording import CallRecording
from pycall.call_sinks import CallSinks
from pycall.call_views import CallViews
from pycall.core.errors import ErrorCode, MediaError, PyCallError
from pycall.core.events import RecordingEnded
from pycall.core.types import DeviceKind, MediaType, UserId, VideoProfile
from pycall.gear import Gear
from pycall.media.frames import Samples
from pycall.media.uplink import Uplink
from pycall.rtc.ports import AudioFeed, VideoFeed

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
"""Sources and sinks promise to stop within 1 s each; after this they are left behind, with a word in the log."""
Kind = Literal["audio", "video"]
S = TypeVar("S")


class MediaListener(Protocol):
    """Who is told what goes wrong with sources and sinks. All calls come on the event loop."""

    def source_changed(self, kind: Kind, error: PyCallError | None) -> None:
        """Our sound or picture is dead (with the error) or back (None)."""
        ...

    def device_lost(self, kind: DeviceKind, error: PyCallError) -> bool:
        """A device in use is gone; True if the listener looks for another one, by `CallMedia.use` or `give_up`."""
        ...

    def media_failed(self, error: PyCallError) -> None:
        """Something else cannot be used, such as a loudspeaker; the call goes on without it."""
        ...

    def recording_ended(self, event: RecordingEnded) -> None:
        """The file of this call is complete; comes while the call is closed."""
        ...


class CallMedia:
    """Made when a call needs it, closed with it. Fits `pycall.rtc.ports.MediaPorts`."""

    def __init__(self, gear: Gear, listener: MediaListener, media: MediaType, own: UserId) -> None:
        self._gear = gear
        self._listener = listener
        self._uplink = Uplink(
            profile=gear.profile,
            on_failure=self._source_failed,
            on_recovery=self._source_back,
            effects=gear.effects,
            voice=gear.voice,
            channels=gear.channels,
        )
        self._sinks = CallSinks(gear, listener.media_failed, self._speaker_failed)
        self._downlink = self._sinks.downlink
        self.views = CallViews(gear, self._uplink, self._downlink, own)
        self._recording = CallRecording(
            gear, self._uplink, self._downlink, media, failed=listener.media_failed, ended=listener.recording_ended
        )
        self._sinks_open = asyncio.Event()
        self._running = False
        self._started = False
        self._camera_wanted = False
        self._camera_open = False
        self._broken: set[Kind] = set()
        self._microphone = asyncio.Lock()
        self._camera = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what the peers need -------------------------------------------------------------------------------------

    def open_audio_feed(self, user_id: UserId) -> AudioFeed:
        if self._recording.begin():
            self._do(self._start_recording())
        return self._uplink.open_audio_feed(user_id)

    def open_video_feed(self, user_id: UserId) -> VideoFeed:
        return self._uplink.open_video_feed(user_id)

    def audio_arrived(self, user_id: UserId, samples: Samples) -> None:
        self._downlink.audio_arrived(user_id, samples)

    def video_arrived(self, user_id: UserId, frame: av.VideoFrame) -> None:
        self._downlink.video_arrived(user_id, frame)

    # --- what the call wants -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open microphone, camera and sinks in the background; does nothing the second time."""
        if self._running:
            return
        self._running = True
        self._do(self._start())

    def set_open(self, *, audio: bool, video: bool) -> None:
        """Microphone and camera as they are to be; called after every change, cheap if nothing changed."""
        self._uplink.audio_open = audio
        self._uplink.video_open = video
        if video != self._camera_wanted:
            self._camera_wanted = video
            self.follow_camera()

    def follow_camera(self, *, again: bool = False) -> None:
        """Open or close the camera as wanted; one that failed is tried again only with `again`."""
        if self._running and self._started:
            self._do(self._follow_camera(again))

    async def use(self, place: Literal["audio_source", "video_source", "audio_sink"]) -> None:
        """Change over to what the gear has there now, in the running call; raises `MediaError`, and the old goes on."""
        match place:
            case "audio_source":
                await self._use_audio_source()
            case "video_source":
                await self._use_video_source()
            case "audio_sink":
                await self._sinks.use_audio_sink()

    async def _use_audio_source(self) -> None:
        async with self._microphone:
            if self._running and self._started:
                await self._open_microphone()

    async def _use_video_source(self) -> None:
        """A closed camera stays closed and is opened with the new source later."""
        async with self._camera:
            if self._camera_open:
                await self._open_camera()

    def set_profile(self, profile: VideoProfile) -> None:
        self._uplink.set_profile(profile)

    def volumes(self, own: UserId) -> dict[UserId, int]:
        """Own first, 0 to 100, since last asked."""
        return {own: self._uplink.volume(), **self._downlink.volumes()}

    def forget(self, user_id: UserId) -> None:
        self._downlink.forget(user_id)

    def mute(self) -> None:
        """Nothing of ours is sent from now on, whatever the devices still do."""
        self._running = False
        self._sinks_open.set()
        self._uplink.audio_open = self._uplink.video_open = False

    async def aclose(self) -> None:
        """Release every device, end the recording, join every thread. May be called twice."""
        self.mute()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*self._tasks, return_exceptions=True)
                async with self._microphone, self._camera:
                    ends = (self._uplink.stop(), self._downlink.stop(), self.views.stop(), self._recording.stop())
                    for error in await asyncio.gather(*ends, return_exceptions=True):
                        if error is not None:
                            log.error("a source or sink raised when it was closed", exc_info=error)
        except TimeoutError:
            log.error("a source or sink did not stop within %.0f s and was left behind", CLOSE_SECONDS)

    # --- the chains ----------------------------------------------------------------------------------------------

    def _do(self, step: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(step, name="call media")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """A program's own sink may raise anything; that is told like any other failure."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a sink raised when it was opened", exc_info=error)
            problem = f"a sink raised {type(error).__name__} when it was opened; see the log"
            self._listener.media_failed(MediaError(ErrorCode.BAD_SINK, problem))

    async def _start(self) -> None:
        await asyncio.gather(self._start_sources(), self._start_sinks())

    async def _start_sources(self) -> None:
        """Both at once, so that a file that gives sound and picture is read once and stays in sync."""
        async with self._microphone, self._camera:
            wanted = self._running and self._camera_wanted
            audio, video = await asyncio.gather(
                self._made_source("audio", self._gear.new_audio_source),
                self._made_source("video", self._gear.new_video_source) if wanted else _nothing(),
            )
            self._camera_open = wanted and video is not None
            if self._running:
                await self._uplink.start(audio, video)
        self._started = True
        self.follow_camera()

    async def _made_source(self, kind: Kind, make: Callable[[], S]) -> S | None:
        try:
            return await asyncio.to_thread(make)
        except PyCallError as error:
            self._source_failed(kind, error)
            return None

    async def _follow_camera(self, again: bool) -> None:
        async with self._camera:
            wanted = self._running and self._camera_wanted
            broken = "video" in self._broken
            if self._camera_open and not wanted:
                self._camera_open = False
                await self._uplink.use_video(None)
            elif wanted and (again if broken else not self._camera_open):
                try:
                    await self._open_camera()
                except PyCallError as error:
                    self._source_failed("video", error)

    async def _open_microphone(self) -> None:
        await self._uplink.use_audio(await asyncio.to_thread(self._gear.new_audio_source))
        self._source_back("audio")

    async def _open_camera(self) -> None:
        await self._uplink.use_video(await asyncio.to_thread(self._gear.new_video_source))
        self._camera_open = True
        self._source_back("video")

    async def _start_sinks(self) -> None:
        if self._running:
            await self._sinks.start()
            await self.views.start(self._listener.media_failed)
        self._sinks_open.set()

    async def _start_recording(self) -> None:
        await self._sinks_open.wait()
        if self._running:
            await self._recording.start()

    # --- failures ------------------------------------------------------------------------------------------------

    def give_up(self, kind: DeviceKind, error: PyCallError) -> None:
        """Nothing can take the place of a device that is gone: silence or black, and the others are told."""
        if kind is DeviceKind.SPEAKER:
            self._listener.media_failed(error)
        else:
            self._fall_silent("audio" if kind is DeviceKind.MICROPHONE else "video", error)

    def _source_failed(self, kind: str, error: PyCallError) -> None:
        device = DeviceKind.MICROPHONE if kind == "audio" else DeviceKind.CAMERA
        if not (self._running and self._listener.device_lost(device, error)):
            self._fall_silent(kind, error)

    def _speaker_failed(self, error: PyCallError) -> None:
        if not (self._running and self._listener.device_lost(DeviceKind.SPEAKER, error)):
            self._listener.media_failed(error)

    def _fall_silent(self, kind: str, error: PyCallError) -> None:
        which: Kind = "audio" if kind == "audio" else "video"
        self._broken.add(which)
        if self._running:
            self._listener.source_changed(which, error)

    def _source_back(self, kind: str) -> None:
        which: Kind = "audio" if kind == "audio" else "video"
        if which in self._broken:
            self._broken.discard(which)
            if self._running:
                self._listener.source_changed(which, None)


async def _nothing() -> None:
    """In the place of a camera that is not wanted."""
