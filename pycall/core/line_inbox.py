"""What each message of the server does to a line. What comes late, twice or uncalled for is dropped and counted."""

from __future__ import annotations

from msgspec.structs import replace

from .call import Call, CallState, Fact
from .errors import CallError, ErrorCode
from .events import CallMediaChanged, UserJoined, UserLeft, UserRinging
from .line_state import LineState
from .outputs import Deliver, StopMedia
from .types import CallId, EndReason, MediaType, MemberState, Role
from .wire import (
    Accept,
    CallMessage,
    CallView,
    Command,
    Declined,
    Ended,
    Hangup,
    Invite,
    Invited,
    Joined,
    Left,
    Logout,
    MediaSet,
    MediaSwitched,
    MemberView,
    Reject,
    Reply,
    Ringing,
    ServerMessage,
    SetMedia,
    Signaled,
    SwitchMedia,
)

_DEPARTURES = (EndReason.HANGUP, EndReason.OFFLINE, EndReason.KICKED)
"""Reasons for which a call ends because somebody went; the other reasons belong to the call itself."""


def receive(line: LineState, message: ServerMessage, now: float) -> None:
    """One message, in the order of the wire."""
    match message:
        case Reply():
            _reply(line, message, now)
        case Invited():
            invited(line, message.call, now)
        case Ended():
            _ended(line, message, now)
        case Signaled():
            signaled(line, message, now)
        case CallMessage():
            _call_message(line, message, now)
        case _:
            line.drop()


# --- the ring ---------------------------------------------------------------------------------------------------


def invited(line: LineState, view: CallView, now: float) -> None:
    """Somebody calls. While our own call is not decided, the ring is held back: both may turn out to be one call."""
    known = line.call is not None and line.call.call_id == view.call_id
    if known or view.call_id in line.finished:
        line.drop()
    elif line.call is not None:
        line.held = (view, now)
    else:
        line.ring(view, now)


def _ended(line: LineState, ended: Ended, now: float) -> None:
    if line.held is not None and line.held[0].call_id == ended.call_id:
        line.remember(ended.call_id)
        line.held = None
        return
    if line.call is None or line.call.call_id != ended.call_id:
        line.drop()
        return
    end(line, ended, now)


def end(line: LineState, ended: Ended, now: float) -> None:
    """The server's word on how our call ended."""
    call = line.call
    if call is None:
        return
    there = ended.user_id != line.user_id and ended.user_id in call.others_joined(line.user_id)
    if there and ended.reason in _DEPARTURES and call.state not in (CallState.DIALING, CallState.RINGING):
        line.emit(UserLeft(call.call_id, ended.user_id, ended.reason))
    call.media = ended.media
    line.finish(ended.reason, ended.user_id, ended.duration, now)


# --- the answer -------------------------------------------------------------------------------------------------


def commit(line: LineState, view: CallView, now: float) -> None:
    """The server has us in the call: capture may begin, and the newcomer offers to everybody who is there."""
    call = line.call
    if call is None or call.state is not CallState.CONNECTING:
        return
    call.take_view(view)
    call.media = view.media
    call.committed = True
    call.connect_by = now + line.connect_timeout
    line.video_open = line.video_open and call.media.has_video
    line.start_media()
    for user_id in call.others_joined(line.user_id):
        open_peer(line, user_id, offers=True, now=now)
    line.note_told(view)
    line.sync_media()


def open_peer(line: LineState, user_id: str, *, offers: bool, now: float) -> None:
    """Begin the connection; what came early for it is delivered."""
    line.peers.open(user_id, offers=offers, now=now)
    early = [message for message in line.early if message.sender == user_id]
    for message in early:
        line.early.remove(message)
        signaled(line, message, now)


# --- what happens in the call -----------------------------------------------------------------------------------


