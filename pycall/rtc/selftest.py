"""Every internal of aiortc and aioice that pycall relies on, with its reason, and a check that it is still there.

The versions are pinned to a minor release; this is for the release that moves something all the same.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module, metadata

from pycall.core.errors import ErrorCode, MediaError


@dataclass(frozen=True, slots=True)
class Reliance:
    """`names` of the class or module at `owner`. With `source` they are looked for in its source text: attributes
    that only exist in instances, or names that a function looks up."""

    owner: str
    names: tuple[str, ...]
    reason: str
    source: bool = False


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
            "sort_check_list",
            "_check_periodic",
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
            "self._check_list",
            "self._check_list_state",
            "self._closed",
            "self._early_checks",
            "self._early_checks_done",
            "self._local_candidates",
            "self._local_candidates_end",
            "self._nominated",
            "self._protocols",
            "self._queue",
            "self._query_consent_task",
            "self._remote_candidates",
            " StunProtocol(self)",
        ),
        "the same, its state",
        source=True,
    ),
    Reliance(
        "aioice.ice",
        ("get_host_addresses", "CandidatePair", "ConnectionClosed", "ICE_COMPLETED", "CONSENT_INTERVAL"),
        "names used by the guarded connection",
    ),
    Reliance("aiortc.rtcicetransport:RTCIceGatherer", (" Connection(", "self._connection"), "swapped", source=True),
    Reliance(
        "aiortc.rtcpeerconnection:RTCPeerConnection",
        (" RTCDtlsTransport(", " RTCIceTransport(", "RTCRtpSender(", "RTCRtpReceiver(", "RTCCertificate."),
        "swapped by these names",
        source=True,
    ),
    Reliance(
        "aiortc.rtcdtlstransport:RTCDtlsTransport",
        ("_handle_rtp_data", "_handle_rtcp_data", "_send_rtp"),
        "arrivals are stamped there, and sending is silenced there",
    ),
    Reliance("aiortc.rtcdtlstransport:RTCCertificate", ("_create_ssl_context",), "the cipher list is set there"),
    Reliance(
        "aiortc.rtcrtpsender:RTCRtpSender",
        ("_next_encoded_frame", "_send_keyframe", "_handle_rtcp_packet"),
        "our encoders, keyframes and rate",
    ),
    Reliance("aiortc.rtcrtpsender:RTCRtpSender", ("self._ssrc", "self._rtx_ssrc"), "REMB names it", source=True),
    Reliance("aiortc.rtcrtpsender:RTCEncodedFrame", ("__init__",), "what our encoders give to the sender"),
    Reliance("aiortc.rtcrtpreceiver:RTCRtpReceiver", ("_handle_rtcp_packet",), "a BYE is ignored there"),
    Reliance(
        "aiortc.rtcrtpreceiver:RTCRtpReceiver",
        (
            "self.__jitter_buffer.add(packet)",
            "self.__nack_generator.add(packet)",
            "self.__nack_generator.missing",
            "self.__codecs",
            "self.__remote_streams",
            "target=decoder_worker",
            "packet._data",
        ),
        "our buffers and lists stand in their place, the counters are read",
        source=True,
    ),
    Reliance(
        "aiortc.rtcrtpreceiver:StreamStatistics",
        ("packets_expected", "jitter"),
        "loss and jitter of what arrives",
    ),
    Reliance("aiortc.codecs.h264:H264Encoder", ("_split_bitstream", "_packetize"), "RTP payloads of H.264"),
    Reliance("aiortc.codecs.vpx:Vp8Encoder", ("_packetize",), "RTP payloads of VP8"),
    Reliance("aiortc.codecs", ("CODECS", "get_encoder"), "the offer's Opus line; G.722 and G.711"),
)


def check_internals() -> None:
    """Raises `MediaError` (NO_LIBRARY) naming what has moved."""
    missing = [f"{r.owner} {name} ({r.reason})" for r in RELIANCES for name in r.names if not _holds(r, name)]
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
        return name in inspect.getsource(owner) if reliance.source else hasattr(owner, name)
    except (ImportError, AttributeError):
        return False
    except OSError:  # installed without its source text: there is nothing to look at
        return True
