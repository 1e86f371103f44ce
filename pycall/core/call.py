"""One call as one user lives through it: its states, and the table of everything that moves it between them.

              dial()                            invited
 (no call) ───────────► DIALING     (no call) ───────────► RINGING ◄─┐
                          │ somebody joined                   │ accept()
                          ▼                                   ▼      │ accept refused
                      CONNECTING ◄────────────────────────────┴──────┘
            join() ──────►│ media to a peer is up
                          ▼
                      CONNECTED ⇄ RECONNECTING        (media to the last peer is lost / a peer is up again)

 every state ── hangup() / reject() / deadline ──► LEAVING ── the server's word, or 3 s ──► (no call)
 every state ── the server's word ──► (no call)

"No call" is no state: a line without a call simply has none, and the end of a call is an event.

The theory. Two kinds of things happen to a call. What our user asks for (an *intent*) is either possible now, and then
in the table, or it is a mistake of the program, which is told at once. What others do (a *fact*: the server's word, a
media connection, time) may always come late, twice or out of place, because a wire is between; what is not in the table
has been overtaken by something else and is dropped. The state moves through the table and nowhere else.

The server is the only judge of who is in a call. An accepted call is therefore CONNECTING from the moment our user
accepts, so that a second accept is refused here; but nothing is captured and no media connection begins before the
server has committed the accept (`Call.committed`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .errors import ErrorCode, LocalProtocolError
from .types import CallId, EndReason, MediaType, MemberState, Role, RoomId, Scene, UserId
from .wire import CallView, MemberView


class CallState(Enum):
    """Where the one call of a line stands."""

    DIALING = "dialing"
    """We called; nobody has answered yet."""
    RINGING = "ringing"
    """Somebody calls us; our user has not answered yet."""
    CONNECTING = "connecting"
    """It was answered; media is not up yet."""
    CONNECTED = "connected"
    """The conversation: media to at least one peer is up."""
    RECONNECTING = "reconnecting"
    """The conversation, but media to every peer is lost at the moment."""
    LEAVING = "leaving"
    """Hung up here: media has stopped, the server's word on how it ended is awaited."""


class Intent(Enum):
    """What our user asks for."""

    ACCEPT = "accept"
    REJECT = "reject"
    HANGUP = "hangup"
    SWITCH_MEDIA = "switch media"
    SET_MEDIA = "open or close microphone or camera"
    INVITE = "invite"


class Fact(Enum):
    """What others, or time, do to the call."""

    JOINED = "somebody joined"
    ACCEPT_REFUSED = "our accept was refused"
    PEER_UP = "media to a peer is up"
    PEERS_LOST = "media to the last peer is lost"
    ALONE = "everybody else has left; who was called may still come"
    DEADLINE = "it took too long"


_D, _R, _C, _T, _X, _L = CallState

TRANSITIONS: dict[tuple[CallState, Intent | Fact], CallState] = {
    (_D, Fact.JOINED): _C,
    (_D, Intent.SET_MEDIA): _D,
    (_D, Intent.INVITE): _D,
    (_D, Intent.HANGUP): _L,
    (_D, Fact.DEADLINE): _L,
    (_R, Intent.ACCEPT): _C,
    (_R, Intent.REJECT): _L,
    (_R, Intent.HANGUP): _L,
    (_R, Fact.DEADLINE): _L,
    (_C, Fact.JOINED): _C,
    (_C, Fact.ACCEPT_REFUSED): _R,
    (_C, Fact.PEER_UP): _T,
    (_C, Intent.SET_MEDIA): _C,
    (_C, Intent.SWITCH_MEDIA): _C,
    (_C, Intent.INVITE): _C,
    (_C, Intent.HANGUP): _L,
    (_C, Fact.DEADLINE): _L,
    (_T, Fact.JOINED): _T,
    (_T, Fact.PEERS_LOST): _X,
    (_T, Intent.SET_MEDIA): _T,
    (_T, Intent.SWITCH_MEDIA): _T,
    (_T, Intent.INVITE): _T,
    (_T, Intent.HANGUP): _L,
    (_T, Fact.DEADLINE): _L,
    (_X, Fact.JOINED): _X,
    (_X, Fact.PEER_UP): _T,
    (_X, Intent.SET_MEDIA): _X,
    (_X, Intent.SWITCH_MEDIA): _X,
    (_X, Fact.ALONE): _T,
    (_X, Intent.INVITE): _X,
    (_X, Intent.HANGUP): _L,
    (_X, Fact.DEADLINE): _L,
    (_L, Intent.HANGUP): _L,
}

