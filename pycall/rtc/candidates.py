"""Checks ICE candidates of the other side before the ICE library sees them; pure.

aioice believes what it is told: a port of 70000 closes the local socket for good, a name is resolved, two thousand
candidates become two thousand checks. So a candidate has to be an IP literal with a real port, or it is dropped.
"""

from __future__ import annotations

import ipaddress

from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from pycall.core.errors import ErrorCode, MediaError

MAX_CANDIDATES = 40
"""Per side and connection; a machine with ten addresses, STUN and TURN has about thirty."""
MAX_CANDIDATE_LENGTH = 1024
KNOWN_TYPES = ("host", "srflx", "prflx", "relay")
MAX_PRIORITY = 2**31 - 1
"""RFC 8445, 5.1.2.1."""


def check_candidate(text: object, *, allow_loopback: bool) -> RTCIceCandidate:
    """The candidate in `text` (with or without `candidate:` in front); raises `MediaError` (BAD_CANDIDATE)."""
    if not isinstance(text, str) or len(text) > MAX_CANDIDATE_LENGTH:
        raise _bad("it is not a line of at most 1024 characters")
    line = text.strip().removeprefix("a=").removeprefix("candidate:")
    try:
        candidate = candidate_from_sdp(line)
    except (ValueError, AssertionError, IndexError) as error:
        raise _bad("it has no address, port, priority and type") from error
    check_fields(candidate, allow_loopback=allow_loopback)
    return candidate


def check_fields(candidate: RTCIceCandidate, *, allow_loopback: bool) -> None:
    """Raises `MediaError` (BAD_CANDIDATE) unless this candidate may be paired."""
    if candidate.component != 1:
        raise _bad("only component 1 is used (RTP and RTCP share a port)")
    if candidate.protocol.lower() != "udp":
        raise _bad("only UDP is used")
    if candidate.type not in KNOWN_TYPES:
        raise _bad("its type is unknown")
    if not 1 <= candidate.port <= 65535:
        raise _bad("its port is not between 1 and 65535")
    if not 0 <= candidate.priority <= MAX_PRIORITY:
        raise _bad("its priority is not between 0 and 2^31-1")
    _check_address(candidate.ip, allow_loopback)


def _check_address(text: str, allow_loopback: bool) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise _bad("its address is not an IP literal") from error
    if address.is_loopback:
        if not allow_loopback:
            raise _bad("a loopback address is used only where there is no other")
    elif address.is_unspecified or address.is_multicast or address.is_reserved:
        raise _bad("nobody can be reached at its address")
    elif isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.is_link_local):
        raise _bad("IPv4-mapped and link-local IPv6 addresses are not used")


def _bad(why: str) -> MediaError:
    return MediaError(ErrorCode.BAD_CANDIDATE, f"ICE candidate refused: {why}")
