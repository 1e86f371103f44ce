"""DTLS and SRTP on a guarded path: what is decrypted goes to two callbacks, and a lost flight costs no second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import pylibsrtp
from aiortc import RTCIceTransport
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from aiortc.rtp import is_rtcp
from OpenSSL import SSL

from .flights import FIRST_SECONDS, LONGEST_DATAGRAM, Flights, split
from .transport import GuardedConnection

EARLY_SECONDS = 0.02
"""The age that media may have at the most when the keys come: all that waits longer is played in one burst."""

logger = logging.getLogger(__name__)

Bytes = Callable[[bytes, float], None]

CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA"
)
"""aiortc's list, with RSA: other stacks still come with RSA certificates."""


class PathTransport(RTCDtlsTransport):
    """DTLS and SRTP whose decrypted packets go straight to two callbacks, with the moment they came, by
    `time.monotonic()`; they must not raise."""

    def __init__(self, ice_transport: RTCIceTransport, on_rtp: Bytes, on_rtcp: Bytes) -> None:
        super().__init__(ice_transport, [WideCertificate.generateCertificate()])
        self.arrived_at: float | None = None
        """When the last authentic packet came, by `time.monotonic()`."""
        self.media_arrived = False
        """True once an RTP packet has come: media flows towards us."""
        self.on_media: Callable[[], None] | None = None
        """Called once, with the first RTP packet."""
        self.silenced = False
        """Set when the connection is being closed: not one more RTP packet leaves."""
        self.bytes_in = self.bytes_out = self.packets_in = self.packets_out = 0
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._flights = Flights()
        self._guard = cast(GuardedConnection, self.transport._connection)

    async def start(self, remoteParameters: RTCDtlsParameters) -> None:
        """Shake hands; the outcome is in `state`."""
        self._flights = Flights(self._guard.round_trip)
        repeating = asyncio.create_task(self._repeat_flights(), name="DTLS flights")
        try:
            await super().start(remoteParameters)
        finally:
            repeating.cancel()
        self._flights.finish(spoke_last=self._role == "server")
        self._guard.on_handshake = self._heard_handshake
        early, self._guard.early = self._guard.early or [], None
        if self._state is State.CONNECTED:
            # As if it came just now: nothing of it could be asked for again before, nor played.
            oldest = time.monotonic() - EARLY_SECONDS
            for data, arrived_at in early:
                self._take(data, max(arrived_at, oldest))
            self._guard.media = self._take

    async def stop(self) -> None:
        """Say good-bye; nothing is taken any more."""
        self._guard.media = self._guard.early = None
        await super().stop()

    async def _repeat_flights(self) -> None:
        while True:
            now = time.monotonic()
            await self._send_flight(self._flights.again(now))
            await asyncio.sleep(max(0.0, (self._flights.due or now + FIRST_SECONDS) - now))

    async def _heard_handshake(self) -> None:
        await self._send_flight(self._flights.heard(time.monotonic()))

    async def _send_flight(self, datagrams: list[bytes]) -> None:
        with suppress(ConnectionError):
            for datagram in datagrams:
                await self.transport._send(datagram)

    async def _write_ssl(self) -> None:
        """What OpenSSL has written goes out in whole records, and is kept until it is answered."""
        written = b""
        with suppress(SSL.Error):
            while self._ssl is not None:
                written += self._ssl.bio_read(LONGEST_DATAGRAM)
        datagrams = split(written)
        self._flights.sent(datagrams, time.monotonic())
        for datagram in datagrams:
            await self.transport._send(datagram)

    # --- media

    def _take(self, data: bytes, now: float) -> None:
        try:
            if is_rtcp(data):
                self._report_came(self._rx_srtp.unprotect_rtcp(data), now)
            else:
                self._media_came(self._rx_srtp.unprotect(data), now)
        except pylibsrtp.Error:
            self._guard.refused["not authentic"] += 1

    def _media_came(self, data: bytes, now: float) -> None:
        self._count(data, now)
        if not self.media_arrived:
            self.media_arrived = True
            if self.on_media is not None:
                self.on_media()
        self._on_rtp(data, now)

    def _report_came(self, data: bytes, now: float) -> None:
        self._count(data, now)
        self._on_rtcp(data, now)

    def _count(self, data: bytes, now: float) -> None:
        self.arrived_at = now
        self.packets_in += 1
        self.bytes_in += len(data)

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._media_came(data, self._guard.read_at)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._report_came(data, self._guard.read_at)

    def send_packet(self, data: bytes) -> bool:
        """Encrypt and send one RTP or RTCP packet; False if it could not leave."""
        report = is_rtcp(data)
        if self._state is not State.CONNECTED or (self.silenced and not report):  # a report may still say good-bye
            return False
        try:
            secret = self._tx_srtp.protect_rtcp(data) if report else self._tx_srtp.protect(data)
        except (pylibsrtp.Error, ValueError) as error:  # ValueError: too long. Whoever sends serves other peers as well
            logger.warning("a packet could not be encrypted: %s", error)
            return False
        if not self._guard.send_now(secret):
            return False
        self.packets_out += 1
        self.bytes_out += len(data)
        return True


class WideCertificate(RTCCertificate):
    """aiortc's certificate with a cipher list that RSA peers can meet."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(CIPHERS)
        return context
