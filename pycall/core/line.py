"""One user's phone line with at most one call on it: a pure machine, fed with inputs and time, drained of outputs.

    intents ─┐                                    ┌─► Send            (to the server)
    messages ┼─► Line ─► outputs(), deadline() ───┼─► Emit            (to our user)
    peers    ┤                                    ├─► OpenPeer …      (to the media connections)
    time    ─┘                                    └─► Resolve         (to the verb that waits)

It holds no clock, calls nobody back and never sleeps. The rules it keeps:

- The caller makes the call id; a message with another id belongs to another call and is dropped.
- Exactly one terminal event per call: `CallNotConnected` if the conversation never began for us, else `CallEnded`.
  After it nothing with that call id follows. A dial that the server refuses never was a call: an error, and no event.
- Hanging up stops media at once. How the call ended is the server's word, awaited for 3 s.
- Nothing is captured, and no connection opened, before our user has dialed or the server has committed our accept.
- While the link is down nothing is sent; after it, see `line_snapshot`.
- Every intent is answered by one `Resolve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .call import Call, CallState, Intent, allow
from .errors import CallError, ErrorCode, LocalProtocolError
from .line_face import LineFace
from .line_inbox import receive
from .line_snapshot import kicked, link_lost, link_up
from .line_state import LineState
from .line_timers import deadline, handle_timer
from .outputs import ClosePeer, Deliver, Emit, OpenPeer, Output, Resolve, Send, StartMedia, StopMedia
from .types import CallId, EndReason, MediaType, MemberState, PeerState, Role, RoomId, Scene, UserId
from .wire import (
    Accept,
    Command,
    Hangup,
    Invite,
    InviteMore,
    Join,
    Logout,
    MemberView,
    Reject,
    ServerMessage,
    SetMedia,
    SetMultiDevice,
    SetSelfInfo,
    SwitchMedia,
    Welcome,
)

__all__ = [
    "CallState",
    "ClosePeer",
    "Deliver",
    "Emit",
    "Line",
    "OpenPeer",
    "Output",
    "Resolve",
    "Send",
    "StartMedia",
    "StopMedia",
]


Asked = Invite | InviteMore | Accept | Join | SwitchMedia | SetMultiDevice | SetSelfInfo


class Line(LineFace):
    """The line also emits SignalingLost, SignalingRestored and KickedOffline; nobody else needs to.

    Request numbers grow for the life of the line, so one line belongs to one `device_id`: never a new line with an old
    one. `now` is any monotonic clock in seconds, the same for every input.
    """

    def __init__(self, *, connect_timeout: float = 20.0) -> None:
        super().__init__(LineState(connect_timeout))

    # --- intents ------------------------------------------------------------------------------------------------

    def dial(
        self,
        call_id: CallId,
        callees: Sequence[UserId],
        media: MediaType,
        *,
        timeout: int,
        user_data: str,
        room_id: RoomId | None = None,
        chat_group_id: str = "",
        now: float,
    ) -> int:
        """Call somebody; `timeout` in seconds, 0 for ever. Capture begins at once."""
        own, user_id, callees = self._own, self._must_be_free(), tuple(callees)
        call = Call(call_id, Role.CALLER, media, CallState.DIALING, user_id, _dialed(user_id, callees, media))
        call.scene, call.chat_group_id = Scene.of(len(callees), chat_group_id), chat_group_id
        call.rings_until = now + timeout if timeout else None
        call.told = (True, media.has_video)
        own.call, own.audio_open, own.video_open = call, True, media.has_video
        own.start_media()
        invite = Invite(
            req_id=own.pending.next_id(),
            call_id=call_id,
            callees=callees,
            media=media,
            timeout=timeout,
            user_data=user_data,
            room_id=room_id,
            chat_group_id=chat_group_id,
        )
        self._ask(invite)
        own.sync_media()
        return invite.req_id

    def join(
        self,
        call_id: CallId,
        *,
        room_id: RoomId | None = None,
        chat_group_id: str = "",
        video: bool = False,
        now: float,
    ) -> int:
        """Come into a running call: by its id, or by group and room (`call_id` is then a new one, made up for now)."""
        own, call = self._own, self._own.call
        if call is not None and call.state is CallState.RINGING and _is_meant(call, call_id, room_id, chat_group_id):
            call_id, room_id, chat_group_id = call.call_id, None, ""
            self._intend(Intent.ACCEPT)
        else:
            user_id = self._must_be_free()
            own.call = Call(call_id, Role.CALLEE, MediaType.AUDIO, CallState.CONNECTING, user_id, {}, fresh=True)
        own.audio_open, own.video_open = True, video
        join = Join(
            req_id=own.pending.next_id(),
            call_id=call_id,
            room_id=room_id,
            chat_group_id=chat_group_id,
            video=video,
        )
        own.joins.add(join.req_id)
        return self._ask(join)

    def invite(self, callees: Sequence[UserId], *, timeout: int, user_data: str, now: float) -> int:
        """Call more people into our call; its `Resolve` says for whom it rings now."""
        call = self._own.call
        if call is not None and call.state is not CallState.DIALING and not call.committed:
            raise LocalProtocolError(ErrorCode.WRONG_STATE, "invite: not possible before we are in the call")
        call = self._intend(Intent.INVITE)
        more = InviteMore(
            req_id=self._own.pending.next_id(),
            call_id=call.call_id,
            callees=tuple(callees),
            timeout=timeout,
            user_data=user_data,
        )
        return self._ask(more)

    def set_several_devices(self, enabled: bool, now: float) -> int:
        """Whether our user may be signed in on several devices."""
        self._own.several_devices = enabled
        return self._tell(SetMultiDevice(req_id=self._own.pending.next_id(), enabled=enabled))

    def set_self_info(self, nickname: str, avatar: str, now: float) -> int:
        """How we are shown to others."""
        self._own.nickname, self._own.avatar = nickname, avatar
        return self._tell(SetSelfInfo(req_id=self._own.pending.next_id(), nickname=nickname, avatar=avatar))

    def accept(self, now: float) -> int:
        """Answer; media begins once the server has committed it."""
        call = self._intend(Intent.ACCEPT)
        self._own.audio_open, self._own.video_open = True, call.media.has_video
        return self._ask(Accept(req_id=self._own.pending.next_id(), call_id=call.call_id))

    def reject(self, now: float, *, busy: bool = False) -> int:
        """Refuse; with `busy` the caller sees a busy line."""
        call = self._intend(Intent.REJECT)
        farewell = Reject(req_id=self._own.pending.next_id(), call_id=call.call_id, busy=busy)
        return self._leave(farewell, EndReason.BUSY if busy else EndReason.REJECTED, now)

    def hangup(self, now: float) -> int:
        """Leave the call, cancel it while it rings over there, or refuse it while it rings here."""
        call = self._own.call
        before = None if call is None else call.state
        call = self._intend(Intent.HANGUP)
        req_id = self._own.pending.next_id()
        if before is CallState.RINGING:
            return self._leave(Reject(req_id=req_id, call_id=call.call_id), EndReason.REJECTED, now)
        farewell = Hangup(req_id=req_id, call_id=call.call_id)
        if before is CallState.LEAVING:
            return self._own.pending.add(farewell)
        return self._leave(farewell, _hangup_reason(before), now)

    def switch_media(self, media: MediaType, now: float) -> int:
        """Voice to video or back, for both sides; with video our camera opens, unless it was closed by `set_media` in
        this call, and theirs when they open it."""
        call = self._own.call
        if call is not None and call.scene is not Scene.SINGLE:
            raise LocalProtocolError(ErrorCode.NOT_SUPPORTED, "switch media: not possible in a call of many")
        if call is not None and call.state is CallState.CONNECTING and not call.committed:
            raise LocalProtocolError(ErrorCode.WRONG_STATE, "switch media: not possible before the call is accepted")
        call = self._intend(Intent.SWITCH_MEDIA)
        command = SwitchMedia(req_id=self._own.pending.next_id(), call_id=call.call_id, media=media)
        if media is call.media:
            return self._done(command)
        return self._ask(command)

    def set_media(self, *, audio: bool | None = None, video: bool | None = None, now: float) -> int:
        """Open or close our microphone and camera; the last value wins, also while the link is down."""
        own, call = self._own, self._intend(Intent.SET_MEDIA)
        if video and not call.media.has_video:
            raise LocalProtocolError(ErrorCode.WRONG_STATE, "this is a voice call; switch it to video first")
        own.audio_open = own.audio_open if audio is None else audio
        own.video_open = own.video_open if video is None else video
        call.shy = call.shy if video is None else not video
        req_id, wanted = own.pending.next_id(), own.wanted_media()
        if own.may_tell_media() and wanted != call.told:
            own.pending.add(own.tell_media(call, req_id, wanted))
            return req_id
        return self._done(SetMedia(req_id=req_id, call_id=call.call_id, audio=wanted[0], video=wanted[1]))

    def logout(self, now: float) -> int:
        """Leave any call and sign out; resolves with the server's reply, or when the link is lost."""
        own = self._own
        if own.user_id is None:
            raise CallError(ErrorCode.NOT_LOGGED_IN, "nobody is signed in")
        command = Logout(req_id=own.pending.next_id())
        own.pending.add(command)
        own.signing_out = True
        if own.call is not None:
            reason = _hangup_reason(own.call.state)
            own.call.unanswered = own.call.may_ring_again
            own.call.state = allow(own.call.state, Intent.HANGUP)
            own.leave(command, reason, now)
        else:
            own.send(command)
        if not own.linked:
            link_lost(own, now)
        return command.req_id

    def source_failed(self, kind: Literal["audio", "video"], failed: bool, now: float) -> None:
        """A source died or came back; to the others a dead microphone or camera is a closed one."""
        if failed:
            self._own.broken.add(kind)
        else:
            self._own.broken.discard(kind)
        self._own.sync_media()

    # --- inputs -------------------------------------------------------------------------------------------------

    def link_up(self, welcome: Welcome, now: float) -> None:
        """Signed in, for the first time or again: the snapshot replaces what we believed."""
        link_up(self._own, welcome, now)

    def link_lost(self, now: float) -> None:
        """The connection to the server is gone."""
        link_lost(self._own, now)

    def kicked(self, now: float, code: ErrorCode = ErrorCode.KICKED) -> None:
        """Signed off by the server (`code` says why): our part ends here, and we do not come back by ourselves."""
        kicked(self._own, now, code)

    def receive(self, message: ServerMessage, now: float) -> None:
        """A message of the server, in the order of the wire."""
        if self._own.linked:
            receive(self._own, message, now)
        else:
            self._own.drop()

    def peer_changed(self, user_id: UserId, generation: int, state: PeerState, now: float) -> None:
        """What a media connection reports; one that has been replaced is not listened to."""
        own = self._own
        peer = own.peers.change(user_id, generation, state, now)
        if peer is None:
            own.drop()
            return
        own.report(peer)
        own.judge_peers(now)
        if own.linked:
            own.peers.restart_due(now)

    # --- time ---------------------------------------------------------------------------------------------------

    def handle_timer(self, now: float) -> None:
        """Do what is due; harmless when nothing is."""
        handle_timer(self._own, now)

    def deadline(self) -> float | None:
        """When `handle_timer` is next needed."""
        return deadline(self._own)

    def outputs(self) -> list[Output]:
        """What is to be done, in order; takes it."""
        taken = list(self._own.outputs)
        self._own.outputs.clear()
        return taken

    # --- steps --------------------------------------------------------------------------------------------------

    def _must_be_free(self) -> UserId:
        own = self._own
        if own.user_id is None:
            raise CallError(ErrorCode.NOT_LOGGED_IN, "sign in first")
        if own.call is not None:
            state = own.call.state.value
            raise LocalProtocolError(ErrorCode.WRONG_STATE, f"the line is taken ({state}); hang up first")
        if not own.linked:
            raise CallError(ErrorCode.UNREACHABLE, "the server is away; try again once it is back")
        return own.user_id

    def _intend(self, intent: Intent) -> Call:
        call = self._own.call
        following = allow(None if call is None else call.state, intent)
        assert call is not None  # `allow` raises without a call
        call.state = following
        return call

    def _tell(self, command: SetMultiDevice | SetSelfInfo) -> int:
        """With the link down there is nothing to wait for: the next login says it."""
        if self._own.user_id is None:
            raise CallError(ErrorCode.NOT_LOGGED_IN, "sign in first")
        if not self._own.linked:
            return self._done(command)
        return self._ask(command)

    def _ask(self, command: Asked) -> int:
        """Send it and wait for the reply; with the link down the snapshot decides what becomes of it."""
        self._own.send(command)
        return self._own.pending.add(command)

    def _done(self, command: Command) -> int:
        """Nothing to ask the server for: answered at once."""
        self._own.pending.add(command)
        self._own.pending.resolve(command.req_id, None, self.call_id)
        return command.req_id

    def _leave(self, farewell: Hangup | Reject, reason: EndReason, now: float) -> int:
        self._own.pending.add(farewell)
        self._own.leave(farewell, reason, now)
        return farewell.req_id


def _dialed(user_id: UserId, callees: tuple[UserId, ...], media: MediaType) -> dict[UserId, MemberView]:
    """What the server will make of the call."""
    caller = MemberView(user_id=user_id, state=MemberState.JOINED, video=media.has_video)
    ringing = {callee: MemberView(user_id=callee, state=MemberState.RINGING) for callee in callees}
    return {user_id: caller, **ringing}


def _is_meant(call: Call, call_id: CallId, room_id: RoomId | None, chat_group_id: str) -> bool:
    """The ringing call is the one to be joined."""
    if room_id is None:
        return call.call_id == call_id
    return (call.chat_group_id, call.room_id) == (chat_group_id, room_id)


def _hangup_reason(state: CallState | None) -> EndReason:
    """What the server will call it, in case its word does not come."""
    if state is CallState.RINGING:
        return EndReason.REJECTED
    return EndReason.CANCELED if state is CallState.DIALING else EndReason.HANGUP