def _call_message(line: LineState, message: CallMessage, now: float) -> None:
    call = line.call
    if call is None or call.call_id != message.call_id or message.seq <= call.seq:
        line.drop()
        return
    call.seq = message.seq
    match message:
        case Ringing():
            line.emit(UserRinging(call.call_id, message.user_id))
        case Declined():
            line.declined(call, message.reason, message.user_id)
        case Joined():
            member = MemberView(
                user_id=message.user_id, state=MemberState.JOINED, audio=message.audio, video=message.video
            )
            joined(line, call, member, now)
        case Left():
            left(line, call, message.user_id, message.reason, now)
        case MediaSwitched():
            _media_switched(line, call, message)
        case MediaSet():
            media_set(line, call, message.user_id, message.audio, message.video)
        case _:
            line.drop()


def joined(line: LineState, call: Call, member: MemberView, now: float) -> None:
    """Another person is in the call: they offer, we answer."""
    user_id = member.user_id
    first = call.state is CallState.DIALING
    if user_id == line.user_id or user_id in call.others_joined(line.user_id) or not call.observe(Fact.JOINED):
        line.drop()
        return
    call.members[user_id] = member
    line.emit(UserJoined(call.call_id, user_id))
    if first:
        call.committed = True
        call.connect_by = now + line.connect_timeout
    open_peer(line, user_id, offers=False, now=now)


def left(line: LineState, call: Call, user_id: str, reason: EndReason, now: float) -> None:
    """Another person went, and the call goes on."""
    member = call.members.get(user_id)
    if member is None or member.state is not MemberState.JOINED:
        line.drop()
        return
    call.members[user_id] = replace(member, state=MemberState.GONE)
    line.emit(UserLeft(call.call_id, user_id, reason))
    line.peers.close(user_id)
    line.judge_peers(now)


def _media_switched(line: LineState, call: Call, message: MediaSwitched) -> None:
    switch(line, call, message.new, message.user_id)


def switch(line: LineState, call: Call, new: MediaType, by: str) -> None:
    """Voice to video or back; only the camera of the one who asked for video opens by itself."""
    old, call.media = call.media, new
    for user_id, member in call.members.items():
        call.members[user_id] = replace(member, video=new.has_video and user_id == by)
    mine = new.has_video and by == line.user_id
    call.told = None if call.told is None else (call.told[0], mine)
    line.video_open = mine and call.state is not CallState.LEAVING
    if call.capturing:
        line.start_media()
    line.emit(CallMediaChanged(call.call_id, old, new, by))
    for user_id in list(call.members):
        line.announce(user_id)
    if call.capturing:
        line.sync_media()


def media_set(line: LineState, call: Call, user_id: str, audio: bool, video: bool) -> None:
    """Another member opened or closed microphone or camera."""
    member = call.members.get(user_id)
    if member is None:
        line.drop()
        return
    call.members[user_id] = replace(member, audio=audio, video=video)
    line.announce(user_id)


def signaled(line: LineState, message: Signaled, now: float) -> None:
    """A description or candidate from another member, for the connection with them."""
    call = line.call
    if call is None or message.call_id != call.call_id or call.state in (CallState.RINGING, CallState.LEAVING):
        line.drop()
        return
    peer = line.peers.get(message.sender)
    if peer is None:
        _early(line, call, message)
    elif message.kind == "offer" and message.generation > peer.generation:
        line.peers.answer(peer, message.generation, now)
        line.outputs.append(Deliver(message))
        line.judge_peers(now)
    elif message.generation == peer.generation:
        line.outputs.append(Deliver(message))
    else:
        line.drop()


def _early(line: LineState, call: Call, message: Signaled) -> None:
    """Wait for the `joined` it belongs to; a stranger's is dropped, and of too many the oldest."""
    if message.sender not in call.members or message.sender == line.user_id:
        line.drop()
        return
    if len(line.early) == line.early.maxlen:
        line.drop()
    line.early.append(message)


# --- replies ----------------------------------------------------------------------------------------------------


