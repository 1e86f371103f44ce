"""The recording of one call: begun with the first peer, fed from what is sent and what arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pycall.core.errors import MediaError
from pycall.core.events import RecordingEnded
from pycall.core.types import MediaType
from pycall.gear import Gear
from pycall.media.downlink import Downlink
from pycall.media.recorder import CallRecorder
from pycall.media.uplink import Uplink


class CallRecording:
    """Does nothing if nothing is to be recorded. `failed` and `ended` are called on the event loop.

    `failed` tells what goes wrong; the call goes on. `ended` tells of a file that is complete.
    """

    def __init__(
        self,
        gear: Gear,
        uplink: Uplink,
        downlink: Downlink,
        media: MediaType,
        *,
        failed: Callable[[MediaError], None],
        ended: Callable[[RecordingEnded], None],
    ) -> None:
        self._gear = gear
        self._uplink = uplink
        self._downlink = downlink
        self._tracks = ("far", "near", "sound") if media.has_video else ("sound",)
        self._failed = failed
        self._ended = ended
        self._recorder: CallRecorder | None = None
        self._begun = False
        self._loop = asyncio.get_running_loop()

    def begin(self) -> bool:
        """True once, when it is time to `start`: with the first peer, not while it rings, as a recorder's file wants
        its first frames soon."""
        first = self._gear.record is not None and not self._begun
        self._begun = self._begun or first
        return first

    async def start(self) -> None:
        """Open the file and the taps; one that cannot be opened is told to `failed`."""
        path = self._gear.next_recording()
        if path is None:
            return
        try:
            recorder = CallRecorder(
                path,
                expect=self._tracks,
                grows=True,
                on_failure=self._wrong,
                on_overload=self._wrong,
                channels=self._gear.channels,
            )
            await asyncio.to_thread(recorder.start)
        except MediaError as error:
            self._failed(error)
            return
        self._recorder = recorder
        self._uplink.add_audio_tap(recorder.near_audio)
        self._uplink.add_video_tap(recorder.near_video)
        await self._downlink.add_audio_sink(recorder.far_audio)
        await self._downlink.add_video_sink(recorder.far_video)

    async def stop(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None and await asyncio.to_thread(recorder.stop):
            self._ended(RecordingEnded(recorder.path, recorder.written_pictures, recorder.dropped_pictures))

    def _wrong(self, error: MediaError) -> None:
        """Called on any thread."""
        self._loop.call_soon_threadsafe(self._failed, error)
