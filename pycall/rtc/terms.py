"""What two sides agree on for one sound and one picture, and the SDP that says so.

The offer names everything we can do; the answer keeps, in our order of preference, what the offer has too, under the
offer's numbers. So both directions use the same payload types and extension ids, and `Terms` holds them once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from aiortc import RTCIceCandidate
from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcrtpparameters import (
    ParametersDict,
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)
from aiortc.sdp import GroupDescription, MediaDescription, SessionDescription, SsrcDescription

from pycall.core.errors import ErrorCode, MediaError

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
EXTENSIONS = {
    "audio": {MID: 1, AUDIO_LEVEL: 2, TRANSPORT: 3},
    "video": {MID: 1, TRANSPORT: 3, SEND_TIME: 4},
}
FEEDBACK: dict[str, tuple[tuple[str, str | None], ...]] = {
    "audio": (("transport-cc", None),),
    "video": (("goog-remb", None), ("transport-cc", None), ("ccm", "fir"), ("nack", None), ("nack", "pli")),
}
BANDWIDTH_CODECS = ("rtx", "red")
H264_PROFILE = "42e01f"
"""Constrained Baseline; the level is only a promise about what we can decode, and more is asymmetrically allowed."""
OPUS_FORMAT: ParametersDict = {"minptime": 10, "useinbandfec": 1}
STEREO_FORMAT: ParametersDict = {"stereo": 1, "sprop-stereo": 1}
"""What we like to hear, and what we are likely to send (RFC 7587, 6.1); without it a voice in one channel."""
AV1_FORMAT: ParametersDict = {"level-idx": "5", "profile": "0", "tier": "0"}
"""Main profile, and the level that others take for granted where none is said (3.1); decoders take more."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec under its negotiated number; `rtx` is the number of its retransmissions."""

    name: str
    payload_type: int
    clock_rate: int
    rtx: int | None = None
    feedback: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MediaTerms:
    """One m-line: codecs in order of preference, the first is sent; `ssrcs` are those that the other side announced."""

    kind: str
    mid: str
    codecs: tuple[Codec, ...]
    extensions: tuple[RTCRtpHeaderExtensionParameters, ...]
    red: int | None = None
    ssrcs: tuple[int, ...] = ()
    sends: int = 1
    """Channels of sound that we may send: 2 if they want stereo."""
    hears: int = 1
    """Channels of sound that we have asked for."""

    def codec_of(self, payload_type: int) -> Codec | None:
        return next((c for c in self.codecs if c.payload_type == payload_type), None)

    @property
    def numbers(self) -> frozenset[int]:
        """All payload types of this line."""
        found = {self.red, *(c.payload_type for c in self.codecs), *(c.rtx for c in self.codecs)}
        return frozenset(number for number in found if number is not None)

    def has(self, uri: str) -> bool:
        return any(e.uri == uri for e in self.extensions)


@dataclass(frozen=True, slots=True)
class Terms:
    audio: MediaTerms
    video: MediaTerms | None

    @property
    def media(self) -> tuple[MediaTerms, ...]:
        return (self.audio,) if self.video is None else (self.audio, self.video)

    @property
    def transport_feedback(self) -> bool:
        """Whether packets of at least one line carry the transport-wide number."""
        return any(media.has(TRANSPORT) for media in self.media)


REDUCED_SIZE = "a=rtcp-rsize"


@dataclass(frozen=True, slots=True)
class Local:
    """What is ours in a description."""

    ice: RTCIceParameters
    candidates: list[RTCIceCandidate]
    dtls: RTCDtlsParameters
    ssrcs: dict[str, list[int]]
    """By kind; for video the second one carries retransmissions."""
    cname: str
    session: int
    complete: bool = True
    """No more candidates will come."""
    codecs: tuple[str, ...] = field(default=("opus", "H264", "VP8"))
    stereo: bool = False
    """We play stereo, and have it to send (RFC 7587: `stereo` and `sprop-stereo`)."""


# --- the offer --------------------------------------------------------------------------------------------------


def our_codecs(kind: str, names: tuple[str, ...], stereo: bool = False) -> list[RTCRtpCodecParameters]:
    """Everything that can be offered of the wanted names, best first, each picture codec with its retransmissions."""
    if kind == "audio":
        return [
            _codec("audio", "opus", 111, 48000, OPUS_FORMAT | (STEREO_FORMAT if stereo else {}), channels=2),
            _codec("audio", "red", 63, 48000, {"111/111": None}, channels=2, feedback=()),
        ]
    numbers = {"H264": 102, "VP8": 96, "AV1": 45}
    found = []
    for name in names:
        if name in numbers:
            number = numbers[name]
            found.append(_codec("video", name, number, 90000, _format(name)))
            found.append(_codec("video", "rtx", number + 1, 90000, {"apt": number}, feedback=()))
    return found


