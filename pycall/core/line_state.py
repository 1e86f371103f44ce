"""What a line remembers, and the small steps that every input is made of."""

from __future__ import annotations

from typing import NamedTuple

from .call import Call, CallState, Fact
from .early import Early
from .errors import CallError, ErrorCode
from .events import (
    CallBegan,
    CallEnded,
    CallNotConnected,
    CallReceived,
    CallReconnected,
    CallReconnecting,
    Event,
    UserAudioAvailable,
    UserLineBusy,
    UserNoResponse,
    UserRejected,
    UserVideoAvailable,
)
from .farewells import Farewell, Farewells
from .line_peers import Peer, Peers
from .outputs import Emit, Output, Send, StartMedia, StopMedia
from .pending import Pending
from .types import CallId, EndReason, Role, UserId
from .wire import (
    CallView,
    ClientMessage,
    Hangup,
    Invite,
    Join,
    Logout,
    MemberView,
    PeerReport,
    Reject,
    Reply,
    SetMedia,
    SetMultiDevice,
    SetSelfInfo,
)

LEAVE_SECONDS = 3.0
"""How long the server's word on a call we left is awaited."""
RECONNECT_SECONDS = 30.0
"""A conversation without media ends after this."""
REMEMBERED_CALLS = 64

DECLINED: dict[EndReason, type[UserRejected] | type[UserNoResponse] | type[UserLineBusy]] = {
    EndReason.REJECTED: UserRejected,
    EndReason.NO_ANSWER: UserNoResponse,
    EndReason.BUSY: UserLineBusy,
}
SIGNED_OFF: dict[ErrorCode, str] = {
    ErrorCode.KICKED: "signed in on another device",
    ErrorCode.SIGNED_OFF: "signed off by an administrator",
    ErrorCode.BANNED: "banned by an administrator",
}
"""Goodbyes of the server after which we do not come back by ourselves."""


class Finished(NamedTuple):
    """What is remembered of a call that is over for us."""

    busy: bool = False
    """We said that the line is busy."""
    seq: int | None = None
    """The call's `seq` when the server said that it was over for us; a ring with a higher one is a new invitation."""


