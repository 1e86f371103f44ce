"""The link comes and goes: after each sign-in the server's picture replaces ours, and what we want follows from it.

Nothing is sent between the loss of the link and the snapshot, and nothing from before is replayed:

    server                             we                     then
    ─────────────────────────────────  ─────────────────────  ───────────────────────────────────────────────
    rings, or has us joined            finished that call     refuse it, or hang up
    rings                              know no call           it rings here
    rings                              signed out meanwhile   it rings here, again
    rings                              accepted               accept again, with the same request number
    rings, or knows no such call       asked to join          ask again, with the same request number
    has us joined                      accepted               the accept was committed: media begins
    has us joined                      in the call            members, media and microphones are caught up
    knows how it ended                 in the call            that is the end
    shows who was invited              invited them           that arrived; else invite again, with the same number
    has us joined in another           dialed, no answer yet  both had dialed each other: that call is ours
    knows no such call                 dialed, no answer yet  dial again, with the same call id and number
    knows no such call                 in the call            the call is lost: it ends as UNKNOWN
"""

from __future__ import annotations

from .call import Call, CallState
from .errors import CallError, ErrorCode
from .events import KickedOffline, SignalingLost, SignalingRestored
from .line_entry import commit, merge
from .line_inbox import declined, end, inviting, joined, left, media_set, shown, switch
from .line_replies import enter
from .line_state import DECLINED, SIGNED_OFF, LineState
from .types import CallId, EndReason, MemberState, UserId
from .wire import Accept, CallView, Hangup, Invite, InviteMore, Join, Logout, MemberView, Reject, SwitchMedia, Welcome


def link_up(line: LineState, welcome: Welcome, now: float) -> None:
    """Apply the snapshot; invitations that were not answered are made again, unless the snapshot shows them."""
    line.joins.clear()
    before = {} if line.call is None else dict(line.call.members)
    _apply(line, welcome, now)
    line.joins |= {command.req_id for command in line.pending.all() if isinstance(command, Join)}
    for command in line.pending.all():
        if isinstance(command, InviteMore):
            invited = _invited(line, command, before, welcome.call)
            if invited:
                line.pending.resolve(command.req_id, None, CallId(command.call_id), invited)
            else:
                line.send(command)


def _invited(
    line: LineState, command: InviteMore, before: dict[UserId, MemberView], view: CallView | None
) -> tuple[UserId, ...]:
    """Who has been called by this invitation, though its answer was lost; some may have refused since."""
    if view is None or view.call_id != command.call_id:
        return ()
    ours = (member for member in view.members if member.user_id in command.callees and member.inviter == line.user_id)
    return tuple(member.user_id for member in ours if _is_new(before.get(member.user_id), member))


def _is_new(before: MemberView | None, member: MemberView) -> bool:
    return before is None or (before.state is MemberState.GONE and member.state is not MemberState.GONE)


def _apply(line: LineState, welcome: Welcome, now: float) -> None:
    line.user_id = welcome.user_id
    line.linked, line.lost_at = True, None
    if line.was_linked:
        line.emit(SignalingRestored())
    line.was_linked = True
    view, call = welcome.call, line.call
    line.finished_for_sure(None if view is None else view.call_id)
    if call is not None and view is not None and view.call_id == call.call_id:
        _same_call(line, call, view, now)
        return
    if call is not None and not _settle_ours(line, call, welcome, now):
        return
    if view is not None:
        _other_call(line, view, now)


def link_lost(line: LineState, now: float) -> None:
    """The link is gone; a call goes on without it, except one that is being left."""
    if line.linked and not line.signing_out:
        line.emit(SignalingLost())
    line.lost_at = now if line.linked else line.lost_at
    line.linked, line.held = False, None
    line.farewells.clear()
    for command in line.pending.all():
        if not isinstance(command, Invite | InviteMore | Accept | Join | SwitchMedia):
            line.pending.resolve(command.req_id, None, None if line.call is None else line.call.call_id)
    if line.call is not None and line.call.state is CallState.LEAVING:
        line.finish_locally(now)
    if line.signing_out:
        line.user_id, line.was_linked, line.signing_out = None, False, False
        line.early.clear()


def kicked(line: LineState, now: float, code: ErrorCode) -> None:
    """Signed off by the server: our part ends here. A ring that nobody has answered may ring again."""
    line.emit(KickedOffline(code))
    if line.call is not None:
        line.call.unanswered = line.call.may_ring_again
    line.linked, line.held = False, None
    line.farewells.clear()
    line.finish(EndReason.KICKED, line.user_id or "", 0.0, now)
    for command in line.pending.all():
        error = None if isinstance(command, Logout) else CallError(code, SIGNED_OFF[code])
        line.pending.resolve(command.req_id, error, None)
    line.user_id, line.was_linked, line.signing_out = None, False, False
    line.early.clear()
    line.several_devices = False


def _settle_ours(line: LineState, call: Call, welcome: Welcome, now: float) -> bool:
    """Our call is not on our line at the server. False if it is dialed again, which decides about any other as well."""
    if welcome.ended is not None and welcome.ended.call_id == call.call_id:
        end(line, welcome.ended, now)
        return True
    invite = line.pending.find(Invite)
    if call.state is CallState.DIALING and invite is not None:
        _dial_again(line, call, invite, welcome.call, now)
        return False
    join = line.pending.find(Join)
    if call.fresh and call.state is CallState.CONNECTING and join is not None:
        _join_again(line, call, join, welcome.call, now)
        return False
    line.finish(EndReason.UNKNOWN, line.user_id or "", 0.0, now)
    return True