def _format(name: str) -> ParametersDict:
    if name == "H264":
        return {"level-asymmetry-allowed": 1, "packetization-mode": 1, "profile-level-id": H264_PROFILE}
    return dict(AV1_FORMAT) if name == "AV1" else {}


def _codec(
    kind: str,
    name: str,
    number: int,
    clock: int,
    parameters: ParametersDict,
    *,
    channels: int | None = None,
    feedback: tuple[tuple[str, str | None], ...] | None = None,
) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType=f"{kind}/{name}",
        clockRate=clock,
        channels=channels,
        payloadType=number,
        rtcpFeedback=[RTCRtcpFeedback(*f) for f in (FEEDBACK[kind] if feedback is None else feedback)],
        parameters=parameters,
    )


def write_offer(local: Local) -> str:
    lines = []
    for index, kind in enumerate(("audio", "video")):
        media = MediaDescription(kind, 9, "UDP/TLS/RTP/SAVPF", [])
        media.rtp.codecs = our_codecs(kind, local.codecs, local.stereo)
        media.rtp.headerExtensions = [RTCRtpHeaderExtensionParameters(i, uri) for uri, i in EXTENSIONS[kind].items()]
        media.rtp.muxId = str(index)
        lines.append(_complete(media, local, "auto"))
    return _write(lines, local, reduced=True)


def _complete(media: MediaDescription, local: Local, role: str) -> MediaDescription:
    media.host, media.rtcp_host, media.rtcp_port, media.rtcp_mux = "0.0.0.0", "0.0.0.0", 9, True
    media.direction = "sendrecv"
    media.fmt = [codec.payloadType for codec in media.rtp.codecs]
    ssrcs = local.ssrcs[media.kind] if any(c.name == "rtx" for c in media.rtp.codecs) else local.ssrcs[media.kind][:1]
    media.msid = f"{local.cname} {media.kind}"
    media.ssrc = [SsrcDescription(ssrc, cname=local.cname) for ssrc in ssrcs]
    media.ssrc_group = [GroupDescription("FID", list(ssrcs))] if len(ssrcs) == 2 else []
    media.ice, media.ice_candidates, media.ice_candidates_complete = local.ice, local.candidates, local.complete
    media.dtls = RTCDtlsParameters(fingerprints=local.dtls.fingerprints, role=role)
    return media


def _write(media: list[MediaDescription], local: Local, *, reduced: bool) -> str:
    """`reduced`: feedback may come without a report in front of it (RFC 5506), which aiortc's SDP has no word for."""
    session = SessionDescription()
    session.origin = f"- {local.session} 0 IN IP4 0.0.0.0"
    session.group = [GroupDescription("BUNDLE", [m.rtp.muxId for m in media])]
    session.msid_semantic = [GroupDescription("WMS", ["*"])]
    session.media = media
    text = str(session)
    return text.replace("a=rtcp-mux\r\n", f"a=rtcp-mux\r\n{REDUCED_SIZE}\r\n") if reduced else text


# --- the answer -------------------------------------------------------------------------------------------------


def write_answer(offer: SessionDescription, local: Local, *, reduced: bool = False) -> tuple[str, Terms]:
    """The answer to a checked offer and what is agreed by it; raises `MediaError` (BAD_SDP) without a common codec.

    `reduced`: they offer RTCP of reduced size.
    """
    lines = []
    for theirs in offer.media:
        assert theirs.dtls is not None
        media = MediaDescription(theirs.kind, 9, theirs.profile, [])
        media.rtp.codecs = _common(theirs, local.codecs, local.stereo)
        known = EXTENSIONS[theirs.kind]
        media.rtp.headerExtensions = [e for e in theirs.rtp.headerExtensions if e.uri in known]
        media.rtp.muxId = theirs.rtp.muxId
        # RFC 8842: whoever answers `actpass` is best active, so that its first flight follows its answer at once.
        lines.append(_complete(media, local, "server" if theirs.dtls.role == "client" else "client"))
        media.rtcp_mux = True
    text = _write(lines, local, reduced=reduced)
    return text, _terms(lines, offer.media, _wants_stereo(offer.media), local.stereo)


def read_answer(answer: SessionDescription, names: tuple[str, ...], *, stereo: bool = False) -> Terms:
    """What is agreed by a checked answer to our offer; raises `MediaError` (BAD_SDP) if it agrees to nothing."""
    wanted = _wants_stereo(answer.media)
    for media in answer.media:
        media.rtp.codecs = [*_common(media, names, stereo), *_left_out(media, names)]
    return _terms(answer.media, answer.media, wanted, stereo)