class LineState:
    """Shared by `Line` and the functions that take in messages and snapshots; no part of the public surface."""

    def __init__(self, connect_timeout: float) -> None:
        self.connect_timeout = connect_timeout
        self.outputs: list[Output] = []
        self.pending = Pending(self.outputs)
        self.peers = Peers(self.outputs)
        self.user_id: UserId | None = None
        self.call: Call | None = None
        self.audio_open = False
        self.video_open = False
        self.broken: set[str] = set()
        """Sources that are dead at the moment."""
        self.linked = False
        self.was_linked = False
        """Signed in before, so that the next sign-in restores something."""
        self.signing_out = False
        self.lost_at: float | None = None
        self.held: tuple[CallView, float] | None = None
        """A ring that came while our own dialing or leaving is not decided yet, and when it came."""
        self.early = Early()
        """Signals of members whose connection is not open yet."""
        self.finished: dict[str, Finished] = {}
        """Calls that are over for us."""
        self.joins: set[int] = set()
        """Requests to join that have not been answered, though the verb may have been: the call ended here first."""
        self.several_devices = False
        self.nickname = self.avatar = ""
        """Said with every login, too."""
        self.farewells = Farewells(self.pending)
        self.dropped = 0

    # --- telling ------------------------------------------------------------------------------------------------

    def send(self, message: ClientMessage) -> None:
        """While the link is down nothing is sent: what is still wanted follows from the next snapshot."""
        if self.linked:
            self.outputs.append(Send(message))

    def emit(self, event: Event) -> None:
        """To our user."""
        self.outputs.append(Emit(event))

    def drop(self) -> None:
        """A message that came too late, twice, or from somebody who has no part in this."""
        self.dropped += 1

    def own(self, view: CallView) -> MemberView | None:
        """Our own part in a call, as the server sees it."""
        return next((member for member in view.members if member.user_id == self.user_id), None)

    # --- our microphone and camera ------------------------------------------------------------------------------

    def sync_media(self) -> None:
        """Tell the server what is open, if it does not know; a dead source counts as closed."""
        wanted = self.wanted_media()
        if self.call is not None and self.may_tell_media() and self.call.told != wanted:
            self.tell_media(self.call, self.pending.next_id(), wanted)

    def wanted_media(self) -> tuple[bool, bool]:
        """What the others are to see of our microphone and camera."""
        return self.audio_open and "audio" not in self.broken, self.video_open and "video" not in self.broken

    def may_tell_media(self) -> bool:
        """The server knows us as being in the call."""
        call = self.call
        if call is None or not self.linked or call.state is CallState.LEAVING:
            return False
        return call.committed or call.state is CallState.DIALING

    def tell_media(self, call: Call, req_id: int, wanted: tuple[bool, bool]) -> SetMedia:
        """Send it, and remember that it was sent."""
        call.told, call.told_by = wanted, req_id
        message = SetMedia(req_id=req_id, call_id=call.call_id, audio=wanted[0], video=wanted[1])
        self.send(message)
        return message

    # --- a call begins ------------------------------------------------------------------------------------------

    def ring(self, view: CallView, now: float, since: float | None = None) -> None:
        """A call of somebody else on our free line."""
        waited = 0.0 if since is None else now - since
        remaining = None if view.remaining is None else max(0.0, view.remaining - waited)
        call = Call(CallId(view.call_id), Role.CALLEE, view.media, CallState.RINGING, view.caller, {})
        call.take_view(view)
        call.rings_until = None if remaining is None else now + remaining
        self.call = call
        self.emit(_received(view, remaining))

    def note_told(self, view: CallView) -> None:
        """What the server knows of our microphone and camera."""
        own = self.own(view)
        if own is not None and self.call is not None:
            self.call.told = (own.audio, own.video)

    def start_media(self) -> None:
        """Capture for the media the call has now."""
        if self.call is not None:
            self.call.capturing = True
            self.outputs.append(StartMedia(self.call.media))

    # --- media connections --------------------------------------------------------------------------------------

    def report(self, peer: Peer, *, anew: bool = False) -> None:
        """Tell the server whether we hear this member, if it does not know; `anew`: it may have forgotten."""
        up = peer.heard
        if self.call is not None and peer.was_up and (anew or up != peer.reported):
            peer.reported = up
            self.send(PeerReport(call_id=self.call.call_id, user_id=peer.user_id, up=up))

    def judge_peers(self, now: float) -> None:
        """Does the call have media, after something has changed about its connections?"""
        call = self.call
        if call is None:
            return
        if not self.peers.all():
            self._alone(call)
        elif not self.peers.any_up:
            self._lost(call, now)
        elif call.began_at is None and call.observe(Fact.PEER_UP):
            call.began_at, call.connect_by = now, None
            self.emit(CallBegan(call.call_id, call.media, call.role))
        else:
            self._back(call, Fact.PEER_UP)
        for peer in self.peers.all():
            self.announce(peer.user_id)

    def _alone(self, call: Call) -> None:
        """Nobody is there to hear; who was called may still come, and until then there is no hurry."""
        call.connect_by = None
        self._back(call, Fact.ALONE)

    def _back(self, call: Call, fact: Fact) -> None:
        call.reconnect_by = None
        if call.state is CallState.RECONNECTING and call.observe(fact):
            self.emit(CallReconnected(call.call_id))

    def _lost(self, call: Call, now: float) -> None:
        if call.observe(Fact.PEERS_LOST):
            call.reconnect_by = now + RECONNECT_SECONDS
            self.emit(CallReconnecting(call.call_id))

    def announce(self, user_id: UserId) -> None:
        """Tell our user of the other's microphone and camera, once their media has ever arrived."""
        call, peer = self.call, self.peers.get(user_id)
        if call is None or call.began_at is None or peer is None or not peer.was_up:
            return
        member = call.members.get(user_id)
        if member is None:
            return
        audio, video = call.announced.get(user_id, (False, False))
        call.announced[user_id] = (member.audio, member.video)
        if member.audio != audio:
            self.emit(UserAudioAvailable(user_id, member.audio))
        if member.video != video:
            self.emit(UserVideoAvailable(user_id, member.video))

    def report_all(self) -> None:
        """After a snapshot: the server may have forgotten who hears whom."""
        for peer in self.peers.all():
            self.report(peer, anew=True)

    # --- a call ends --------------------------------------------------------------------------------------------

    def hush(self) -> None:
        """Nothing is captured, sent or played any more; needs nobody's leave."""
        self.peers.close_all()
        self.audio_open = self.video_open = False
        self.broken.clear()
        if self.call is not None:
            self.dropped += self.early.forget(self.call.call_id)
        if self.call is not None and self.call.capturing:
            self.call.capturing = False
            self.outputs.append(StopMedia())

    def leave(self, farewell: Farewell, reason: EndReason, now: float) -> None:
        """Media stops at once; the server's word is awaited only if it can come. The state is LEAVING already."""
        call = self.call
        if call is None:
            return
        self.hush()
        call.local_reason = reason
        call.connect_by = call.reconnect_by = None
        if not self.linked:
            self.finish_locally(now)
            return
        call.leave_by = now + LEAVE_SECONDS
        self.say_farewell(farewell)

    def say_farewell(self, farewell: Farewell) -> None:
        """Said until the server has heard it, or until a snapshot makes it needless."""
        if self.linked:
            self.farewells.said(farewell)
            self.send(farewell)

    def note_refusal(self, reply: Reply, now: float) -> bool:
        """What is done here already, and could not be taken in there, is said again; True if this was such a thing."""
        again = reply.code in (ErrorCode.STORAGE, ErrorCode.TOO_MANY)
        leaving = self.farewells.answered(reply.req_id, now, again=again)
        muting = again and self.call is not None and self.call.told_by == reply.req_id
        if self.call is not None and muting:
            self.call.told = None
            self.farewells.wait(now)
        return leaving or muting

    def say_again(self) -> None:
        """The moment after a refusal is over."""
        for farewell in self.farewells.take():
            self.say_farewell(farewell)
        self.sync_media()

    def finish_locally(self, now: float) -> None:
        """The call is over here without the server's word."""
        if self.call is not None:
            self.finish(self.call.local_reason, self.user_id or "", 0.0, now)

    def finish(self, reason: EndReason, by: UserId, duration: float, now: float, *, seq: int | None = None) -> None:
        """The one end of a call: every verb answered, exactly one terminal event, the line free.

        `seq` comes with the server's word.
        """
        call = self.call
        if call is None:
            return
        self.resolve_all(reason)
        self.hush()
        self._say_declined(call, reason, by)
        if call.began_at is None:
            self.emit(CallNotConnected(call.call_id, call.media, reason, by, call.role))
        else:
            seconds = duration if duration > 0 else now - call.began_at
            self.emit(CallEnded(call.call_id, call.media, reason, by, call.role, seconds))
        self.forget(now, seq=seq)

    def resolve_all(self, reason: EndReason) -> None:
        """Verbs that the end of the call overtook. Dialing and joining succeeded, or there would be no call to end."""
        call_id = None if self.call is None else self.call.call_id
        for command in self.pending.all():
            wanted = isinstance(command, Invite | Join | Hangup | Reject)
            error = None if wanted else CallError(ErrorCode.NO_SUCH_CALL, f"the call is over: {reason.value}")
            if not isinstance(command, Logout | SetMultiDevice | SetSelfInfo):
                self.pending.resolve(command.req_id, error, call_id)

    def forget(self, now: float, *, seq: int | None = None) -> None:
        """The line is free; a ring that was held back begins."""
        call, self.call = self.call, None
        if call is not None and not ((call.fresh or call.unanswered) and seq is None):
            self.remember(call.call_id, busy=call.local_reason is EndReason.BUSY, seq=seq)
        held, self.held = self.held, None
        if held is not None and self.linked and not self.is_over(held[0]):
            self.ring(held[0], now, since=held[1])

    def is_over(self, view: CallView) -> bool:
        """This ring belongs to what is over for us already; else it is a new one, perhaps to the same call."""
        finished = self.finished.get(view.call_id)
        return finished is not None and (finished.seq is None or view.seq <= finished.seq)

    def finished_for_sure(self, but: str | None) -> None:
        """A snapshot has come: whatever rings from now on is new, but for the call that is in the snapshot."""
        for call_id, finished in self.finished.items():
            if call_id != but and finished.seq is None:
                self.finished[call_id] = finished._replace(seq=0)

    def remember(self, call_id: str, *, busy: bool = False, seq: int | None = None) -> None:
        """Nothing that comes for this call concerns us any more, unless we are invited anew."""
        self.finished.pop(call_id, None)
        self.finished[call_id] = Finished(busy, seq)
        while len(self.finished) > REMEMBERED_CALLS:
            del self.finished[next(iter(self.finished))]

    def _say_declined(self, call: Call, reason: EndReason, by: UserId) -> None:
        if call.role is Role.CALLER and reason in DECLINED and by != self.user_id:
            self.declined(call, reason, by)

    def declined(self, call: Call, reason: EndReason, user_id: UserId) -> None:
        """The specific reason comes before the terminal event, and once."""
        event = DECLINED.get(reason)
        if event is not None and user_id not in call.declined:
            call.declined.add(user_id)
            self.emit(event(call.call_id, user_id))


def _received(view: CallView, remaining: float | None) -> CallReceived:
    return CallReceived(
        CallId(view.call_id),
        view.caller,
        view.callees,
        view.media,
        view.user_data,
        remaining,
        scene=view.scene,
        chat_group_id=view.chat_group_id,
        room_id=view.room_id,
        inviter=view.inviter,
    )
