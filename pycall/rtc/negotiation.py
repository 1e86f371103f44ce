"""The exchange of one offer and one answer, and of candidates that come when they come.

    offering:     offer ──►   ◄── answer       candidates any time
    answering:    ◄── offer   answer ──►       candidates any time

Both media are negotiated once, in both directions; what flows in them is not negotiated at all. A second offer or
answer of the same connection is a repetition and dropped. Whatever comes from the other side is checked before aiortc
sees it; what is refused is counted and changes nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.sdp import SessionDescription

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.wire import Signaled

from .candidates import MAX_CANDIDATES, check_candidate
from .descriptions import PARSER_ERRORS, check_description

logger = logging.getLogger(__name__)

LIBRARY_ERRORS = (*PARSER_ERRORS, OSError, InternalError, InvalidAccessError, InvalidStateError, OperationError)
MEDIA_ORDER = ("audio", "video")


class Negotiation:
    """One connection's offer and answer. Not reentrant: its owner gives it one message at a time.

    `add_media` puts our sound and picture into the connection, in the order of the offer; `send` takes the kind and
    the text of what has to go to the other side.
    """

    def __init__(
        self,
        connection: RTCPeerConnection,
        *,
        offers: bool,
        allow_loopback: bool,
        add_media: Callable[[tuple[str, ...]], None],
        send: Callable[[str, str], None],
    ) -> None:
        self.refused: Counter[ErrorCode] = Counter()
        """What was dropped, by code."""
        self._connection = connection
        self._offers = offers
        self._allow_loopback = allow_loopback
        self._add_media = add_media
        self._send = send
        self._described = False
        self._mids: list[str] = []
        self._early: list[Signaled] = []
        self._candidates = 0

    async def begin(self) -> None:
        """The offering side speaks first."""
        if self._offers:
            self._add_media(MEDIA_ORDER)
            await self._connection.setLocalDescription()
            self._send("offer", self._connection.localDescription.sdp)

    async def take(self, signaled: Signaled) -> None:
        """A message of the other side about this connection; never raises for what is in it."""
        try:
            if signaled.kind == "candidate":
                await self._take_candidate(signaled)
            elif self._described or (signaled.kind == "offer") is self._offers:
                logger.debug("a repeated or crossing %s was dropped", signaled.kind)
            else:
                await self._take_description(signaled)
        except MediaError as error:
            self._refuse(error)

    async def _take_description(self, signaled: Signaled) -> None:
        session = check_description(
            signaled.kind, signaled.sdp, allow_loopback=self._allow_loopback, refused=self._refuse
        )
        await self._apply(session, signaled.kind)
        self._described = True
        early, self._early = self._early, []
        for candidate in early:
            await self.take(candidate)

    async def _apply(self, session: SessionDescription, kind: str) -> None:
        self._mids = [media.rtp.muxId for media in session.media]
        if kind == "offer":
            self._add_media(tuple(media.kind for media in session.media))
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=str(session), type=kind))
            if kind == "offer":
                await self._connection.setLocalDescription()
        except LIBRARY_ERRORS as error:
            raise MediaError(ErrorCode.BAD_SDP, f"session description refused: {error}") from error
        if kind == "offer":
            self._send("answer", self._connection.localDescription.sdp)

    async def _take_candidate(self, signaled: Signaled) -> None:
        if not self._described:
            if len(self._early) < MAX_CANDIDATES:
                self._early.append(signaled)
            return
        if not signaled.candidate:  # the end of candidates; browsers write it as an empty line, too
            await self._connection.addIceCandidate(None)
            return
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise MediaError(ErrorCode.BAD_CANDIDATE, f"more than {MAX_CANDIDATES} ICE candidates")
        self._check_line(signaled)
        candidate = check_candidate(signaled.candidate, allow_loopback=self._allow_loopback)
        candidate.sdpMLineIndex = 0  # everything is bundled into the first line
        await self._connection.addIceCandidate(candidate)

    def _check_line(self, signaled: Signaled) -> None:
        by_mid = signaled.sdp_mid is None or signaled.sdp_mid in self._mids
        index = signaled.sdp_m_line_index
        by_index = index is None or 0 <= index < len(self._mids)
        if not by_mid or not by_index:
            raise MediaError(ErrorCode.BAD_CANDIDATE, "ICE candidate refused: it belongs to no media line")

    def _refuse(self, error: MediaError) -> None:
        self.refused[error.code] += 1
        logger.warning("dropped: %s", error)
