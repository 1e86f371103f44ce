"""What each message of the server does to a line. What comes late, twice or uncalled for is dropped and counted."""

from __future__ import annotations

from msgspec.structs import replace

from .call import Call, CallState, Fact
from .events import CallMediaChanged, UserInfoChanged, UserInviting, UserJoined, UserLeft, UserRinging
from .line_entry import open_peer, signaled
from .line_replies import replied
from .line_state import RECONNECT_SECONDS, LineState
from .types import EndReason, MediaType, MemberState, Scene
from .wire import (
    CallMessage,
    CallView,
    Declined,
    Ended,
    Invited,
    Inviting,
    Joined,
    Left,
    MediaSet,
    MediaSwitched,
    MemberView,
    Reply,
    Ringing,
    ServerMessage,
    Signaled,
    UserInfo,
)

_DEPARTURES = (EndReason.HANGUP, EndReason.OFFLINE, EndReason.KICKED)
"""Reasons for which a call ends because somebody went; the other reasons belong to the call itself."""


def receive(line: LineState, message: ServerMessage, now: float) -> None:
    """One message, in the order of the wire."""
    match message:
        case Reply():
            replied(line, message, now)
        case Invited():
            invited(line, message.call, now)
        case Ended():
            _ended(line, message, now)
        case Signaled():
            signaled(line, message, now)
        case UserInfo():
            _user_info(line, message)
        case CallMessage():
            _call_message(line, message, now)
        case _:
            line.drop()


# --- the ring ---------------------------------------------------------------------------------------------------


def invited(line: LineState, view: CallView, now: float) -> None:
    """Somebody calls. While our own call is not decided, the ring is held back: both may turn out to be one call."""
    known = line.call is not None and line.call.call_id == view.call_id and not line.call.fresh
    if known or line.is_over(view):
        line.drop()
    elif line.call is not None:
        line.held = (view, now)
    else:
        line.ring(view, now)


def _ended(line: LineState, ended: Ended, now: float) -> None:
    if line.held is not None and line.held[0].call_id == ended.call_id:
        line.remember(ended.call_id, seq=ended.seq)
        line.held = None
        return
    if line.call is None or line.call.call_id != ended.call_id:
        if ended.call_id in line.finished:
            line.remember(ended.call_id, seq=ended.seq)
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
    line.finish(ended.reason, ended.user_id, ended.duration, now, seq=ended.seq)


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
            declined(line, call, message.user_id, message.reason)
        case Inviting():
            inviting(line, call, message.user_id, message.inviter)
        case Joined():
            joined(line, call, _newcomer(message), now)
        case Left():
            left(line, call, message.user_id, message.reason, now)
        case MediaSwitched():
            _media_switched(line, call, message)
        case MediaSet():
            media_set(line, call, message.user_id, message.audio, message.video)
        case _:
            line.drop()


def _newcomer(message: Joined) -> MemberView:
    return MemberView(
        user_id=message.user_id,
        state=MemberState.JOINED,
        audio=message.audio,
        video=message.video,
        nickname=message.nickname,
        avatar=message.avatar,
        since=message.seq,
    )


def declined(line: LineState, call: Call, user_id: str, reason: EndReason) -> None:
    """Somebody who was called will not come."""
    member = call.members.get(user_id)
    if member is not None:
        call.members[user_id] = replace(member, state=MemberState.GONE, reason=reason)
    line.declined(call, reason, user_id)


def inviting(line: LineState, call: Call, user_id: str, inviter: str) -> None:
    """Somebody is called into the call, which is one of many from now on."""
    call.members[user_id] = MemberView(user_id=user_id, state=MemberState.RINGING, inviter=inviter)
    call.declined.discard(user_id)
    call.scene = Scene.MULTI if call.scene is Scene.SINGLE else call.scene
    call.rings_until = None
    line.emit(UserInviting(call.call_id, inviter, user_id))


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
    if call.began_at is None:
        call.connect_by = call.connect_by or now + line.connect_timeout
    elif not line.peers.any_up:
        call.reconnect_by = call.reconnect_by or now + RECONNECT_SECONDS
    open_peer(line, user_id, offers=False, now=now)


def left(line: LineState, call: Call, user_id: str, reason: EndReason, now: float) -> None:
    """Another person went, and the call goes on."""
    member = call.members.get(user_id)
    if member is None or member.state is not MemberState.JOINED:
        line.drop()
        return
    call.members[user_id] = replace(member, state=MemberState.GONE, reason=reason)
    call.announced.pop(user_id, None)
    line.emit(UserLeft(call.call_id, user_id, reason))
    line.peers.close(user_id)
    line.judge_peers(now)


def _media_switched(line: LineState, call: Call, message: MediaSwitched) -> None:
    switch(line, call, message.new, message.user_id)


def switch(line: LineState, call: Call, new: MediaType, by: str) -> None:
    """Voice to video or back; only the camera of the one who asked for video opens by itself.

    The server believes that it is open; if its user has closed it before, it stays closed and the server is told.
    """
    old, call.media = call.media, new
    for user_id, member in call.members.items():
        call.members[user_id] = replace(member, video=new.has_video and user_id == by)
    mine = new.has_video and by == line.user_id
    call.told = None if call.told is None else (call.told[0], mine)
    line.video_open = mine and not call.shy and call.state is not CallState.LEAVING
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


def _user_info(line: LineState, message: UserInfo) -> None:
    if line.call is None or line.call.call_id != message.call_id:
        line.drop()
        return
    shown(line, line.call, message.user_id, message.nickname, message.avatar)


def shown(line: LineState, call: Call, user_id: str, nickname: str, avatar: str) -> None:
    """How another member is shown from now on."""
    member = call.members.get(user_id)
    if member is None or (member.nickname, member.avatar) == (nickname, avatar):
        return
    call.members[user_id] = replace(member, nickname=nickname, avatar=avatar)
    line.emit(UserInfoChanged(user_id, nickname, avatar))
