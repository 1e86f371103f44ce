"""Every internal of aiortc and aioice that pycall relies on, with its reason, and a check that it is still there.

The versions are pinned to a minor release; this is for the release that moves something all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from types import CodeType

from pycall.core.errors import ErrorCode, MediaError


@dataclass(frozen=True, slots=True)
class Reliance:
    """`names` of the class or module at `owner`; with `used`, names that the code of its methods uses: attributes of
    instances, and globals that are looked up when something is made."""

    owner: str
    names: tuple[str, ...]
    reason: str
    used: bool = False


RELIANCES = (
    Reliance("aioice.ice:StunProtocol", ("datagram_received",), "the guard stands in front of it"),
    Reliance(
        "aioice.ice:Connection",
        (
            "connect",
            "request_received",
            "data_received",
            "get_component_candidates",
            "query_consent",
            "close",
            "build_request",
            "check_incoming",
            "check_start",
            "sort_check_list",
            "_check_periodic",
            "_check_list_maybe_fail",
            "_remote_candidates_expected",
            "_pair_remote_candidate",
            "_unfreeze_initial",
            "_valid_username",
            "_emit_event",
        ),
        "the guarded connection overrides the public ones and steps through the checks itself",
    ),
    Reliance(
        "aioice.ice:Connection",
        (
            "_check_list",
            "_check_list_state",
            "_closed",
            "recvfrom",
            "_early_checks",
            "_early_checks_done",
            "_local_candidates",
            "_local_candidates_end",
            "_nominated",
            "_protocols",
            "_queue",
            "_query_consent_task",
            "_remote_candidates",
            "StunProtocol",
        ),
        "the same, its state; its sockets are swapped by their name",
        used=True,
    ),
    Reliance(
        "aioice.ice",
        (
            "get_host_addresses",
            "server_reflexive_candidate",
            "relayed_candidate",
            "TransportPolicy",
            "CandidatePair",
            "ConnectionClosed",
            "ICE_COMPLETED",
            "CONSENT_INTERVAL",
        ),
        "names used by the guarded connection",
    ),
    Reliance("aioice.turn:TurnTransport", ("_close",), "a relay's good-bye gets an end"),
    Reliance(
        "aiortc.rtcicetransport:RTCIceGatherer",
        ("Connection", "_connection"),
        "aioice's connection is swapped by its name and found again",
        used=True,
    ),
    Reliance(
        "aiortc.rtcdtlstransport:RTCDtlsTransport",
        ("_handle_rtp_data", "_handle_rtcp_data", "_set_role", "_write_ssl"),
        "decrypted packets come out of the first two until media takes its short way; what the last writes is repeated",
    ),
    Reliance("aiortc.rtcdtlstransport:RTCDtlsTransport", ("_ssl", "_role", "bio_read"), "the same", used=True),
    Reliance(
        "aiortc.rtcdtlstransport:RTCDtlsTransport",
        ("_rx_srtp", "_tx_srtp", "_state"),
        "media is encrypted and decrypted without their queue and task",
        used=True,
    ),
    Reliance("aioice.stun:Transaction", ("RETRY_RTO", "RETRY_MAX"), "a lost check is repeated soon", used=True),
    Reliance("aiortc.rtcdtlstransport:RTCCertificate", ("_create_ssl_context",), "the cipher list is set there"),
    Reliance("aiortc.codecs.h264:H264Encoder", ("_split_bitstream", "_packetize"), "RTP payloads of H.264"),
    Reliance("aiortc.codecs.vpx:Vp8Encoder", ("_packetize",), "RTP payloads of VP8"),
    Reliance("aiortc.codecs", ("depayload",), "pictures out of RTP payloads"),
)


def check_internals(reliances: tuple[Reliance, ...] = RELIANCES) -> None:
    """Raises `MediaError` (NO_LIBRARY) naming what has moved."""
    missing = [f"{r.owner} {name} ({r.reason})" for r in reliances for name in r.names if not _holds(r, name)]
    if missing:
        versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("aiortc", "aioice"))
        raise MediaError(
            ErrorCode.NO_LIBRARY,
            f"{versions} are not the versions pycall was built for; install aiortc 1.16 and aioice 0.13: "
            + "; ".join(missing),
        )


def _holds(reliance: Reliance, name: str) -> bool:
    module, _, attribute = reliance.owner.partition(":")
    try:
        owner = import_module(module)
        if attribute:
            owner = getattr(owner, attribute)
    except (ImportError, AttributeError):
        return False
    return name in set(_names_used(owner)) if reliance.used else hasattr(owner, name)


def _names_used(owner: object) -> Iterator[str]:
    """Read from the compiled code: it is there without the source text, and reading it opens no file."""
    for member in vars(owner).values():
        function = getattr(member, "fget", member)
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
        if code is not None:
            yield from _names_in(code)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
