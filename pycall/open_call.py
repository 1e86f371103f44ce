"""Everything outside the Line that one call holds: its media connections, its sound and picture, its reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pycall.call_media import CallMedia, MediaListener
from pycall.config import EngineConfig
from pycall.core.events import CallQuality, Event
from pycall.core.types import CallId, MediaType, PeerQuality, UserId
from pycall.core.wire import IceServer
from pycall.gear import Gear
from pycall.reports import Reports
from pycall.rtc.mesh import Mesh
from pycall.rtc.ports import PeerListener


class CallListener(MediaListener, PeerListener, Protocol):
    """Who is told what becomes of peers, sources and sinks, and knows what we may use: the driver."""

    def granted_servers(self) -> tuple[IceServer, ...]:
        """STUN and TURN servers that the signaling server lets us use at the moment."""
        ...


class OpenCall:
    """Made when a call first needs media, closed with the call. Made on the event loop.

    Raises what `Mesh` raises: `MediaError` if the WebRTC library is not the one pycall was built for.
    """

    def __init__(
        self,
        call_id: CallId,
        own: UserId,
        media: MediaType,
        gear: Gear,
        listener: CallListener,
        tell: Callable[[Event], None],
        config: EngineConfig,
    ) -> None:
        self.call_id = call_id
        self.media = CallMedia(gear, listener, media, own)
        self.mesh = Mesh(
            self.media,
            listener,
            call_id=call_id,
            ice_servers=config.ice_servers,
            granted=listener.granted_servers,
            relay_only=config.relay_only,
            video_codecs=config.video_codecs,
            hardware=gear.encoders,
            dtx=config.dtx,
            music=gear.channels == 2,
        )
        self.reports = Reports(own, self.media, tell)
        self._left: dict[UserId, PeerQuality] = {}

    def quality(self) -> CallQuality:
        """How the connections are, and were with those who have left."""
        here = {user_id: found for user_id in self.mesh.peers if (found := self.mesh.quality(user_id)) is not None}
        return CallQuality(self.call_id, self._left | here)

    def close_peer(self, user_id: UserId) -> None:
        """Nothing more to or from this member."""
        quality = self.mesh.quality(user_id)
        if quality is not None:
            self._left[user_id] = quality
        self.mesh.close(user_id)
        self.media.forget(user_id)
        self.reports.forget(user_id)

    def hush(self) -> None:
        """At once: nothing more is sent, heard or reported."""
        self.media.mute()
        self.reports.stop()

    async def aclose(self) -> None:
        """Within a few seconds: no task, thread, socket or device is left."""
        await self.reports.aclose()
        try:
            await self.mesh.aclose()
        finally:
            await self.media.aclose()
