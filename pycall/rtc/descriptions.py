"""Checks SDP of the other side before aiortc acts on it; pure.

aiortc's parser raises seven different exceptions and its state machine trusts what was parsed. Here a description is
parsed once under a net, held to what a pycall peer or a browser sends for one voice and one picture, cleaned of
everything that is not needed, and written again; everything else is one `MediaError` (BAD_SDP).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from aiortc.sdp import DIRECTIONS, MediaDescription, SessionDescription

from pycall.core.errors import ErrorCode, MediaError

from .candidates import MAX_CANDIDATES, check_fields

MAX_SDP_BYTES = 48 * 1024
"""Fits with room into one wire message of 64 KiB; a browser's offer is 4 to 8 KiB."""
MAX_MEDIA_LINES = 8
MAX_CODECS = 128
PARSER_ERRORS = (
    ValueError,  # also UnicodeError
    AssertionError,
    StopIteration,
    IndexError,
    KeyError,
    AttributeError,
    TypeError,
    OverflowError,
)
"""Everything that aiortc's SDP parser was seen to raise on 43 000 mutated descriptions, and OverflowError."""
HASH_LENGTHS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}\Z")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}\Z")
_MID = re.compile(r"[A-Za-z0-9_.+-]{1,16}\Z")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*\Z")


def check_description(
    kind: str, text: object, *, allow_loopback: bool, refused: Callable[[MediaError], None]
) -> SessionDescription:
    """The description in `text`, cleaned; `kind` is `offer` or `answer`.

    Raises `MediaError` (BAD_SDP). A bad candidate in it is left out and given to `refused`.
    """
    if not isinstance(text, str) or len(text.encode("utf-8", "replace")) > MAX_SDP_BYTES:
        raise _bad(f"it is not a text of at most {MAX_SDP_BYTES} bytes")
    if text.count("\nm=") > MAX_MEDIA_LINES:
        raise _bad(f"it has more than {MAX_MEDIA_LINES} media lines")
    try:
        session = SessionDescription.parse(text)
        _check_session(session, kind)
        _clean(session, allow_loopback, refused)
        session.type = kind
        str(session)  # what cannot be written again was not understood
        return session
    except PARSER_ERRORS as error:
        raise _bad(f"it cannot be parsed ({type(error).__name__})") from error


def _check_session(session: SessionDescription, kind: str) -> None:
    kinds = sorted(media.kind for media in session.media)
    if kinds not in (["audio"], ["audio", "video"]):
        raise _bad("it must have one audio line, at most one video line and nothing else")
    mids = [media.rtp.muxId for media in session.media]
    if len(set(mids)) != len(mids) or not all(isinstance(mid, str) and _MID.match(mid) for mid in mids):
        raise _bad("its media lines need different short mids")
    bundle = [group.items for group in session.group if group.semantic == "BUNDLE"]
    if bundle != [mids] and (bundle or len(mids) > 1):
        raise _bad("its media lines must be bundled in their order")
    for media in session.media:
        _check_media(media, kind)


def _check_media(media: MediaDescription, kind: str) -> None:
    if media.profile != "UDP/TLS/RTP/SAVPF" or not media.rtcp_mux:
        raise _bad("only UDP/TLS/RTP/SAVPF with rtcp-mux is spoken")
    if media.ice is None or not _UFRAG.match(media.ice.usernameFragment or ""):
        raise _bad("it has no valid ice-ufrag")
    if not _PASSWORD.match(media.ice.password or ""):
        raise _bad("it has no valid ice-pwd")
    _check_dtls(media, kind)
    types = [codec.payloadType for codec in media.rtp.codecs]
    if not 1 <= len(types) <= MAX_CODECS or len(set(types)) != len(types):
        raise _bad("its codecs need different payload types")
    if not all(payload_type is not None and 0 <= payload_type <= 127 for payload_type in types):
        raise _bad("a payload type has 7 bits")
    if not all(codec.clockRate > 0 for codec in media.rtp.codecs):
        raise _bad("a codec needs a clock rate")
    if not all(0 <= source.ssrc < 2**32 for source in media.ssrc):
        raise _bad("an SSRC has 32 bits")


def _check_dtls(media: MediaDescription, kind: str) -> None:
    if media.dtls is None or (kind == "answer" and media.dtls.role not in ("client", "server")):
        raise _bad("it has no valid a=setup")
    known = [f for f in media.dtls.fingerprints if f.algorithm.lower() in HASH_LENGTHS]
    if not known or len(media.dtls.fingerprints) > 8:
        raise _bad("it needs a fingerprint by sha-256, sha-384 or sha-512")
    for fingerprint in known:
        length = HASH_LENGTHS[fingerprint.algorithm.lower()] * 3 - 1
        if len(fingerprint.value) != length or not _FINGERPRINT.match(fingerprint.value):
            raise _bad("its fingerprint is not one of that algorithm")


def _clean(session: SessionDescription, allow_loopback: bool, refused: Callable[[MediaError], None]) -> None:
    session.host = None
    left = MAX_CANDIDATES
    for media in session.media:
        media.host = media.rtcp_host = None
        media.direction = media.direction if media.direction in DIRECTIONS else "sendrecv"
        media.rtp.headerExtensions = [e for e in media.rtp.headerExtensions if 1 <= e.id <= 14]
        good = []
        for candidate in media.ice_candidates:
            try:
                check_fields(candidate, allow_loopback=allow_loopback)
            except MediaError as error:
                refused(error)
            else:
                good.append(candidate)
        media.ice_candidates = good[: max(left, 0)]
        left -= len(media.ice_candidates)
        if len(media.ice_candidates) < len(good):
            refused(MediaError(ErrorCode.BAD_CANDIDATE, f"more than {MAX_CANDIDATES} ICE candidates"))


def _bad(why: str) -> MediaError:
    return MediaError(ErrorCode.BAD_SDP, f"session description refused: {why}")
