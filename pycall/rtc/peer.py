"""One media connection to one other person: sound and picture, both ways, for one generation."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Literal, cast

import av
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection

from pycall.core.types import CallId, PeerState, UserId
from pycall.core.wire import Signal, Signaled

from .codecs import preferences
from .liveness import FAIL_SECONDS, STALL_SECONDS, Liveness
from .negotiation import LIBRARY_ERRORS, Negotiation
from .ports import AudioFeed, MediaPorts, PeerListener, VideoFeed
from .receiver import InletReceiver, PictureInlet, SoundInlet
from .sender import PictureOutlet, SoundOutlet
from .stats import Counters, link_stats, read_counters
from .transport import GuardedConnection, MeteredDtlsTransport, machine_has_no_network
from .worker import Worker

logger = logging.getLogger(__name__)

MAX_INBOX = 64
"""Messages of the other side waiting for this peer: offer, answer and 40 candidates fit."""
TICK_SECONDS = 0.25
STATS_SECONDS = 2.0
CLOSE_SECONDS = 0.8
GOODBYE_SECONDS = 1.0
"""After an orderly good-bye the signaling has so long to say why, before the peer counts as failed."""
ENCODE_DEPTH = 2
DECODE_DEPTH = 60
"""Pictures waiting for the decoder: two seconds, then they are dropped until the next keyframe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSettings:
    """What all peers of a call share."""

    call_id: CallId
    servers: list[RTCIceServer]
    stall_seconds: float = STALL_SECONDS
    fail_seconds: float = FAIL_SECONDS
    stats_seconds: float = STATS_SECONDS


