"""What a connection has counted, under the names of W3C's statistics (webrtc-stats), as a browser's getStats gives it.

A list of dictionaries with `type`, `id` and, for streams, `kind`; sums since the beginning, seconds, bytes, pixels.
Names that W3C does not have are not used, and a value that is not known is left out.
"""

from __future__ import annotations

from typing import Any

from aioice.candidate import Candidate

from .opus import FRAME
from .path import Path
from .receive.receiving import AUDIO_CLOCK
from .receive.stream import IncomingStream
from .send.stream import OutgoingStream
from .session import Session

Statistics = list[dict[str, Any]]


def statistics(session: Session, path: Path) -> Statistics:
    """Of one peer; to be called on the event loop."""
    streams = list(session.receiving.streams.values())
    listed = [*_codecs(session), _transport(path), *_pair(session, path)]
    listed += [_inbound(session, stream) for stream in streams]
    for kind, stream in zip(("audio", "video"), session.sending.streams, strict=False):
        listed += [_outbound(session, kind, stream), _remote_inbound(session, kind, stream)]
    return [{name: value for name, value in entry.items() if value is not None} for entry in listed]


def _codecs(session: Session) -> Statistics:
    return [
        {
            "type": "codec",
            "id": f"codec-{media.kind}",
            "mimeType": f"{media.kind}/{media.codecs[0].name}",
            "payloadType": media.codecs[0].payload_type,
            "clockRate": media.codecs[0].clock_rate,
        }
        for media in session.terms.media
    ]


def _transport(path: Path) -> dict[str, Any]:
    transport = path.transport
    return {
        "type": "transport",
        "id": "transport",
        "bytesSent": transport.bytes_out,
        "bytesReceived": transport.bytes_in,
        "packetsSent": transport.packets_out,
        "packetsReceived": transport.packets_in,
        "dtlsState": transport.state,
        "iceRole": "controlling" if path.connection.ice_controlling else "controlled",
        "selectedCandidatePairId": "pair",
    }


def _pair(session: Session, path: Path) -> Statistics:
    chosen = path.connection.chosen
    if chosen is None:
        return []
    controller = session.sending.controller
    pair = {
        "type": "candidate-pair",
        "id": "pair",
        "transportId": "transport",
        "localCandidateId": "local-candidate",
        "remoteCandidateId": "remote-candidate",
        "state": "succeeded",
        "nominated": True,
        "currentRoundTripTime": session.sending.rtt,
        "availableOutgoingBitrate": controller.estimate,
    }
    return [
        pair,
        _candidate("local-candidate", chosen.local_candidate),
        _candidate("remote-candidate", chosen.remote_candidate),
    ]


def _candidate(kind: str, candidate: Candidate) -> dict[str, Any]:
    return {
        "type": kind,
        "id": kind,
        "address": candidate.host,
        "port": candidate.port,
        "protocol": candidate.transport,
        "candidateType": candidate.type,
        "priority": candidate.priority,
    }


def _inbound(session: Session, stream: IncomingStream) -> dict[str, Any]:
    kind = "audio" if stream.clock_rate == AUDIO_CLOCK else "video"
    return {
        "type": "inbound-rtp",
        "id": f"inbound-{stream.ssrc}",
        "kind": kind,
        "ssrc": stream.ssrc,
        "codecId": f"codec-{kind}",
        "transportId": "transport",
        "packetsReceived": stream.packets,
        "bytesReceived": stream.octets,
        "packetsLost": stream.expected - stream.packets,
        "jitter": stream.jitter,
        **(_heard(session) if kind == "audio" else _seen(session)),
    }


def _heard(session: Session) -> dict[str, Any]:
    buffer = session.receiving.hearing.playout.buffer
    counted = buffer.stats
    return {
        "jitterBufferDelay": counted.delay_sum * FRAME,
        "jitterBufferEmittedCount": counted.played * FRAME,
        "jitterBufferTargetDelay": buffer.target * counted.played * FRAME,
        "totalSamplesReceived": counted.turns * FRAME,
        "concealedSamples": counted.concealed * FRAME,
        "silentConcealedSamples": min(counted.silent, counted.concealed) * FRAME,
        "insertedSamplesForDeceleration": round(counted.inserted * AUDIO_CLOCK),
        "removedSamplesForAcceleration": round(counted.removed * AUDIO_CLOCK),
        "packetsDiscarded": counted.packets_discarded + counted.packets_late,
        "fecPacketsReceived": counted.copied + counted.recovered,
    }


def _seen(session: Session) -> dict[str, Any]:
    seeing = session.receiving.seeing
    if seeing is None:
        return {}
    freezes = seeing.freezes
    return {
        "framesDecoded": seeing.decoded,
        "keyFramesDecoded": seeing.keyframes,
        "framesDropped": seeing.skipped,
        "framesPerSecond": freezes.rate,
        "frameWidth": seeing.size[0],
        "frameHeight": seeing.size[1],
        "freezeCount": freezes.count,
        "totalFreezesDuration": freezes.seconds,
        "nackCount": seeing.nacks.requested,
        "pliCount": seeing.plis,
    }


def _outbound(session: Session, kind: str, stream: OutgoingStream) -> dict[str, Any]:
    return {
        "type": "outbound-rtp",
        "id": f"outbound-{stream.ssrc}",
        "kind": kind,
        "ssrc": stream.ssrc,
        "codecId": f"codec-{kind}",
        "transportId": "transport",
        "remoteId": f"remote-inbound-{stream.ssrc}",
        "packetsSent": stream.packets,
        "bytesSent": stream.octets,
        **(_shown(session) if kind == "video" else {"targetBitrate": session.sending.voice.rate}),
    }


def _shown(session: Session) -> dict[str, Any]:
    picture = session.sending.picture
    if picture is None:
        return {}
    return {
        "framesEncoded": picture.frames,
        "keyFramesEncoded": picture.keyframes,
        "frameWidth": picture.size[0],
        "frameHeight": picture.size[1],
        "targetBitrate": session.sending.picture_rate,
        "retransmittedPacketsSent": picture.repaired,
        "nackCount": picture.nacks,
        "pliCount": picture.plis,
    }


def _remote_inbound(session: Session, kind: str, stream: OutgoingStream) -> dict[str, Any]:
    return {
        "type": "remote-inbound-rtp",
        "id": f"remote-inbound-{stream.ssrc}",
        "kind": kind,
        "ssrc": stream.ssrc,
        "localId": f"outbound-{stream.ssrc}",
        "packetsLost": stream.lost,
        "fractionLost": stream.fraction_lost,
        "jitter": stream.jitter,
        "roundTripTime": session.sending.rtt,
    }
