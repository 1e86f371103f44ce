"""All media connections of one call, one to each other member."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from pycall.core.codecs import DEFAULT_VIDEO_CODECS, check_video_codecs
from pycall.core.types import CallId, LinkStats, PeerQuality, PeerState, UserId
from pycall.core.wire import IceServer, Signal, Signaled

from .liveness import FAIL_SECONDS, STALL_SECONDS
from .patches import install
from .peer import STATS_SECONDS, Peer, PeerSettings
from .ports import MediaPorts, PeerListener
from .send.source import Source
from .servers import Servers, read_servers
from .w3c import Statistics

logger = logging.getLogger(__name__)

MAX_EARLY = 30
"""Messages kept for a peer that is not open yet (Signal keeps as many)."""
MAX_STRANGERS = 16
"""Members whose messages are kept before their peer is opened; a call has at most nine people."""


class Mesh:
    """Opens, feeds and closes peers. Everything is called on the event loop; nothing blocks it.

    `granted` gives the servers that the signaling server lets us use; with `relay_only` everything goes by TURN and
    nobody learns our addresses. `video_codecs`: of `VIDEO_CODECS`, the best one first; `hardware`: H.264 encoders that
    work, as `hardware.probe` gives them; with `dtx` silence is hardly sent; `music`: stereo is asked for, and sent to
    whom wants it. `stall_seconds` and `fail_seconds`: silence after which a peer is STALLED and FAILED;
    `stats_seconds`: between two measurements.

    Raises `ConfigError` for bad `ice_servers` or an unknown codec, and `MediaError` (NO_LIBRARY) if the WebRTC library
    is not the one pycall was built for.
    """

    def __init__(
        self,
        ports: MediaPorts,
        listener: PeerListener,
        *,
        call_id: CallId,
        ice_servers: tuple[str | IceServer, ...] = (),
        granted: Callable[[], Iterable[IceServer]] = tuple,
        relay_only: bool = False,
        video_codecs: tuple[str, ...] = DEFAULT_VIDEO_CODECS,
        hardware: tuple[str, ...] = (),
        dtx: bool = False,
        music: bool = False,
        stall_seconds: float = STALL_SECONDS,
        fail_seconds: float = FAIL_SECONDS,
        stats_seconds: float = STATS_SECONDS,
    ) -> None:
        read_servers(ice_servers)
        self._configured, self._granted, self._relay_only = ice_servers, granted, relay_only
        check_video_codecs(video_codecs)
        install()
        self._settings = PeerSettings(
            call_id=call_id,
            codecs=("opus", *video_codecs),
            stereo=music,
            stall_seconds=stall_seconds,
            fail_seconds=fail_seconds,
            stats_seconds=stats_seconds,
        )
        self._hardware = hardware
        self._dtx = dtx
        self._music = music
        self._source: Source | None = None
        self._ports = ports
        self._listener = listener
        self._peers: dict[UserId, Peer] = {}
        self._reserves: dict[UserId, Peer] = {}
        """Connections that were up, have fallen silent and are being replaced: should the link come back before the
        new one is up, they go on at once."""
        self._before: dict[UserId, tuple[float, PeerQuality]] = {}
        """Of connections that were replaced, the one that was up longest: seconds, and how it was."""
        self._early: dict[UserId, list[Signaled]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def peers(self) -> dict[UserId, Peer]:
        """The open peers."""
        return dict(self._peers)

    def statistics(self) -> dict[UserId, Statistics]:
        """What every connection has counted so far, in W3C's names."""
        return {user_id: peer.statistics() for user_id, peer in self._peers.items()}

    def quality(self, user_id: UserId) -> PeerQuality | None:
        """How the connection with `user_id` has been so far; None without one. Of several, one after the other, the
        one that was up longest counts: the attempt to reach somebody who has died says nothing."""
        peer = self._peers.get(user_id)
        if peer is None:
            return None
        seconds, before = self._before.get(user_id, (0.0, None))
        return peer.quality() if before is None or peer.seconds_up > seconds else before

    def camera_changed(self, user_id: UserId, is_open: bool) -> None:
        """A member's camera was opened or closed."""
        if (peer := self._peers.get(user_id)) is not None:
            peer.camera_changed(is_open)

    def open(self, user_id: UserId, generation: int, *, offers: bool) -> None:
        """Connect to `user_id` in the background; replaces a peer of a lower generation, else does nothing."""
        if self._closed:
            return
        old = self._peers.get(user_id)
        if old is not None:
            if old.generation >= generation:
                return
            self._remember(old)
            self._retire(old)
        peer = Peer(
            user_id,
            generation,
            offers=offers,
            ports=self._ports,
            listener=self,
            settings=replace(self._settings, servers=self._ask_servers()),
            source=self._open_source(user_id),
        )
        self._peers[user_id] = peer
        peer.start()
        for signaled in self._early.pop(user_id, []):
            self.deliver(signaled)

    def deliver(self, signaled: Signaled) -> None:
        """A member's offer, answer or candidate. Kept if its peer is not open yet; never raises for its content."""
        if self._closed or signaled.call_id != self._settings.call_id:
            return
        peer = self._peers.get(signaled.sender)
        if peer is None:
            self._keep(signaled)
        elif signaled.generation == peer.generation:
            peer.deliver(signaled)
        elif signaled.generation > peer.generation:
            self._take_newer(signaled)
        else:
            logger.debug("a %s of an older connection with %s was dropped", signaled.kind, signaled.sender)

    def close(self, user_id: UserId) -> None:
        """No media to or from `user_id` from now on; the connection is taken down in the background."""
        self._early.pop(user_id, None)
        self._before.pop(user_id, None)
        for peer in (self._peers.pop(user_id, None), self._reserves.pop(user_id, None)):
            if peer is not None:
                self._drop(peer)

    # --- PeerListener

    def peer_changed(self, user_id: UserId, generation: int, state: PeerState) -> None:
        """One that is up needs no reserve. Our listener hears of it before it hears that the reserve is gone."""
        self._listener.peer_changed(user_id, generation, state)
        current = self._peers.get(user_id)
        newest = current is not None and current.generation == generation
        if newest and state is PeerState.UP and (reserve := self._reserves.pop(user_id, None)) is not None:
            self._drop(reserve)

    def peer_signals(self, signal: Signal) -> None:
        self._listener.peer_signals(signal)

    def peer_measured(self, user_id: UserId, stats: LinkStats) -> None:
        self._listener.peer_measured(user_id, stats)

    async def aclose(self) -> None:
        """Close everything; returns within a second or so, with no task, thread or socket left."""
        self._closed = True
        for user_id in list(self._peers):
            self.close(user_id)
        self._early.clear()
        source, self._source = self._source, None
        if source is not None:
            await source.aclose()
        if self._closing:
            await asyncio.wait(set(self._closing))

    def _ask_servers(self) -> Servers:
        """For each connection anew: what the signaling server grants runs out and is replaced."""
        servers = read_servers(self._configured, self._granted(), relay_only=self._relay_only)
        if servers.relay_only and not servers.turn:
            logger.warning("relay_only is set, but there is no TURN server: nobody can be reached")
        return servers

    def _open_source(self, user_id: UserId) -> Source:
        """One encoder for all peers' sound and one set of encoders for their picture, from the first peer on."""
        if self._source is None:
            audio, video = self._ports.open_audio_feed(user_id), self._ports.open_video_feed(user_id)
            self._source = Source(audio, video, self._hardware, dtx=self._dtx, music=self._music)
        return self._source

    def _take_newer(self, signaled: Signaled) -> None:
        """They have begun a new connection before we knew that the old one is dead: their offer replaces it."""
        if signaled.kind == "offer":
            self.open(signaled.sender, signaled.generation, offers=False)
            self.deliver(signaled)
        else:
            self._keep(signaled)

    def _keep(self, signaled: Signaled) -> None:
        if signaled.sender not in self._early and len(self._early) >= MAX_STRANGERS:
            return
        kept = self._early.setdefault(signaled.sender, [])
        if len(kept) < MAX_EARLY:
            kept.append(signaled)

    def _remember(self, peer: Peer) -> None:
        if peer.seconds_up > self._before.get(peer.user_id, (0.0, None))[0]:
            self._before[peer.user_id] = (peer.seconds_up, peer.quality())

    def _retire(self, peer: Peer) -> None:
        if peer.state not in (PeerState.UP, PeerState.STALLED):
            self._drop(peer)
            return
        peer.retire()
        older, self._reserves[peer.user_id] = self._reserves.get(peer.user_id), peer
        if older is not None:
            self._drop(older)

    def _drop(self, peer: Peer) -> None:
        peer.stop()
        task = asyncio.create_task(peer.finish(), name=f"finish {peer.user_id}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
