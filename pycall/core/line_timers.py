"""What a line does when time passes: give up, leave for good, try a broken media connection again."""

from __future__ import annotations

from typing import Literal

from .call import Call, CallState, Fact
from .errors import ErrorCode
from .events import ErrorOccurred
from .line_state import LineState
from .types import EndReason, Role
from .wire import Hangup

OFFLINE_SECONDS = 60.0
"""A call that has not begun ends when the server has been away for this long; its own patience is no longer."""
RING_MARGIN = 3.0
"""The server ends a ring; only without it, and this much later, the line does."""

_UNANSWERED = (CallState.DIALING, CallState.RINGING)


def handle_timer(line: LineState, now: float) -> None:
    """Do what is due; harmless when nothing is."""
    if _due(line.farewells.again_at, now):
        line.say_again()
    line.dropped += line.early.expire(now)
    call = line.call
    if call is None:
        return
    if _due(call.leave_by, now):
        line.finish_locally(now)
    elif _due(call.connect_by, now):
        _give_up(line, call, "media_failed", now)
    elif _due(call.reconnect_by, now):
        _give_up(line, call, "media_lost", now)
    elif _due(_away_until(line, call), now):
        _end_alone(line, call, now)
    else:
        if line.linked:
            line.peers.restart_due(now)
        for user_id in line.peers.take_unheard(now):
            line.emit(ErrorOccurred(ErrorCode.NO_MEDIA, f"nothing arrives from {user_id}; it is tried again"))


def deadline(line: LineState) -> float | None:
    """When `handle_timer` is next needed."""
    call = line.call
    always = [at for at in (line.farewells.again_at, line.early.deadline()) if at is not None]
    if call is None:
        return min(always, default=None)
    times = (
        *always,
        call.leave_by,
        call.connect_by,
        call.reconnect_by,
        _away_until(line, call),
        line.peers.deadline() if line.linked else None,
        line.peers.unheard_at(),
    )
    return min((time for time in times if time is not None), default=None)


def _give_up(line: LineState, call: Call, reason: Literal["media_failed", "media_lost"], now: float) -> None:
    """Media never came up, or did not come back: nobody asked for it, so no verb waits."""
    if call.observe(Fact.DEADLINE):
        farewell = Hangup(req_id=line.pending.next_id(), call_id=call.call_id, reason=reason)
        line.leave(farewell, EndReason(reason), now)


def _away_until(line: LineState, call: Call) -> float | None:
    """With the server away, a call that has not begun does not wait for it for ever."""
    lost_at = line.lost_at
    if lost_at is None or line.linked or call.began_at is not None or call.state is CallState.LEAVING:
        return None
    patience = lost_at + OFFLINE_SECONDS
    if call.state in _UNANSWERED and call.rings_until is not None:
        return min(patience, call.rings_until + RING_MARGIN)
    return patience


def _end_alone(line: LineState, call: Call, now: float) -> None:
    own_id = line.user_id or ""
    rang_out = call.state in _UNANSWERED and call.rings_until is not None and call.rings_until <= now
    if not rang_out:
        line.finish(EndReason.OFFLINE, own_id, 0.0, now)
        return
    callees = call.ringing() if call.role is Role.CALLER else []
    line.resolve_all(EndReason.NO_ANSWER)
    for callee in callees:
        line.declined(call, EndReason.NO_ANSWER, callee)
    line.finish(EndReason.NO_ANSWER, callees[-1] if callees else own_id, 0.0, now)


def _due(at: float | None, now: float) -> bool:
    return at is not None and at <= now