class Peer:
    """Runs from `start` to `stop`; `finish` waits until nothing of it is left."""

    def __init__(
        self,
        user_id: UserId,
        generation: int,
        *,
        offers: bool,
        ports: MediaPorts,
        listener: PeerListener,
        settings: PeerSettings,
    ) -> None:
        self.user_id = user_id
        self.generation = generation
        self._ports = ports
        self._listener = listener
        self._settings = settings
        self._liveness = Liveness(stall=settings.stall_seconds, fail=settings.fail_seconds)
        self._inbox: asyncio.Queue[Signaled] = asyncio.Queue(MAX_INBOX)
        self._encoder = Worker(f"pycall-encode-{user_id}", depth=ENCODE_DEPTH)
        self._decoder = Worker(f"pycall-decode-{user_id}", depth=DECODE_DEPTH)
        self._feeds: list[AudioFeed | VideoFeed] = []
        self._inlets: list[SoundInlet | PictureInlet] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._transport: MeteredDtlsTransport | None = None
        self._goodbye: asyncio.TimerHandle | None = None
        self._finishing: asyncio.Task[None] | None = None
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=settings.servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.connection.on("connectionstatechange", self._library_state_changed)
        self.negotiation = Negotiation(
            self.connection,
            offers=offers,
            allow_loopback=machine_has_no_network(),
            add_media=self._add_media,
            send=self._send,
        )

    @property
    def state(self) -> PeerState:
        return self._liveness.state

    @property
    def transport(self) -> MeteredDtlsTransport | None:
        """The one transport of the bundle, once there is media."""
        return self._transport

    @property
    def ice(self) -> GuardedConnection | None:
        transport = self.transport
        return cast(GuardedConnection, transport.transport._connection) if transport else None

    def start(self) -> None:
        """Begin to connect; the listener hears of it."""
        self._report()
        self._tasks = [
            asyncio.create_task(self._negotiate(), name=f"negotiate {self.user_id}"),
            asyncio.create_task(self._watch(), name=f"watch {self.user_id}"),
        ]

    def deliver(self, signaled: Signaled) -> None:
        """A message of the other side about this generation; too many at once are dropped."""
        try:
            self._inbox.put_nowait(signaled)
        except asyncio.QueueFull:
            logger.warning("%s sends more than can be taken in; a %s was dropped", self.user_id, signaled.kind)

    def stop(self) -> None:
        """Not one more packet of media leaves, not one more frame is handed over. `finish` does the rest."""
        self._silence()
        if self._liveness.close():
            self._report()

    async def finish(self) -> None:
        """Within a second: no task, thread or socket of this peer is left."""
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._dismantle(), name=f"close {self.user_id}")
        await asyncio.shield(self._finishing)

    # --- negotiating

    async def _negotiate(self) -> None:
        try:
            await self.negotiation.begin()
        except LIBRARY_ERRORS as error:
            logger.error("no offer could be made for %s: %s", self.user_id, error)
            self._fail()
        while not self._liveness.over:
            await self.negotiation.take(await self._inbox.get())

    def _add_media(self, kinds: tuple[str, ...]) -> None:
        for kind in kinds if not self._inlets else ():
            outlet, inlet = self._outlet(kind), self._inlet(kind)
            transceiver = self.connection.addTransceiver(outlet, direction="sendrecv")
            transceiver.setCodecPreferences(preferences(kind))
            cast(InletReceiver, transceiver.receiver).inlet = inlet
            self._inlets.append(inlet)
        self._transport = cast(MeteredDtlsTransport, self.connection.getReceivers()[0].transport)
        self._transport.on_media = self._media_arrived

    def _outlet(self, kind: str) -> SoundOutlet | PictureOutlet:
        if kind == "audio":
            sound = self._ports.open_audio_feed(self.user_id)
            self._feeds.append(sound)
            return SoundOutlet(sound)
        picture = self._ports.open_video_feed(self.user_id)
        self._feeds.append(picture)
        return PictureOutlet(picture, self._encoder)

    def _inlet(self, kind: str) -> SoundInlet | PictureInlet:
        return SoundInlet(self._hear) if kind == "audio" else PictureInlet(self._see, self._decoder)

    def _hear(self, frame: av.AudioFrame) -> None:
        self._ports.audio_arrived(self.user_id, frame)

    def _see(self, frame: av.VideoFrame) -> None:
        self._ports.video_arrived(self.user_id, frame)

    def _send(self, kind: str, sdp: str) -> None:
        if self._liveness.over:
            return
        message_kind = cast(Literal["offer", "answer"], kind)
        self._listener.peer_signals(
            Signal(
                call_id=self._settings.call_id,
                to=self.user_id,
                kind=message_kind,
                generation=self.generation,
                sdp=sdp,
            )
        )

    # --- watching

    async def _watch(self) -> None:
        before = Counters(time=time.monotonic())
        while not self._liveness.over:
            await asyncio.sleep(TICK_SECONDS)
            self._observe()
            now = time.monotonic()
            if now - before.time >= self._settings.stats_seconds:
                after = await read_counters(self.connection, now)
                if self.state in (PeerState.UP, PeerState.STALLED):
                    self._listener.peer_measured(self.user_id, link_stats(before, after))
                before = after

    def _observe(self) -> None:
        transport = self.transport
        if transport is None:
            return
        if self._liveness.observe(time.monotonic(), arrived_at=transport.arrived_at, media=transport.media_arrived):
            self._report()
            if self._liveness.over:
                self._give_up()

    def _media_arrived(self) -> None:
        self._observe()

    def _library_state_changed(self) -> None:
        state = self.connection.connectionState
        if state == "failed":
            self._fail()
        elif state == "closed" and not self._liveness.over and self._goodbye is None:
            self._goodbye = asyncio.get_running_loop().call_later(GOODBYE_SECONDS, self._fail)

    def _fail(self) -> None:
        if self._liveness.fail():
            self._report()
            self._give_up()

    def _give_up(self) -> None:
        """The connection is dead: release what it holds, whether or not somebody closes the peer soon."""
        self._silence()
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._dismantle(), name=f"close {self.user_id}")

    def _report(self) -> None:
        self._listener.peer_changed(self.user_id, self.generation, self.state)

    # --- ending

    def _silence(self) -> None:
        if self._goodbye is not None:
            self._goodbye.cancel()
        transport = self.transport
        if transport is not None:
            transport.silenced = True
            transport.on_media = None
        for inlet in self._inlets:
            inlet.close()
        for feed in self._feeds:
            feed.close()
        self._feeds.clear()

    async def _dismantle(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("the connection with %s broke", self.user_id, exc_info=outcome)
        await self._close_connection()
        await self._encoder.stop()
        await self._decoder.stop()

    async def _close_connection(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.connection.close()
        except (TimeoutError, *LIBRARY_ERRORS) as error:
            logger.warning("the connection with %s did not close in order: %r", self.user_id, error)
            if self.ice is not None:
                await self.ice.close()
