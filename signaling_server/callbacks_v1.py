"""Callbacks of the first generation: which commands a fact makes, and what they say.

`<role>_<event>` for what one side of the call did or saw, `invite_user` and `join_in_group_call`, and at the end of
the call one command for its result. Groups report the result `normal_end` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pycall.core.types import EndReason, Scene

from .facts import Fact, FactKind
from .ledger import StoredCall
from .record_rows import OVER, CallResult, result_of


class Event(NamedTuple):
    """One callback to be made."""

    command: str
    body: dict[str, Any]


RESULTS = {
    CallResult.CANCEL: "cancel",
    CallResult.REJECT: "reject",
    CallResult.NOT_ANSWER: "not_answer",
    CallResult.NORMAL_END: "normal_end",
    CallResult.CALL_BUSY: "call_busy",
    CallResult.INTERRUPT: "interrupt",
    CallResult.OFFLINE: "interrupt",
}
_CALLEE = {
    FactKind.RECEIVED: "receive_call",
    FactKind.ACCEPTED: "accept_call",
    FactKind.REJECTED: "reject_call",
    FactKind.IGNORED: "ignore_call",
    FactKind.NO_ANSWER: "not_answer_call",
    FactKind.CANCELED: "call_canceled",
}
"""What the callee did or saw."""
_CALLER = {
    FactKind.REJECTED: "call_rejected",
    FactKind.IGNORED: "call_busy",
    FactKind.BUSY: "call_busy",
    FactKind.NO_ANSWER: "call_missed",
}
"""What the caller saw of it."""
_RESULT_OF = {
    "call_missed": "not_answer",
    "not_answer_call": "not_answer",
    "call_rejected": "reject",
    "reject_call": "reject",
    "call_busy": "call_busy",
    "ignore_call": "call_busy",
    "cancel_call": "cancel",
    "call_canceled": "cancel",
    "call_end": "normal_end",
    "call_interrupted": "interrupt",
    "call_failed": "interrupt",
}


def events_of(fact: Fact) -> Iterator[Event]:
    """Everything that this fact makes, in order."""
    call, kind = fact.call, fact.kind
    if kind is FactKind.STARTED:
        yield _event(fact, call.caller, "start_call")
    elif kind is FactKind.INVITED:
        yield Event("invite_user", _body(fact, fact.user_id, "invite_user"))
    elif kind is FactKind.JOINED:
        yield Event("join_in_group_call", _body(fact, fact.user_id, "join_in_group_call"))
    elif kind is FactKind.LEFT:
        yield _event(fact, fact.user_id, _leaving(fact, fact.user_id))
    elif kind is FactKind.ENDED:
        yield from _endings(fact)
    else:
        yield from _answers(fact)


def _answers(fact: Fact) -> Iterator[Event]:
    if (event := _CALLEE.get(fact.kind)) is not None:
        yield _event(fact, fact.user_id, event)
    if fact.kind is FactKind.ACCEPTED and fact.call.accepted_at == fact.at:
        yield _event(fact, fact.call.caller, "call_accepted")
    elif (event := _CALLER.get(fact.kind)) is not None:
        yield _event(fact, fact.call.caller, event)


def _endings(fact: Fact) -> Iterator[Event]:
    call, result = fact.call, result_of(fact.call)
    if call.accepted_at is not None:
        for user_id in fact.users:
            yield _event(fact, user_id, _leaving(fact, user_id))
    elif result is CallResult.CANCEL:
        yield _event(fact, call.caller, "cancel_call")
    elif result in {CallResult.INTERRUPT, CallResult.OFFLINE}:
        yield _event(fact, call.caller, "call_failed")
    if _is_single(call) or result is CallResult.NORMAL_END:
        yield Event(RESULTS[result], _body(fact, fact.by, "", RESULTS[result]))


def _leaving(fact: Fact, user_id: str) -> str:
    if fact.reason in OVER:
        return "call_end"
    failed = fact.reason is EndReason.MEDIA_FAILED and user_id == fact.call.caller
    return "call_failed" if failed else "call_interrupted"


def _event(fact: Fact, user_id: str, event: str) -> Event:
    result = _RESULT_OF.get(event, "")
    shown = result if _is_single(fact.call) or result == "normal_end" else ""
    return Event(f"{_role(fact.call, user_id)}_{event}", _body(fact, user_id, event, shown))


def _body(fact: Fact, user_id: str, event: str, result: str = "") -> dict[str, Any]:
    call = fact.call
    body: dict[str, Any] = {
        "UserId": user_id,
        "RoomId": str(call.room_id),
        "TotalNum": 1 + len(call.callees),
        "MediaType": call.media.value,
        "CallType": "single" if _is_single(call) else "group",
        "CallId": call.call_id,
        "Role": _role(call, user_id),
        **({"Event": event} if event else {}),
        "CallResult": result,
        "EventTime": int(fact.at),
    }
    if result == "normal_end":
        body["StartCallTs"] = int(call.created_at)
        body["AcceptTs"] = int(call.accepted_at or call.created_at)
        body["EndTs"] = int(call.ended_at or fact.at)
    return body


def _role(call: StoredCall, user_id: str) -> str:
    return "caller" if user_id == call.caller else "callee"


def _is_single(call: StoredCall) -> bool:
    return call.scene is Scene.SINGLE
