"""How a line comes into a call, or fails to: the answer is committed, connections open, a merge, a refused dial."""

from __future__ import annotations

from .call import Call, CallState, Fact
from .errors import CallError, ErrorCode
from .events import CallMediaChanged, UserJoined
from .line_state import LineState
from .outputs import Deliver, StopMedia
from .types import CallId, MemberState, Role, Scene
from .wire import CallView, Command, Hangup, Invite, Logout, Reply, Signaled


def commit(line: LineState, view: CallView, now: float) -> None:
    """The server has us in the call: capture may begin, and the newcomer offers to everybody who is there."""
    call = line.call
    if call is None or call.state is not CallState.CONNECTING:
        return
    call.take_view(view)
    call.media = view.media
    call.committed, call.fresh = True, False
    line.video_open = line.video_open and call.media.has_video
    line.start_media()
    for user_id in call.others_joined(line.user_id):
        call.connect_by = now + line.connect_timeout
        if call.scene is not Scene.SINGLE:
            line.emit(UserJoined(call.call_id, user_id))
        open_peer(line, user_id, offers=True, now=now)
    line.note_told(view)
    line.sync_media()


def open_peer(line: LineState, user_id: str, *, offers: bool, now: float) -> None:
    """Begin the connection; what came early for it is delivered."""
    line.peers.open(user_id, offers=offers, now=now)
    if line.call is not None:
        for message in line.early.take(line.call.call_id, user_id):
            signaled(line, message, now)


def signaled(line: LineState, message: Signaled, now: float) -> None:
    """A description or candidate from another member, for the connection with them."""
    call = line.call
    if call is None or message.call_id != call.call_id or call.state in (CallState.RINGING, CallState.LEAVING):
        _early(line, message, now)
        return
    peer = line.peers.get(message.sender)
    if peer is None:
        _early(line, message, now)
    elif message.kind == "offer" and message.generation > peer.generation:
        line.peers.answer(peer, message.generation, now)
        line.outputs.append(Deliver(message))
        line.judge_peers(now)
    elif message.generation == peer.generation:
        peer.answered = peer.answered or message.kind == "answer"
        line.outputs.append(Deliver(message))
    else:
        if message.kind == "offer":
            line.peers.back(peer, now)
        line.drop()


def _early(line: LineState, message: Signaled, now: float) -> None:
    """Wait for the ring, the answer or the `joined` it belongs to; for a call that is over there will be none."""
    call = line.call
    if call is not None and call.call_id == message.call_id:
        over = call.state is CallState.LEAVING
    else:
        over = message.call_id in line.finished
    if over or message.sender == line.user_id:
        line.drop()
    else:
        line.dropped += line.early.put(message, now)


def refuse_dial(line: LineState, reply: Reply, now: float) -> None:
    """There never was a call: no event, only the error. What takes our line instead is shown or got rid of."""
    line.hush()
    for command in line.pending.all():
        error = None if isinstance(command, Hangup | Logout) else error_of(reply)
        if not isinstance(command, Logout):
            line.pending.resolve(command.req_id, error, id_of(command))
    line.forget(now)
    own = None if reply.call is None else line.own(reply.call)
    if reply.call is not None and own is not None and own.state is MemberState.JOINED:
        line.say_farewell(Hangup(req_id=line.pending.next_id(), call_id=reply.call.call_id))


def merge(line: LineState, call: Call, invite: Invite, view: CallView, now: float) -> None:
    """They dialed us first: our dialing has become an answer to their call."""
    rekey(line, call, view)
    call.role = Role.CALLEE
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


def rekey(line: LineState, call: Call, view: CallView) -> None:
    """The call has another id at the server than the one we gave it; that one counts from now on."""
    line.remember(call.call_id)
    call.call_id, call.caller = CallId(view.call_id), view.caller
    if line.held is not None and line.held[0].call_id == view.call_id:
        line.held = None


def error_of(reply: Reply) -> CallError | None:
    """What the verb raises."""
    if reply.ok:
        return None
    return CallError(reply.code or ErrorCode.WRONG_STATE, reply.message or "the server refused this")


def id_of(command: Command) -> CallId | None:
    """The call that a command is about."""
    call_id = getattr(command, "call_id", None)
    return None if call_id is None else CallId(call_id)