_NO_CALL = {
    Intent.ACCEPT: "no call is ringing; wait for CallReceived",
    Intent.REJECT: "no call is ringing; wait for CallReceived",
    Intent.HANGUP: "there is no call to hang up",
    Intent.SWITCH_MEDIA: "there is no call whose media could be switched",
    Intent.SET_MEDIA: "microphone and camera can be opened and closed in a call only; dial or accept first",
    Intent.INVITE: "there is no call to invite anybody to; call them instead",
}


def allow(state: CallState | None, intent: Intent) -> CallState:
    """The state that follows; raises `LocalProtocolError` if this cannot be asked for now."""
    if state is None:
        raise LocalProtocolError(ErrorCode.WRONG_STATE, _NO_CALL[intent])
    following = TRANSITIONS.get((state, intent))
    if following is None:
        raise LocalProtocolError(ErrorCode.WRONG_STATE, f"{intent.value}: not possible while {state.value}")
    return following


@dataclass(slots=True)
class Call:
    """Everything a line knows of its call. Times are the monotonic seconds of the line's inputs."""

    call_id: CallId
    role: Role
    media: MediaType
    state: CallState
    caller: UserId
    members: dict[UserId, MemberView]
    seq: int = 0
    committed: bool = False
    """The server has us in the call as joined."""
    capturing: bool = False
    """`StartMedia` was asked for."""
    began_at: float | None = None
    rings_until: float | None = None
    connect_by: float | None = None
    reconnect_by: float | None = None
    leave_by: float | None = None
    local_reason: EndReason = EndReason.HANGUP
    """Why we leave, in case the server's word does not come."""
    told: tuple[bool, bool] | None = (True, False)
    """Whether our microphone and camera are open, as the server was told; None: it could not take it in."""
    told_by: int | None = None
    """The request that told it last."""
    shy: bool = False
    """Our user has closed the camera in this call, so a switch to video leaves it closed."""
    scene: Scene = Scene.SINGLE
    room_id: RoomId | None = None
    """None: not told yet."""
    chat_group_id: str = ""
    fresh: bool = False
    """We asked to join, and nobody has answered yet: if it is refused, there never was a call."""
    unanswered: bool = False
    """We signed out or off while it rang: it may ring on other devices of ours, and here once we are back."""
    announced: dict[UserId, tuple[bool, bool]] = field(default_factory=dict)
    """The others' microphones and cameras, as our user was told."""
    declined: set[UserId] = field(default_factory=set)
    """Who will not come, as our user was told."""

    @property
    def may_ring_again(self) -> bool:
        """It rings, or our answer is on its way; we have neither refused it nor been in it."""
        return self.role is Role.CALLEE and not self.committed and self.state is not CallState.LEAVING

    def observe(self, fact: Fact) -> bool:
        """Move if the table knows this; False if it comes too late to matter."""
        following = TRANSITIONS.get((self.state, fact))
        if following is not None:
            self.state = following
        return following is not None

    def take_view(self, view: CallView) -> None:
        """The server's picture of members and order replaces ours."""
        self.seq = max(self.seq, view.seq)
        self.scene, self.room_id, self.chat_group_id = view.scene, view.room_id, view.chat_group_id
        self.caller = view.caller
        self.members = {member.user_id: member for member in view.members}

    def ringing(self) -> list[UserId]:
        """Who has not answered yet."""
        return [user for user, member in self.members.items() if member.state is MemberState.RINGING]

    def others_joined(self, own: UserId | None) -> list[UserId]:
        """Who else is in the call."""
        return [user for user, member in self.members.items() if member.state is MemberState.JOINED and user != own]
