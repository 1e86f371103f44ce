"""What becomes of a verb when the server has answered it."""

from __future__ import annotations

from .call import Call, CallState, Fact
from .errors import ErrorCode
from .line_entry import commit, error_of, id_of, merge, refuse_dial, rekey
from .line_state import LineState
from .types import CallId, EndReason
from .wire import (
    Accept,
    CallView,
    Hangup,
    Invite,
    InviteMore,
    Join,
    Logout,
    Reject,
    Reply,
    SetMedia,
    SwitchMedia,
)


def replied(line: LineState, reply: Reply, now: float) -> None:
    """One reply, in the order of the wire."""
    again = line.note_refusal(reply, now)
    if line.call is not None and reply.ok and reply.call is not None and line.call.told_by == reply.req_id:
        # A switch may have crossed what we said about our camera: what the server has made of both counts.
        line.note_told(reply.call)
        line.sync_media()
    command = line.pending.get(reply.req_id)
    joined = reply.req_id in line.joins
    line.joins.discard(reply.req_id)
    if command is None:
        if joined:
            _leave_again(line, reply)
        return
    match command:
        case Invite():
            _invite_replied(line, command, reply, now)
        case Accept():
            _accept_replied(line, command, reply, now)
        case Join():
            _join_replied(line, command, reply, now)
        case InviteMore():
            line.pending.resolve(reply.req_id, error_of(reply), id_of(command), reply.users)
        case Hangup() | Reject() | Logout():
            line.pending.resolve(reply.req_id, None, id_of(command))
        case SwitchMedia() if reply.ok:
            _switch_replied(line, command)
        case SetMedia() if again:
            line.pending.resolve(reply.req_id, None, id_of(command))
        case _:
            line.pending.resolve(reply.req_id, error_of(reply), id_of(command))


def _invite_replied(line: LineState, invite: Invite, reply: Reply, now: float) -> None:
    call, view = line.call, reply.call
    if call is None or call.call_id != invite.call_id:
        line.pending.resolve(reply.req_id, error_of(reply), CallId(invite.call_id))
    elif not reply.ok:
        refuse_dial(line, reply, now)
    elif view is None or view.call_id == invite.call_id:
        line.pending.resolve(reply.req_id, None, call.call_id)
        if view is not None and view.seq >= call.seq:
            call.take_view(view)
    else:
        merge(line, call, invite, view, now)


def _join_replied(line: LineState, join: Join, reply: Reply, now: float) -> None:
    call, view = line.call, reply.call
    if call is None or call.call_id != join.call_id:
        line.pending.resolve(reply.req_id, error_of(reply), CallId(join.call_id))
    elif not call.fresh:
        _accept_replied(line, join, reply, now)
    elif not reply.ok or view is None:
        refuse_dial(line, reply, now)
    else:
        enter(line, call, join, view, now)


def _leave_again(line: LineState, reply: Reply) -> None:
    """We were let in, but it was over for us here already: another device refused, or the user hung up."""
    view = reply.call
    if reply.ok and view is not None and (line.call is None or line.call.call_id != view.call_id):
        line.say_farewell(Hangup(req_id=line.pending.next_id(), call_id=view.call_id))


def enter(line: LineState, call: Call, join: Join, view: CallView, now: float) -> None:
    """The server has let us in; perhaps under another id, and perhaps we have hung up since."""
    known = call.call_id == view.call_id
    if not known:
        rekey(line, call, view)
    elif line.held is not None and line.held[0].call_id == view.call_id:
        line.held = None
    line.pending.resolve(join.req_id, None, call.call_id)
    call.fresh = False
    if call.state is CallState.CONNECTING:
        commit(line, view, now)
        return
    call.take_view(view)
    if not known:
        line.say_farewell(Hangup(req_id=line.pending.next_id(), call_id=call.call_id))


def _accept_replied(line: LineState, accept: Accept | Join, reply: Reply, now: float) -> None:
    line.pending.resolve(reply.req_id, error_of(reply), CallId(accept.call_id))
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
        line.video_open = not call.shy
        call.told = None if call.told is None else (call.told[0], True)
        line.sync_media()
    line.pending.resolve(command.req_id, None, CallId(command.call_id))