def _wants_stereo(theirs: list[MediaDescription]) -> bool:
    """Their decoder likes two channels; who says nothing likes one (RFC 7587, 6.1)."""
    voices = [codec for media in theirs for codec in media.rtp.codecs if codec.name.lower() == "opus"]
    return any(str(codec.parameters.get("stereo")) == "1" for codec in voices)


def _left_out(answered: MediaDescription, names: tuple[str, ...]) -> list[RTCRtpCodecParameters]:
    """Picture codecs of our offer that the answer does not take: never sent, but understood. Chromium goes on sending
    our first one, whatever its page has left out of the answer (`setCodecPreferences` is about receiving only)."""
    if answered.kind == "audio":
        return []
    taken = {codec.payloadType for codec in answered.rtp.codecs}
    ours = [codec for codec in our_codecs("video", names) if codec.payloadType not in taken]
    return [codec for codec in ours if codec.parameters.get("apt") not in taken]


def _common(theirs: MediaDescription, names: tuple[str, ...], stereo: bool) -> list[RTCRtpCodecParameters]:
    """Their codecs that we can do, in our order, with our parameters under their numbers."""
    common: list[RTCRtpCodecParameters] = []
    for ours in our_codecs(theirs.kind, names, stereo):
        match = next((c for c in theirs.rtp.codecs if _same(ours, c, common)), None)
        if match is None or match.payloadType is None:
            continue
        feedback = [f for f in match.rtcpFeedback if f in ours.rtcpFeedback]
        parameters = dict(match.parameters) if ours.name in BANDWIDTH_CODECS else dict(ours.parameters)
        if ours.name == "H264":  # the profile is theirs to name: 42001f and 42e01f are the same to us, not to them
            parameters["profile-level-id"] = match.parameters.get("profile-level-id", H264_PROFILE)
        elif ours.name == "AV1":  # an answer keeps what the offer says
            parameters = {name: match.parameters.get(name, value) for name, value in AV1_FORMAT.items()}
        common.append(
            _codec(theirs.kind, ours.name, match.payloadType, ours.clockRate, parameters, channels=ours.channels)
        )
        common[-1].rtcpFeedback = feedback
    if not any(codec.name not in BANDWIDTH_CODECS for codec in common):
        raise MediaError(ErrorCode.BAD_SDP, f"session description refused: no common {theirs.kind} codec")
    return common


def _same(
    ours: RTCRtpCodecParameters,
    theirs: RTCRtpCodecParameters,
    taken: list[RTCRtpCodecParameters],
) -> bool:
    if ours.name.lower() != theirs.name.lower() or ours.clockRate != theirs.clockRate:
        return False
    match ours.name:
        case "rtx":
            # It belongs to the codec taken just before, if that one was found at all.
            return bool(taken) and taken[-1].name != "rtx" and theirs.parameters.get("apt") == taken[-1].payloadType
        case "H264":
            return _same_h264(theirs)
        case "AV1":
            return str(theirs.parameters.get("profile", "0")) == "0"
        case "red":
            return bool(taken)
    return True


def _same_h264(theirs: RTCRtpCodecParameters) -> bool:
    """Constrained Baseline (or plain Baseline, which every sender of it restricts to that) in packetization mode 1."""
    profile = str(theirs.parameters.get("profile-level-id", "42001f")).lower()
    mode = str(theirs.parameters.get("packetization-mode", "0"))
    return profile.startswith("42") and mode == "1"


def _announced(media: MediaDescription) -> tuple[int, ...]:
    return tuple(source.ssrc for source in media.ssrc[:2])


def _terms(media: list[MediaDescription], theirs: list[MediaDescription], send: bool, hear: bool) -> Terms:
    """`send`, `hear`: stereo."""
    announced = {m.kind: _announced(m) for m in theirs}
    by_kind = {m.kind: _media_terms(m, announced[m.kind]) for m in media}
    audio = replace(by_kind["audio"], sends=1 + send, hears=1 + hear)
    return Terms(audio, by_kind.get("video"))


def _media_terms(media: MediaDescription, ssrcs: tuple[int, ...]) -> MediaTerms:
    rtx = {c.parameters.get("apt"): c.payloadType for c in media.rtp.codecs if c.name == "rtx"}
    codecs = tuple(
        Codec(
            c.name,
            c.payloadType or 0,
            c.clockRate,
            rtx.get(c.payloadType),
            frozenset(" ".join(filter(None, (f.type, f.parameter))) for f in c.rtcpFeedback),
        )
        for c in media.rtp.codecs
        if c.name not in BANDWIDTH_CODECS
    )
    red = next((c.payloadType for c in media.rtp.codecs if c.name == "red"), None)
    return MediaTerms(media.kind, media.rtp.muxId, codecs, tuple(media.rtp.headerExtensions), red, ssrcs)
