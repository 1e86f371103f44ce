"""The path of datagrams: a guard in front of ICE and DTLS, and ICE that reacts at once.

aioice hands every datagram that is not STUN to DTLS, wherever it comes from, and aiortc's DTLS task dies of an empty
one, of one that is too long, and during the handshake of a forged hello or alert. Here a datagram gets through only
if it is STUN, or comes from an address that has proved by an ICE check that it knows our password.
"""

from __future__ import annotations

import asyncio
import logging
import random
import struct
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aioice import ice, stun
from aioice.candidate import Candidate

from .addresses import alive
from .datagrams import StampedReader
from .flights import is_handshake

logger = logging.getLogger(__name__)

LONGEST_DATAGRAM = 1500
"""libsrtp's buffer in pylibsrtp; nobody sends more than an Ethernet frame."""
MAX_WAITING = 1024
"""Datagrams between the socket and DTLS: half a second of 1080p."""
MOST_EARLY = 256
"""Packets of media kept until the keys are there: a keyframe, and a second of sound and pictures of a call's start."""
MAX_TRUSTED = 64
CHECK_PACE = 0.02
"""Seconds between two ICE checks (RFC 8445, Ta is 50 ms for many, 20 ms is aioice's choice)."""
FIRST_RETRY_SECONDS = 0.1
"""A STUN request is repeated after this, then after twice as long, and so on; RFC 8445's half second is for servers."""
STUN_RETRIES = 8
"""The last of nine requests waits until 51 s after the first."""
CONSENT_RETRIES = 5
"""An answer may take 6.3 s."""
CONSENT_SECONDS = 30.0
"""Without an answer for so long consent is lost (RFC 7675, 5.1)."""
CLOSE_SECONDS = 0.5
LOOPBACK = "127.0.0.1"

PACKET_ERRORS = (
    ValueError,
    struct.error,
    LookupError,
    AssertionError,
    TypeError,
    AttributeError,
    ArithmeticError,
)
"""What aioice's and aiortc's packet parsers raise on bytes nobody should send."""


def machine_has_no_network() -> bool:
    """True if every address of this machine is a loopback address: then calls on it use 127.0.0.1."""
    return not ice.get_host_addresses(use_ipv4=True, use_ipv6=True)


def _is_stun(data: bytes) -> bool:
    """By the first two bits and the magic cookie (RFC 8489, 5)."""
    return len(data) >= stun.HEADER_LENGTH and data[0] < 4 and data[4:8] == b"\x21\x12\xa4\x42"


class Datagram(bytes):
    """A datagram with its arrival by `time.monotonic()`; None if nobody has stamped it."""

    arrived_at: float | None = None


class GuardedProtocol(ice.StunProtocol):
    """One UDP socket (or TURN relay) of a connection."""

    _reader: StampedReader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(GuardedConnection, self.receiver).opened(self)
        # Not by its class: before Python 3.12 asyncio's own is no DatagramTransport. A relay has no socket of its own.
        if transport.get_extra_info("socket") is not None:
            transport = cast(asyncio.DatagramTransport, transport)
            self._reader = StampedReader(transport, self.datagram_received, self.error_received)

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        guard: GuardedConnection = self.receiver  # type: ignore[assignment]
        if not guard.admits(self, data, (addr[0], addr[1])):
            return
        arrived_at = self._reader.arrived_at if self._reader is not None else None
        if 128 <= data[0] <= 191:  # SRTP or SRTCP (RFC 7983, 7)
            if guard.media is not None:
                guard.media(data, time.monotonic() if arrived_at is None else arrived_at)
                return
            if guard.keep_early(data, time.monotonic() if arrived_at is None else arrived_at):
                return
        stamped = Datagram(data)
        stamped.arrived_at = arrived_at
        try:
            super().datagram_received(stamped, addr)
        except PACKET_ERRORS:
            guard.refused["malformed stun"] += 1


