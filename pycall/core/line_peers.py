"""Which media connections a call has, and when a broken one is tried again.

Of each pair, the one who joined later makes the first offer (generation 0). A connection that broke or never came up is
replaced by one with a higher generation: the first offerer uses even numbers, the other, who is more patient because a
restart by the first offerer is the rule, odd ones. So two restarts at the same time never have the same number, and the
higher one wins on both sides.

One that is replaced is kept until its successor is up. As long as it is heard, the member is, whatever becomes of the
successor: after a black-out the old connection is whole again before the new one is agreed upon.
"""

from __future__ import annotations

from dataclasses import dataclass

from .outputs import ClosePeer, OpenPeer, Output
from .types import PeerState, UserId

SILENT_SECONDS = 2.0
"""From silence, itself noticed after 3 s, to a new connection."""
RESTART_SECONDS = 4.0
"""Between one attempt and the next."""
FIRST_TRY_SECONDS = 7.0
"""A connection that was never up gets longer: ICE over a slow network may need it."""
UNHEARD_SECONDS = 20.0
"""Then our user is told of a member whose media does not get through, while others' does."""
PATIENT_SECONDS = 10.0
"""When the other side, which offers as a rule, does not restart: perhaps it hears us, and only we do not hear it."""
RETURN_SECONDS = 1.0
"""The same when signaling has just come back: offers that came meanwhile were lost, a new one would be here by then."""
ANSWER_SECONDS = 2.0
"""An offer of ours without an answer is given so long before a sign that the other side is back counts for more: it was
lost, and offering anew at once spares the rest of the wait."""


@dataclass(slots=True)
class Peer:
    """The media connection to one member."""

    user_id: UserId
    generation: int
    first_offerer: bool
    """We made the first offer of this pair."""
    opened_at: float
    retry_at: float
    state: PeerState = PeerState.CONNECTING
    kept: int | None = None
    """Generation of an older connection that is heard, until this one is."""
    was_up: bool = False
    answered: bool = False
    """Both sides know of this generation."""
    reported: bool = False
    """Whether we hear them, as the server was told."""
    unheard_since: float | None = None
    """None: heard, or told that they are not."""

    @property
    def heard(self) -> bool:
        """Their media arrives, by this connection or the one that it replaces."""
        return self.state is PeerState.UP or self.kept is not None

    @property
    def offered(self) -> bool:
        """The newest connection was begun by us."""
        return (self.generation % 2 == 0) == self.first_offerer


