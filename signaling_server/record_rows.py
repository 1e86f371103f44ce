"""The record of a call that is over: what it holds, its result in the documents' words, and the rows it makes."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from pycall.core.records import RecordResult
from pycall.core.types import EndReason, MediaType, RoomId, Scene

from .ledger import StoredCall, StoredMember

SINGLE = Scene.SINGLE


class CallResult(str, Enum):
    """How a call came out (`CallResult` of the v4 REST interface)."""

    CANCEL = "Cancel"
    REJECT = "Reject"
    NOT_ANSWER = "NotAnswer"
    NORMAL_END = "NormalEnd"
    CALL_BUSY = "CallBusy"
    INTERRUPT = "Interrupt"
    """It ended in a way that nobody in it wanted."""
    OFFLINE = "Offline"


class RecordMember(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One user's part; times are Unix seconds."""

    user_id: str
    joined_at: float | None = None
    """None: they never were in the call."""
    left_at: float | None = None
    reason: EndReason | None = None
    """Why they left before the call was over, or never came."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that is over; all times are Unix seconds by the server's clock, start ≤ accept ≤ begin ≤ end."""

    call_id: str
    merged_id: str | None = None
    """The id under which the callee dialed the caller at the same time; it finds this record too."""
    caller: str
    callees: tuple[str, ...]
    media: MediaType
    scene: Scene = Scene.SINGLE
    room_id: RoomId = 1
    chat_group_id: str = ""
    members: tuple[RecordMember, ...]
    started_at: float
    accepted_at: float | None = None
    begun_at: float | None = None
    ended_at: float
    duration: float = 0.0
    """Seconds of conversation."""
    result: CallResult
    reason: EndReason
    ended_by: str


_RESULTS = {
    EndReason.HANGUP: CallResult.NORMAL_END,
    EndReason.CANCELED: CallResult.CANCEL,
    EndReason.RECALLED: CallResult.CANCEL,
    EndReason.REJECTED: CallResult.REJECT,
    EndReason.BUSY: CallResult.CALL_BUSY,
    EndReason.NO_ANSWER: CallResult.NOT_ANSWER,
    EndReason.OFFLINE: CallResult.OFFLINE,
}


OVER = frozenset({EndReason.HANGUP, EndReason.CANCELED, EndReason.REJECTED, EndReason.BUSY, EndReason.NO_ANSWER})
"""What ends a conversation in the way it should; the last ones if somebody invited later does not come."""


def result_of(call: StoredCall) -> CallResult:
    """How it came out; whatever has no word of its own is an interruption, so is a conversation dialed anew."""
    reason = call.reason or EndReason.UNKNOWN
    if call.accepted_at is not None and reason in OVER:
        return CallResult.NORMAL_END
    if call.accepted_at is not None and reason is EndReason.RECALLED:
        return CallResult.INTERRUPT
    return _RESULTS.get(reason, CallResult.INTERRUPT)


def record_of(call: StoredCall) -> Record:
    """The record of a call that is over."""
    return Record(
        call_id=call.call_id,
        merged_id=call.merged_id,
        caller=call.caller,
        callees=call.callees,
        media=call.media,
        scene=call.scene,
        room_id=call.room_id,
        chat_group_id=call.chat_group_id,
        members=tuple(_member(member) for member in call.members),
        started_at=call.created_at,
        accepted_at=call.accepted_at,
        begun_at=call.begun_at,
        ended_at=call.ended_at or call.created_at,
        duration=call.duration,
        result=result_of(call),
        reason=call.reason or EndReason.UNKNOWN,
        ended_by=call.ended_by or call.caller,
    )


def _member(member: StoredMember) -> RecordMember:
    return RecordMember(
        user_id=member.user_id,
        joined_at=member.joined_at,
        left_at=member.left_at,
        reason=member.reason,
    )


def record_row(app_id: int, call: StoredCall) -> dict[str, Any]:
    """The row of `records`."""
    record = record_of(call)
    return {
        "app_id": app_id,
        "call_id": record.call_id,
        "merged_id": record.merged_id,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "scene": record.scene.value,
        "result": record.result.value,
        "document": msgspec.to_builtins(record),
    }


def history_rows(app_id: int, call: StoredCall) -> list[dict[str, Any]]:
    """The rows of `histories`: everybody who was called, and the caller."""
    return [
        {
            "app_id": app_id,
            "call_id": call.call_id,
            "user_id": member.user_id,
            "started_at": call.created_at,
            "result": own_result(call, member).value,
        }
        for member in call.members
    ]


def own_result(call: StoredCall, member: StoredMember) -> RecordResult:
    """Missed is what rang, or could not ring, and was neither answered nor refused by the user."""
    if member.user_id == call.caller:
        return RecordResult.OUTGOING
    if member.joined_at is not None or member.reason is EndReason.REJECTED:
        return RecordResult.INCOMING
    refused = call.reason is EndReason.REJECTED and call.ended_by == member.user_id
    return RecordResult.INCOMING if refused else RecordResult.MISSED