class GuardedConnection(ice.Connection):
    """aioice's ICE with a guard, without its 20 ms pause after success, and with an end to every wait."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.read_at = 0.0
        """Arrival of the datagram that `recv` gave last, by `time.monotonic()`."""
        self.on_handshake: Callable[[], Awaitable[None]] | None = None
        """Called with each datagram of a DTLS handshake that is read."""
        self.round_trip: float | None = None
        """Seconds, of the quickest ICE check so far."""
        self.media: Callable[[bytes, float], None] | None = None
        """Takes SRTP and SRTCP with the moment of arrival straight from the socket, once the keys are there: there are
        hundreds a second, and a queue and a task between would cost more than all the rest."""
        self.early: list[tuple[bytes, float]] | None = []
        """Media with its arrival that came before our keys, which the other has already: the first keyframe as a rule.
        None once the keys are there."""
        self.refused: Counter[str] = Counter()
        """Datagrams dropped, by reason."""
        self.gathered = True
        """False while servers are being asked for more addresses of ours."""
        self._trusted: deque[tuple[str, int]] = deque(maxlen=MAX_TRUSTED)
        self._sockets: list[GuardedProtocol] = []

    # --- the guard

    def admits(self, protocol: ice.StunProtocol, data: bytes, addr: tuple[str, int]) -> bool:
        """Whether a datagram may go on; counted in `refused` if not."""
        if addr in self._trusted and 0 < len(data) <= LONGEST_DATAGRAM:  # nearly all: looked at no further
            return True
        reason = None
        if not data:
            reason = "empty"
        elif len(data) > LONGEST_DATAGRAM:
            reason = "too long"
        elif not _is_stun(data) and not self._is_trusted(addr):
            reason = "stranger"
        if reason is not None:
            self.refused[reason] += 1
        return reason is None

    def _is_trusted(self, addr: tuple[str, int]) -> bool:
        succeeded = ice.CandidatePair.State.SUCCEEDED
        if any(pair.state is succeeded and pair.remote_addr == addr for pair in self._check_list):
            self._trusted.append(addr)
            return True
        return False

    def request_received(self, message: stun.Message, addr: tuple[str, int], protocol: ice.StunProtocol) -> None:
        # Whoever signs a check with our password was given it by the signaling: their first DTLS flight may come
        # before our own check of that address has its answer.
        if addr not in self._trusted and self._is_signed(message):
            self._trusted.append(addr)
        super().request_received(message, addr, protocol)

    def _is_signed(self, message: stun.Message) -> bool:
        if not {"MESSAGE-INTEGRITY", "USERNAME", "PRIORITY"} <= message.attributes.keys():
            return False
        return bool(
            self._valid_username(message.attributes["USERNAME"])
            and message.check_message_integrity(self.local_password.encode("utf8"))
        )

    def keep_early(self, data: bytes, arrived_at: float) -> bool:
        """Whether media that nobody can read yet has been dealt with."""
        if self.early is None:
            return False
        if len(self.early) < MOST_EARLY:
            self.early.append((data, arrived_at))
        else:
            self.refused["too early"] += 1
        return True

    def data_received(self, data: bytes, component: int) -> None:
        if self._queue.qsize() >= MAX_WAITING:
            self.refused["queue full"] += 1
            if self._queue.get_nowait() is None:  # the end of the connection must not get lost
                self._queue.put_nowait(None)
                return
        super().data_received(data, component)

    async def recv(self) -> bytes:
        """The next datagram; when it came is in `read_at`."""
        data = await super().recv()
        arrived_at = data.arrived_at if isinstance(data, Datagram) else None
        self.read_at = time.monotonic() if arrived_at is None else arrived_at
        if self.on_handshake is not None and is_handshake(data):
            await self.on_handshake()
        return data

    @property
    def chosen(self) -> ice.CandidatePair | None:
        """The pair in use."""
        return self._nominated.get(1)

    def send_now(self, data: bytes) -> bool:
        """Send a datagram on the chosen pair without waiting for anything; False if there is none."""
        pair = self.chosen
        if pair is None:
            return False
        pair.protocol.transport.sendto(data, pair.remote_addr)
        return True

    # --- gathering, checking, consent, closing

    def opened(self, protocol: GuardedProtocol) -> None:
        """A socket has been opened: aioice knows of it only when gathering is done, which may be never."""
        self._sockets.append(protocol)
        if self._closing:
            protocol.transport.close()

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 1) -> list[Candidate]:
        """Our own addresses; what servers know of us comes by `add_local`."""
        if self._transport_policy is ice.TransportPolicy.RELAY:
            return []
        found = await super().get_component_candidates(component, alive(addresses) or [LOOPBACK], timeout)
        if not found and addresses:
            found = await super().get_component_candidates(component, [LOOPBACK], timeout)
        return list(found)

    def new_protocol(self) -> GuardedProtocol:
        """For the socket of a relay."""
        return GuardedProtocol(self)

    def add_local(self, candidate: Candidate, relay: ice.StunProtocol | None) -> bool:
        """One more address of ours, with its socket if it is a relay's; False if it is known already."""
        if self._closing:
            return False
        if any((known.host, known.port) == (candidate.host, candidate.port) for known in self._local_candidates):
            return False
        self._local_candidates.append(candidate)
        if relay is not None:
            self._protocols.append(relay)
            for remote in self._remote_candidates:
                self._pair_remote_candidate(remote)
            self.sort_check_list()
        return True

    def all_found(self) -> None:
        """No more of our own addresses will come."""
        self.gathered = True
        if self._early_checks_done:
            self._check_list_maybe_fail()

    def _remote_candidates_expected(self) -> bool:
        """As long as addresses of either side may still come, no pair left to try is no failure."""
        return not self.gathered or bool(super()._remote_candidates_expected())

    async def connect(self) -> None:
        """As aioice's, but a check that succeeds ends the wait at once instead of at the next 20 ms step."""
        if not self._local_candidates_end or self.remote_username is None or self.remote_password is None:
            raise ConnectionError("candidates were not gathered or the other side's password is missing")
        for remote_candidate in self._remote_candidates:
            self._pair_remote_candidate(remote_candidate)
        self.sort_check_list()
        self._unfreeze_initial()
        for early_check in self._early_checks:
            self.check_incoming(*early_check)
        self._early_checks.clear()
        self._early_checks_done = True
        try:
            succeeded = await self._check_until_done()
        finally:
            for pair in self._check_list:
                if pair.task:
                    pair.task.cancel()
        if not succeeded:
            raise ConnectionError("no path to the other side")
        self._query_consent_task = asyncio.create_task(self.query_consent())

    async def check_start(self, pair: ice.CandidatePair) -> None:
        """As aioice's; how long it took is kept."""
        began = time.monotonic()
        await super().check_start(pair)
        if pair.state is ice.CandidatePair.State.SUCCEEDED:
            took = time.monotonic() - began
            self.round_trip = took if self.round_trip is None else min(took, self.round_trip)

    async def _check_until_done(self) -> bool:
        verdict = asyncio.ensure_future(self._check_list_state.get())
        try:
            while not verdict.done() and self._check_periodic():
                await asyncio.wait([verdict], timeout=CHECK_PACE)
            if not verdict.done() and not self._check_list:
                return False
            return bool(await verdict == ice.ICE_COMPLETED)
        finally:
            verdict.cancel()

    async def query_consent(self) -> None:
        """Ask every 4 to 6 s whether the other side is there; close after 30 s without an answer (RFC 7675).

        aioice gives each question 500 ms, which ends calls over satellites.
        """
        answered = time.monotonic()
        while time.monotonic() - answered < CONSENT_SECONDS:
            await asyncio.sleep(ice.CONSENT_INTERVAL * (0.8 + 0.4 * random.random()))
            for pair in list(self._nominated.values()):
                try:
                    await pair.protocol.request(
                        self.build_request(pair, nominate=False),
                        pair.remote_addr,
                        integrity_key=(self.remote_password or "").encode("utf8"),
                        retransmissions=CONSENT_RETRIES,
                    )
                    answered = time.monotonic()
                except stun.TransactionError:
                    logger.debug("no answer to a consent check for %.0f s", time.monotonic() - answered)
        self._query_consent_task = None
        await self.close()

    async def close(self) -> None:
        """Within half a second, even if a TURN server does not answer."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await super().close()
        except TimeoutError:
            logger.info("ICE was closed without waiting for the relay")
            self._abandon()
        finally:
            for protocol in self._sockets:
                protocol.transport.close()
            self._sockets.clear()

    def _abandon(self) -> None:
        """What aioice's `close` does after its sockets have closed. A relay goes on trying to say good-bye."""
        for protocol in self._protocols:
            protocol.transport.close()
        self._protocols.clear()
        self._local_candidates.clear()
        self._queue.put_nowait(None)
        if not self._closed:
            self._emit_event(ice.ConnectionClosed())
            self._closed = True