class Peers:
    """All media connections of one call."""

    def __init__(self, outputs: list[Output]) -> None:
        self._outputs = outputs
        self._peers: dict[UserId, Peer] = {}

    def get(self, user_id: UserId) -> Peer | None:
        """The connection to this member."""
        return self._peers.get(user_id)

    def all(self) -> list[Peer]:
        """Every connection."""
        return list(self._peers.values())

    @property
    def any_up(self) -> bool:
        """Media from somebody arrives."""
        return any(peer.heard for peer in self._peers.values())

    def open(self, user_id: UserId, *, offers: bool, now: float) -> None:
        """The first connection of a pair."""
        if user_id in self._peers:
            return
        wait = FIRST_TRY_SECONDS if offers else PATIENT_SECONDS
        self._peers[user_id] = Peer(user_id, 0, offers, now, now + wait, unheard_since=now)
        self._outputs.append(OpenPeer(user_id, 0, offers))

    def answer(self, peer: Peer, generation: int, now: float) -> None:
        """They have begun a new connection: ours is replaced by the other end of it."""
        self._renew(peer, generation, now)
        peer.answered = True
        self._outputs.append(OpenPeer(peer.user_id, generation, offers=False))

    def back(self, peer: Peer, now: float) -> None:
        """A sign of life that does not know our newest offer: it was lost if it is not very young."""
        if peer.state is not PeerState.UP and not peer.answered:
            peer.retry_at = min(peer.retry_at, max(now, peer.opened_at + ANSWER_SECONDS))

    def change(self, user_id: UserId, generation: int, state: PeerState, now: float) -> Peer | None:
        """What a connection reports; None if it is news of no importance."""
        peer = self._peers.get(user_id)
        if peer is None:
            return None
        heard = peer.heard
        if generation < peer.generation:
            self._change_kept(peer, generation, state, now)
            told = peer.heard is not heard
        else:
            told = generation == peer.generation and state not in (peer.state, PeerState.CLOSED)
            if told:
                self._change_newest(peer, state, now)
        if peer.heard is not heard:
            peer.unheard_since = None if peer.heard else now
        return peer if told else None

    def _change_kept(self, peer: Peer, generation: int, state: PeerState, now: float) -> None:
        """Heard again, the link is back: what was offered meanwhile may still arrive, so it gets time."""
        if state is PeerState.UP and peer.state is not PeerState.UP:
            peer.kept = generation
            peer.retry_at = max(peer.retry_at, now + self._wait(peer, RESTART_SECONDS))
        elif generation == peer.kept:
            peer.kept = None
            if state is PeerState.FAILED:
                peer.retry_at = now

    def _change_newest(self, peer: Peer, state: PeerState, now: float) -> None:
        if state is PeerState.UP:
            peer.kept, peer.was_up = None, True
        elif state is PeerState.STALLED:
            peer.retry_at = now + (SILENT_SECONDS if peer.first_offerer else PATIENT_SECONDS)
        elif state is PeerState.FAILED:
            # One that was up has lost its address, or its other end: nothing is gained by waiting. Attempts that fail
            # one after the other keep their distance.
            tried = peer.state is PeerState.CONNECTING
            peer.retry_at = max(now, peer.opened_at + self._wait(peer, RESTART_SECONDS)) if tried else now
        peer.state = state

    def restart_due(self, now: float) -> None:
        """Replace every connection that has been waited for long enough."""
        for peer in self._peers.values():
            if peer.state is not PeerState.UP and peer.retry_at <= now:
                self._restart(peer, now)

    def restart_lost(self, now: float) -> None:
        """Signaling is back: what it may have lost is offered anew at once, by those whose turn it is."""
        for peer in self._peers.values():
            if peer.state is not PeerState.UP:
                # One that has failed here is gone for the other side too, which may not know it yet.
                lost = peer.state is PeerState.FAILED or (peer.offered and not peer.answered)
                ours = peer.first_offerer or lost
                wait = RETURN_SECONDS if peer.was_up else PATIENT_SECONDS
                peer.retry_at = now if ours else now + wait
        self.restart_due(now)

    def take_unheard(self, now: float) -> list[UserId]:
        """Who has not been heard for long while others are; each is named once."""
        due = [peer for peer, at in self._unheard() if at <= now]
        for peer in due:
            peer.unheard_since = None
        return [peer.user_id for peer in due]

    def unheard_at(self) -> float | None:
        """When `take_unheard` is next needed."""
        return min((at for _, at in self._unheard()), default=None)

    def _unheard(self) -> list[tuple[Peer, float]]:
        if not self.any_up:
            return []
        waiting = ((peer, peer.unheard_since) for peer in self._peers.values())
        return [(peer, since + UNHEARD_SECONDS) for peer, since in waiting if since is not None]

    def deadline(self) -> float | None:
        """When `restart_due` is next needed."""
        waiting = (peer.retry_at for peer in self._peers.values() if peer.state is not PeerState.UP)
        return min(waiting, default=None)

    def close(self, user_id: UserId) -> None:
        """This member is gone."""
        if self._peers.pop(user_id, None) is not None:
            self._outputs.append(ClosePeer(user_id))

    def close_all(self) -> None:
        """The call is over here."""
        for user_id in list(self._peers):
            self.close(user_id)

    def _restart(self, peer: Peer, now: float) -> None:
        parity = 0 if peer.first_offerer else 1
        generation = peer.generation + 1
        self._renew(peer, generation + (generation + parity) % 2, now)
        self._outputs.append(OpenPeer(peer.user_id, peer.generation, offers=True))

    def _renew(self, peer: Peer, generation: int, now: float) -> None:
        if peer.state is PeerState.UP:
            peer.kept = peer.generation
        peer.generation, peer.opened_at, peer.state = generation, now, PeerState.CONNECTING
        peer.answered = False
        peer.retry_at = now + self._wait(peer, RESTART_SECONDS if peer.was_up else FIRST_TRY_SECONDS)

    def _wait(self, peer: Peer, seconds: float) -> float:
        return seconds if peer.first_offerer else PATIENT_SECONDS
