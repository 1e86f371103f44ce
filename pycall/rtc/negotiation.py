"""The exchange of one offer and one answer, and of candidates that come when they come.

    offering:     offer ──►   ◄── answer       candidates any time
    answering:    ◄── offer   answer ──►       candidates any time

Both media are negotiated once, in both directions; what flows in them is not negotiated at all. A second offer or
answer of the same connection is a repetition and dropped. Whatever comes from the other side is checked before
anybody acts on it; what is refused is counted and changes nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import RTCIceCandidate
from aiortc.sdp import SessionDescription

from pycall.core.errors import ErrorCode, MediaError
from pycall.core.wire import Signaled

from .candidates import MAX_CANDIDATES, check_candidate
from .descriptions import check_description
from .terms import REDUCED_SIZE, Local, Terms, read_answer, write_answer, write_offer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Agreed:
    """Both descriptions are known: what was agreed, where the other side is, and whether our DTLS speaks first."""

    terms: Terms
    remote: SessionDescription
    client: bool


class Negotiation:
    """One connection's descriptions; pure but for the callbacks.

    `local` gives what is ours, once our addresses are known; `send` takes the kind and the text of what has to go to
    the other side; `agreed` is called once; `found` gets each checked candidate that comes by itself, None at the end.
    """

    def __init__(
        self,
        local: Callable[[], Local],
        *,
        offers: bool,
        allow_loopback: bool,
        send: Callable[[str, str], None],
        agreed: Callable[[Agreed], None],
        found: Callable[[RTCIceCandidate | None], None],
    ) -> None:
        self.refused: Counter[ErrorCode] = Counter()
        """What was dropped, by code."""
        self.described = False
        """Our own description has gone to the other side."""
        self._local = local
        self._offers = offers
        self._allow_loopback = allow_loopback
        self._send = send
        self._agreed = agreed
        self._found = found
        self._described = False
        self._mids: list[str] = []
        self._early: list[Signaled] = []
        self._candidates = 0

    def begin(self) -> None:
        """The offering side speaks first."""
        if self._offers:
            self._send("offer", write_offer(self._local()))
            self.described = True

    def take(self, signaled: Signaled) -> None:
        """A message of the other side about this connection; never raises for what is in it."""
        try:
            if signaled.kind == "candidate":
                self._take_candidate(signaled)
            elif self._described or (signaled.kind == "offer") is self._offers:
                logger.debug("a repeated or crossing %s was dropped", signaled.kind)
            else:
                self._take_description(signaled)
        except MediaError as error:
            self._refuse(error)

    def _take_description(self, signaled: Signaled) -> None:
        remote = check_description(
            signaled.kind, signaled.sdp, allow_loopback=self._allow_loopback, refused=self._refuse
        )
        local = self._local()
        if signaled.kind == "offer":
            text, terms = write_answer(remote, local, reduced=REDUCED_SIZE in (signaled.sdp or "").splitlines())
            client = remote.media[0].dtls is not None and remote.media[0].dtls.role != "client"
            self._send("answer", text)
            self.described = True
        else:
            terms = read_answer(remote, local.codecs, stereo=local.stereo)
            client = remote.media[0].dtls is not None and remote.media[0].dtls.role == "server"
        self._described = True
        self._mids = [media.rtp.muxId for media in remote.media]
        self._agreed(Agreed(terms, remote, client))
        early, self._early = self._early, []
        for candidate in early:
            self.take(candidate)

    def _take_candidate(self, signaled: Signaled) -> None:
        if not self._described:
            if len(self._early) < MAX_CANDIDATES:
                self._early.append(signaled)
            return
        if not signaled.candidate:  # the end of candidates; browsers write it as an empty line, too
            self._found(None)
            return
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise MediaError(ErrorCode.BAD_CANDIDATE, f"more than {MAX_CANDIDATES} ICE candidates")
        self._check_line(signaled)
        self._found(check_candidate(signaled.candidate, allow_loopback=self._allow_loopback))

    def _check_line(self, signaled: Signaled) -> None:
        by_mid = signaled.sdp_mid is None or signaled.sdp_mid in self._mids
        index = signaled.sdp_m_line_index
        by_index = index is None or 0 <= index < len(self._mids)
        if not by_mid or not by_index:
            raise MediaError(ErrorCode.BAD_CANDIDATE, "ICE candidate refused: it belongs to no media line")

    def _refuse(self, error: MediaError) -> None:
        self.refused[error.code] += 1
        # Every browser has candidates that we cannot use: TCP, and mDNS names where a page may not know addresses.
        level = logging.DEBUG if error.code is ErrorCode.BAD_CANDIDATE else logging.WARNING
        logger.log(level, "dropped: %s", error)
