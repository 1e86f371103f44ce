"""One transport to one other person: ICE and DTLS-SRTP. Bytes of RTP and RTCP go in and come out; nothing else.

aiortc's ORTC objects do the work: a gatherer, an ICE transport and a DTLS transport whose two hand-over points are
overridden. Nothing above this file knows a socket; nothing in it knows a codec.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from aiortc import RTCIceCandidate, RTCIceGatherer, RTCIceServer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters

from .dtls import Bytes, PathTransport
from .transport import CLOSE_SECONDS, GuardedConnection

logger = logging.getLogger(__name__)


class Path:
    """Gather, describe, connect, send, close: in this order. All on the event loop.

    `on_rtp` and `on_rtcp` get each decrypted packet and its arrival by `time.monotonic()`; they must not raise.
    `on_change` is called when `state` has changed: new, connecting, connected, failed or closed.
    """

    def __init__(
        self,
        *,
        controlling: bool,
        servers: list[RTCIceServer],
        on_rtp: Bytes,
        on_rtcp: Bytes,
        on_change: Callable[[], None],
    ) -> None:
        self._gatherer = RTCIceGatherer(servers)
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
        """Find our addresses: at most 0.5 s with a STUN server, 2 s with TURN, some milliseconds without."""
        await self._gatherer.gather()

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
        try:
            async with asyncio.timeout(CLOSE_SECONDS * 1.6):
                await self.transport.stop()
                await self._ice.stop()
        except TimeoutError:
            logger.warning("a media path did not close in time")

    def _changed(self) -> None:
        if not self._closing:
            self._on_change()
