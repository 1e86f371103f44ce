"""Lines by themselves, as tests begin with them, and what they are told."""

from __future__ import annotations

from typing import Any

from pycall.core.line import (
    Emit,
    Line,
    Output,
    Send,
)
from pycall.core.types import CallId, EndReason, MediaType, MemberState, PeerState
from pycall.core.wire import (
    CallView,
    Ended,
    Invited,
    Joined,
    MemberView,
    Reply,
    Welcome,
)

CALL = CallId("1" * 32)
OTHER = CallId("2" * 32)
VIDEO, AUDIO = MediaType.VIDEO, MediaType.AUDIO


def view(*joined: str, call_id: str = CALL, media: MediaType = VIDEO, seq: int = 1, **fields: Any) -> CallView:
    """a calls b."""
    members = tuple(
        MemberView(user_id=u, state=MemberState.JOINED if u in joined else MemberState.RINGING, video=u in joined)
        for u in "ab"
    )
    return CallView(call_id=call_id, seq=seq, caller="a", callees=("b",), media=media, members=members, **fields)


def welcome(user: str, call: CallView | None = None, ended: Ended | None = None) -> Welcome:
    return Welcome(version=1, user_id=user, server_time=1.7e9, call=call, ended=ended)


def over(reason: EndReason, by: str, *, seq: int = 9, call_id: str = CALL, duration: float = 0.0) -> Ended:
    return Ended(call_id=call_id, seq=seq, reason=reason, user_id=by, media=VIDEO, duration=duration)


def line(user: str) -> Line:
    it = Line()
    it.link_up(welcome(user), 0.0)
    assert it.outputs() == []
    return it


def dialing() -> Line:
    it = line("a")
    it.dial(CALL, ("b",), VIDEO, timeout=30, user_data="hi", now=1.0)
    it.outputs()
    return it


def ringing() -> Line:
    it = line("b")
    it.receive(Invited(call=view("a", remaining=30.0)), 1.0)
    it.outputs()
    return it


def talking(user: str = "a") -> Line:
    it = dialing() if user == "a" else ringing()
    if user == "a":
        it.receive(Reply(req_id=1, ok=True, call=view("a")), 1.1)
        it.receive(Joined(call_id=CALL, seq=3, user_id="b", video=True), 2.0)
    else:
        it.accept(1.5)
        it.receive(Reply(req_id=1, ok=True, call=view("a", "b", seq=3)), 2.0)
    it.peer_changed("b" if user == "a" else "a", 0, PeerState.UP, 3.0)
    it.outputs()
    return it


def sent(outputs: list[Output]) -> list[Any]:
    return [output.message for output in outputs if isinstance(output, Send)]


def emitted(outputs: list[Output]) -> list[Any]:
    return [output.event for output in outputs if isinstance(output, Emit)]