def _dial_again(line: LineState, call: Call, invite: Invite, view: CallView | None, now: float) -> None:
    """The reply to our dialing was lost, or the dialing itself. In another call already: merged into it."""
    own = None if view is None else line.own(view)
    if view is not None and own is not None and own.state is MemberState.JOINED:
        merge(line, call, invite, view, now)
        return
    if view is not None and own is not None and own.state is MemberState.RINGING:
        line.held = (view, now)
    line.send(invite)
    call.told = (True, call.media.has_video)
    line.sync_media()


def _join_again(line: LineState, call: Call, join: Join, view: CallView | None, now: float) -> None:
    """The reply to our joining was lost, or the joining itself."""
    own = None if view is None else line.own(view)
    if view is not None and own is not None and own.state is MemberState.JOINED:
        enter(line, call, join, view, now)
        return
    if view is not None and own is not None and own.state is MemberState.RINGING:
        line.held = (view, now)
    line.send(join)


def _other_call(line: LineState, view: CallView, now: float) -> None:
    """A call on our line at the server, and none here."""
    own = line.own(view)
    rings = own is not None and own.state is MemberState.RINGING
    if rings and not line.is_over(view):
        line.ring(view, now)
    elif rings:
        busy = line.finished[view.call_id].busy
        line.say_farewell(Reject(req_id=line.pending.next_id(), call_id=view.call_id, busy=busy))
    else:
        line.say_farewell(Hangup(req_id=line.pending.next_id(), call_id=view.call_id))


def _same_call(line: LineState, call: Call, view: CallView, now: float) -> None:
    own = line.own(view)
    joined_there = own is not None and own.state is MemberState.JOINED
    invite, asked = line.pending.find(Invite), line.pending.find(Accept) or line.pending.find(Join)
    if invite is not None:
        line.pending.resolve(invite.req_id, None, call.call_id)
    call.rings_until = None if view.remaining is None else now + view.remaining
    if call.committed or call.state is CallState.DIALING:
        _catch_up(line, call, view, now)
    elif call.state is CallState.CONNECTING and joined_there:
        if asked is not None:
            line.pending.resolve(asked.req_id, None, call.call_id)
        commit(line, view, now)
    elif call.state is CallState.CONNECTING and not joined_there:
        call.take_view(view)
        line.send(asked or Accept(req_id=line.pending.next_id(), call_id=call.call_id))
    else:
        call.take_view(view)
        call.media = view.media


def _catch_up(line: LineState, call: Call, view: CallView, now: float) -> None:
    """What was missed while the link was down, in the order in which it would have been told."""
    call.seq = max(call.seq, view.seq)
    _catch_up_media(line, call, view)
    call.scene, call.room_id, call.chat_group_id = view.scene, view.room_id, view.chat_group_id
    for member in view.members:
        if member.user_id != line.user_id:
            _catch_up_member(line, call, member, now)
    line.peers.restart_lost(now)
    line.report_all()
    line.note_told(view)
    line.sync_media()


def _catch_up_member(line: LineState, call: Call, member: MemberView, now: float) -> None:
    """From what we knew of one of the others to what has become of them, step by step."""
    user_id, known = member.user_id, call.members.get(member.user_id)
    before = MemberState.GONE if known is None else known.state
    if known is not None and before is MemberState.JOINED and known.since != member.since:
        left(line, call, user_id, member.reason or EndReason.UNKNOWN, now)
        before = MemberState.GONE
    if known is None and member.state is MemberState.GONE:
        _came_and_went(line, call, member)
    elif member.state is MemberState.RINGING and before is MemberState.GONE:
        inviting(line, call, user_id, member.inviter or call.caller)
    elif member.state is MemberState.JOINED and before is not MemberState.JOINED:
        joined(line, call, member, now)
    elif member.state is MemberState.GONE and before is MemberState.JOINED:
        left(line, call, user_id, member.reason or EndReason.UNKNOWN, now)
    elif member.state is MemberState.GONE and before is MemberState.RINGING:
        declined(line, call, user_id, member.reason or EndReason.UNKNOWN)
    elif member.state is MemberState.JOINED:
        media_set(line, call, user_id, member.audio, member.video)
        shown(line, call, user_id, member.nickname, member.avatar)


def _came_and_went(line: LineState, call: Call, member: MemberView) -> None:
    """Somebody whom we did not know of, and who is gone already; our user hears of a refusal, not of a visit."""
    if member.inviter is not None and member.reason in DECLINED:
        inviting(line, call, member.user_id, member.inviter)
        declined(line, call, member.user_id, member.reason)
    else:
        call.members[member.user_id] = member


def _catch_up_media(line: LineState, call: Call, view: CallView) -> None:
    """A switch of ours that arrived is answered, one that did not asked for again; of several the last counts."""
    switches = [command for command in line.pending.all() if isinstance(command, SwitchMedia)]
    if view.media is not call.media:
        ours = bool(switches) and switches[-1].media is view.media
        switch(line, call, view.media, _switcher(line, view, ours))
    for command in switches:
        if command is not switches[-1] or command.media is view.media:
            line.pending.resolve(command.req_id, None, call.call_id)
        else:
            line.send(command)


def _switcher(line: LineState, view: CallView, ours: bool) -> str:
    others = [member.user_id for member in view.members if member.user_id != line.user_id]
    return (line.user_id or "") if ours or not others else others[0]
