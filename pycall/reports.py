"""What a conversation reports by the clock: volumes and who speaks, network quality and statistics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pycall.call_media import CallMedia
from pycall.core.events import ActiveSpeakerChanged, Event, MediaStatistics, NetworkQualityChanged, VoiceVolume
from pycall.core.quality import own_quality, quality_of_peer
from pycall.core.speaker import Speaker
from pycall.core.types import LinkStats, UserId


class Reports:
    """Emits `VoiceVolume`, and `ActiveSpeakerChanged` if it has, every `volume_interval` seconds once started.

    The other two come every `quality_interval` seconds.
    """

    def __init__(self, own: UserId, media: CallMedia, emit: Callable[[Event], None]) -> None:
        self._own = own
        self._media = media
        self._emit = emit
        self._speaker = Speaker()
        self._links: dict[UserId, LinkStats] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, volume_interval: float, quality_interval: float) -> None:
        """Does nothing if it runs already."""
        if self._tasks:
            return
        self._tasks = [
            asyncio.create_task(_every(volume_interval, self._report_volumes), name="volume reports"),
            asyncio.create_task(_every(quality_interval, self._report_quality), name="quality reports"),
        ]

    def measured(self, user_id: UserId, stats: LinkStats) -> None:
        self._links[user_id] = stats

    def forget(self, user_id: UserId) -> None:
        self._links.pop(user_id, None)

    async def aclose(self) -> None:
        self.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self) -> None:
        """Nothing is emitted after this."""
        for task in self._tasks:
            task.cancel()

    def _report_volumes(self) -> None:
        volumes = self._media.volumes(self._own)
        self._emit(VoiceVolume(volumes))
        if self._speaker.hear(volumes, asyncio.get_running_loop().time()):
            self._emit(ActiveSpeakerChanged(self._speaker.user_id))

    def _report_quality(self) -> None:
        if not self._links:
            return
        peers = {user_id: quality_of_peer(link) for user_id, link in self._links.items()}
        self._emit(NetworkQualityChanged({self._own: own_quality(self._links.values()), **peers}))
        self._emit(summed(list(self._links.values())))


def summed(links: list[LinkStats]) -> MediaStatistics:
    """All links as one: bitrates added, the worst loss, the longest round trip, the highest picture rates."""
    return MediaStatistics(
        bitrate_in=sum(link.bitrate_in for link in links),
        bitrate_out=sum(link.bitrate_out for link in links),
        rtt=max((link.rtt for link in links if link.rtt is not None), default=None),
        loss_in=max(link.loss_in for link in links),
        loss_out=max(link.loss_out for link in links),
        fps_in=max(link.fps_in for link in links),
        fps_out=max(link.fps_out for link in links),
        video_codec=next((link.video_codec for link in links if link.video_codec), ""),
    )


async def _every(interval: float, step: Callable[[], None]) -> None:
    """Keeps to the grid: a late turn does not push the following ones back."""
    clock = asyncio.get_running_loop().time
    due = clock() + interval
    while True:
        await asyncio.sleep(due - clock())
        step()
        due = max(due + interval, clock())
