"""One transport to one other person: ICE and DTLS-SRTP. Bytes of RTP and RTCP go in and come out; nothing else.

aiortc's ORTC objects do the work: a gatherer, an ICE transport and a DTLS transport whose two hand-over points are
overridden. Nothing above this file knows a socket; nothing in it knows a codec.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from aiortc import RTCIceCandidate, RTCIceGatherer, RTCIceTransport
from aiortc.rtcconfiguration import RTCIceTransportPolicy
from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters, candidate_from_aioice

from .dtls import Bytes, PathTransport
from .gathering import gather
from .servers import Servers
from .transport import CLOSE_SECONDS, GuardedConnection

logger = logging.getLogger(__name__)


class Path:
    """Gather, describe, connect, send, close: in this order. All on the event loop.

    `on_rtp` and `on_rtcp` get each decrypted packet and its arrival by `time.monotonic()`; they must not raise.
    `on_change` is called when `state` has changed: new, connecting, connected, failed or closed. `on_candidate` gets
    each address of ours that was found after `gather` has returned, and None after the last one.
    """

    def __init__(
        self,
        *,
        controlling: bool,
        servers: Servers,
        on_rtp: Bytes,
        on_rtcp: Bytes,
        on_change: Callable[[], None],
        on_candidate: Callable[[RTCIceCandidate | None], None],
    ) -> None:
        policy = RTCIceTransportPolicy.RELAY if servers.relay_only else RTCIceTransportPolicy.ALL
        self._gatherer = RTCIceGatherer([], policy)
        self._servers = servers
        self._on_candidate = on_candidate
        self._more: asyncio.Task[None] | None = None
        self._ice = RTCIceTransport(self._gatherer)
        self.connection.ice_controlling = controlling
        self.transport = PathTransport(self._ice, on_rtp, on_rtcp)
        self._on_change = on_change
        self._closing = False
        self._ice.on("statechange", self._changed)
        self.transport.on("statechange", self._changed)

    @property
    def connection(self) -> GuardedConnection:
        """The ICE connection; its candidates, pairs and counters."""
        return cast(GuardedConnection, self._gatherer._connection)

    @property
    def state(self) -> str:
        if self._closing:
            return "closed"
        states = {self._ice.state, self.transport.state}
        for verdict in ("failed", "closed"):
            if verdict in states:
                return verdict
        if self.transport.state == "connected":
            return "connected"
        return "new" if states == {"new"} else "connecting"

    @property
    def checked(self) -> bool:
        """ICE has found a pair that works."""
        return self._ice.state == "completed"

    async def gather(self) -> None:
        """Find the addresses of this machine, in some milliseconds. Servers are asked for more from then on."""
        await self._gatherer.gather()
        if (self._servers.stun or self._servers.turn) and not self._closing:
            self.connection.gathered = False
            self._more = asyncio.create_task(self._gather_more(), name="gather")

    @property
    def gathered(self) -> bool:
        """Whether all addresses of ours are in `candidates`."""
        return self.connection.gathered

    async def _gather_more(self) -> None:
        connection = self.connection
        async for candidate, relay in gather(self._servers, list(connection._protocols), connection.new_protocol):
            if connection.add_local(candidate, relay):
                self._on_candidate(candidate_from_aioice(candidate))
            elif relay is not None:
                relay.transport.close()
        connection.all_found()
        self._on_candidate(None)

    @property
    def local_host(self) -> str | None:
        """Our address on the path in use; None while there is none, or if a relay's is used."""
        pair = self.connection._nominated.get(1)
        return None if pair is None or pair.local_candidate.type == "relay" else str(pair.local_candidate.host)

    @property
    def ice_parameters(self) -> RTCIceParameters:
        return self._gatherer.getLocalParameters()

    @property
    def candidates(self) -> list[RTCIceCandidate]:
        return self._gatherer.getLocalCandidates()

    @property
    def dtls_parameters(self) -> RTCDtlsParameters:
        return self.transport.getLocalParameters()

    async def connect(self, ice: RTCIceParameters, dtls: RTCDtlsParameters, *, client: bool) -> None:
        """Check pairs and shake hands; `client` says that our DTLS side speaks first. The outcome is in `state`."""
        self.transport._set_role("client" if client else "server")
        await self._ice.start(ice)
        if self._ice.state == "completed" and self.transport.state == "new":
            await self.transport.start(dtls)

    async def add_candidate(self, candidate: RTCIceCandidate | None) -> None:
        """One of theirs, already checked; None: there are no more."""
        await self._ice.addRemoteCandidate(candidate)

    def send(self, data: bytes) -> bool:
        """One RTP or RTCP packet, encrypted here; False if it could not leave."""
        return self.transport.send_packet(data)

    async def close(self) -> None:
        """Say good-bye and release the sockets; within a second."""
        if self._closing:
            return
        self._closing = True
        await self._stop_gathering()
        try:
            async with asyncio.timeout(CLOSE_SECONDS * 1.6):
                await self.transport.stop()
                await self._ice.stop()
        except TimeoutError:
            logger.warning("a media path did not close in time")

    async def _stop_gathering(self) -> None:
        if self._more is not None:
            self._more.cancel()
            await asyncio.wait([self._more])

    def _changed(self) -> None:
        if not self._closing:
            self._on_change()
