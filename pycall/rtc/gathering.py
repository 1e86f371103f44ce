"""Asks STUN and TURN servers for addresses of ours, all at the same time, while the call is being set up already.

Host candidates are there at once and go out with the description; what the servers say follows as it comes. So a dead
server delays nothing, and a slow one only what needs it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from aioice import ice, stun, turn
from aioice.candidate import Candidate

from .servers import Servers, StunServer, TurnServer

logger = logging.getLogger(__name__)

GATHER_SECONDS = 8.0
"""What no server has told by then is not waited for."""
GOODBYE_SECONDS = 0.4
"""For a TURN server to confirm that we need it no more; else it finds out by itself."""

Found = tuple[Candidate, ice.StunProtocol | None]
"""A candidate; with a relay's the socket to it."""
FAILURES = (OSError, stun.TransactionError, ssl.SSLError, ValueError, KeyError)
"""What asking a server raises when it is not there, refuses us, or answers nonsense; OSError covers time-outs."""


class PromptTurnTransport(turn.TurnTransport):
    """A relay whose good-bye has an end, whether or not the server is there."""

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await super()._close()
        except TimeoutError:
            logger.info("a TURN server did not confirm our good-bye")


async def gather(
    servers: Servers, sockets: list[ice.StunProtocol], new_protocol: Callable[[], ice.StunProtocol]
) -> AsyncIterator[Found]:
    """Each address that a server tells, as it comes; `sockets` are ours, of which those for IPv4 are asked about."""
    asked = [_reflexive(socket, server) for server in servers.stun for socket in sockets if _is_ipv4(socket)]
    asked += [_relayed(server, new_protocol, hidden=servers.relay_only) for server in servers.turn]
    tasks = [asyncio.create_task(one, name="ask an ICE server") for one in asked]
    try:
        for task in asyncio.as_completed(tasks, timeout=GATHER_SECONDS):
            try:
                yield await task
            except FAILURES as error:
                logger.info("an ICE server gave no address: %s", error or type(error).__name__)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_ipv4(socket: ice.StunProtocol) -> bool:
    return ":" not in socket.local_candidate.host


def _reflexive(socket: ice.StunProtocol, server: StunServer) -> Coroutine[Any, Any, Found]:
    return ice.server_reflexive_candidate(socket, (server.host, server.port))


def _relayed(
    server: TurnServer, new_protocol: Callable[[], ice.StunProtocol], *, hidden: bool
) -> Coroutine[Any, Any, Found]:
    return ice.relayed_candidate(
        component=1,
        hide_related_address=hidden,
        protocol_factory=new_protocol,
        turn_server=(server.host, server.port),
        turn_username=server.username,
        turn_password=server.password,
        turn_ssl=server.tls,
        turn_transport=server.transport,
    )