def _reply(line: LineState, reply: Reply, now: float) -> None:
    again = line.note_refusal(reply, now)
    if line.call is not None and reply.ok and reply.call is not None and line.call.told_by == reply.req_id:
        # A switch may have crossed what we said about our camera: what the server has made of both counts.
        line.note_told(reply.call)
        line.sync_media()
    command = line.pending.get(reply.req_id)
    if command is None:
        return
    match command:
        case Invite():
            _invite_replied(line, command, reply, now)
        case Accept():
            _accept_replied(line, command, reply, now)
        case Hangup() | Reject() | Logout():
            line.pending.resolve(reply.req_id, None, _id_of(command))
        case SwitchMedia() if reply.ok:
            _switch_replied(line, command)
        case SetMedia() if again:
            line.pending.resolve(reply.req_id, None, _id_of(command))
        case _:
            line.pending.resolve(reply.req_id, _error(reply), _id_of(command))


def _invite_replied(line: LineState, invite: Invite, reply: Reply, now: float) -> None:
    call, view = line.call, reply.call
    if call is None or call.call_id != invite.call_id:
        line.pending.resolve(reply.req_id, _error(reply), CallId(invite.call_id))
    elif not reply.ok:
        refuse_dial(line, reply, now)
    elif view is None or view.call_id == invite.call_id:
        line.pending.resolve(reply.req_id, None, call.call_id)
        if view is not None:
            call.seq = max(call.seq, view.seq)
    else:
        merge(line, call, invite, view, now)


def refuse_dial(line: LineState, reply: Reply, now: float) -> None:
    """There never was a call: no event, only the error. What takes our line instead is shown or got rid of."""
    line.hush()
    for command in line.pending.all():
        error = None if isinstance(command, Hangup | Logout) else _error(reply)
        if not isinstance(command, Logout):
            line.pending.resolve(command.req_id, error, _id_of(command))
    line.forget(now)
    own = None if reply.call is None else line.own(reply.call)
    if reply.call is not None and own is not None and own.state is MemberState.JOINED:
        line.say_farewell(Hangup(req_id=line.pending.next_id(), call_id=reply.call.call_id))


def merge(line: LineState, call: Call, invite: Invite, view: CallView, now: float) -> None:
    """They dialed us first: our dialing has become an answer to their call."""
    line.remember(call.call_id)
    call.call_id, call.role, call.caller = CallId(view.call_id), Role.CALLEE, view.caller
    if line.held is not None and line.held[0].call_id == view.call_id:
        line.held = None
    line.pending.resolve(invite.req_id, None, call.call_id)
    if call.state is not CallState.DIALING:
        call.take_view(view)
        return
    call.observe(Fact.JOINED)
    if call.capturing:
        line.outputs.append(StopMedia())
    old = call.media
    commit(line, view, now)
    if call.media is not old:
        line.emit(CallMediaChanged(call.call_id, old, call.media, view.caller))


def _accept_replied(line: LineState, accept: Accept, reply: Reply, now: float) -> None:
    line.pending.resolve(reply.req_id, _error(reply), CallId(accept.call_id))
    call = line.call
    if call is None or call.call_id != accept.call_id or call.committed:
        return
    if reply.ok and reply.call is not None:
        commit(line, reply.call, now)
    elif reply.code is ErrorCode.NO_SUCH_CALL:
        line.finish(EndReason.UNKNOWN, call.caller, 0.0, now)
    elif not reply.ok and call.observe(Fact.ACCEPT_REFUSED):
        line.audio_open = line.video_open = False


def _switch_replied(line: LineState, command: SwitchMedia) -> None:
    """If the other switched to video a moment before us, nothing was left to switch; our camera opens all the same."""
    call = line.call
    if call is not None and command.media is call.media and call.media.has_video and call.capturing:
        line.video_open = True
        call.told = None if call.told is None else (call.told[0], True)
        line.sync_media()
    line.pending.resolve(command.req_id, None, CallId(command.call_id))


def _error(reply: Reply) -> CallError | None:
    if reply.ok:
        return None
    return CallError(reply.code or ErrorCode.WRONG_STATE, reply.message or "the server refused this")


def _id_of(command: Command) -> CallId | None:
    call_id = getattr(command, "call_id", None)
    return None if call_id is None else CallId(call_id)
