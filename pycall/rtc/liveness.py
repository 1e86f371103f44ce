"""Whether a connection lives: packets, silence and the library's word become one `PeerState`; pure."""

from __future__ import annotations

from pycall.core.types import PeerState

STALL_SECONDS = 3.0
FAIL_SECONDS = 30.0
"""Silence that only a new connection can end: an old one that is still there goes on at once when a link is back, so it
is kept as long as a call waits for its media."""


class Liveness:
    """CONNECTING → UP ⇄ STALLED → FAILED; CLOSED from everywhere. FAILED and CLOSED are final."""

    def __init__(self, *, stall: float = STALL_SECONDS, fail: float = FAIL_SECONDS) -> None:
        self.state = PeerState.CONNECTING
        self.over = False
        """Asked for each packet."""
        self._stall = stall
        self._fail = fail

    def observe(self, now: float, *, arrived_at: float | None, media: bool) -> bool:
        """`arrived_at`: the last packet's moment; `media`: RTP has come. True if the state has changed."""
        if self.over or arrived_at is None or not media:
            return False
        silence = now - arrived_at
        if silence < self._stall:
            return self._become(PeerState.UP)
        return self._become(PeerState.FAILED if silence >= self._fail else PeerState.STALLED)

    def fail(self) -> bool:
        """The library says that the connection is dead."""
        return not self.over and self._become(PeerState.FAILED)

    def close(self) -> bool:
        """We have closed it."""
        return self._become(PeerState.CLOSED)

    def _become(self, state: PeerState) -> bool:
        changed = state is not self.state
        self.state = state
        self.over = state in (PeerState.FAILED, PeerState.CLOSED)
        return changed
