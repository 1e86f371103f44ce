"""Callbacks of the fourth generation: a call was made, its members changed, it is over. Times in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pycall.core.types import EndReason, MediaType, MemberState, RoomId, Scene

from .callbacks import END_CALL, MEMBER_CHANGED, START_CALL
from .callbacks_v1 import Event
from .facts import Fact, FactKind
from .ledger import StoredCall
from .record_rows import Record, record_of

_ACTIONS = {
    FactKind.ACCEPTED: "Accept",
    FactKind.REJECTED: "Reject",
    FactKind.IGNORED: "Reject",
    FactKind.BUSY: "Reject",
    FactKind.NO_ANSWER: "NotAnswer",
    FactKind.JOINED: "Join",
    FactKind.INVITED: "Invite",
    FactKind.CANCELED: "Cancel_Invite",
}
_STATUS = {MemberState.JOINED: "Calling", MemberState.RINGING: "Waiting"}


def events_of(fact: Fact) -> Iterator[Event]:
    """At most one for each fact."""
    now = int(fact.at * 1000)
    if fact.kind is FactKind.STARTED:
        body = {"CallInfo": call_info(fact.call), "UserList": user_list(fact.call), "EventTime": now}
        yield Event(START_CALL, body)
    elif fact.kind is FactKind.ENDED:
        yield Event(END_CALL, {**call_record(record_of(fact.call), 1000), "EventTime": now})
    elif fact.kind is not FactKind.RECEIVED:
        action = _ACTIONS.get(fact.kind) or ("Hangup" if fact.reason is EndReason.HANGUP else "Offline")
        who = fact.users if fact.kind is FactKind.INVITED else (fact.user_id,)
        changed = [{"User_Account": user_id, "ActionType": action} for user_id in who]
        body = {"CallId": fact.call.call_id, "UserList": user_list(fact.call), "ChangedUserList": changed}
        yield Event(MEMBER_CHANGED, {**body, "EventTime": now})


def call_info(call: StoredCall) -> dict[str, Any]:
    """`CallInfo` of a live call."""
    return {
        "CallId": call.call_id,
        "CallMediaType": media_name(call.media),
        "ChatGroupId": call.chat_group_id,
        **_room(call.room_id),
    }


def user_list(call: StoredCall) -> list[dict[str, str]]:
    """Who is in the call (Calling) or still rings (Waiting)."""
    return [
        {"User_Account": member.user_id, "Status": _STATUS[member.state]}
        for member in call.members
        if member.state in _STATUS
    ]


def call_record(record: Record, unit: int = 1) -> dict[str, Any]:
    """`CallRecord`; times in seconds, or in milliseconds with a `unit` of 1000. AcceptTime is 0 without an answer."""
    return {
        "CallId": record.call_id,
        "Caller_Account": record.caller,
        "MediaType": media_name(record.media),
        "CallType": "SingleCall" if record.scene is Scene.SINGLE else "MultiCall",
        "StartTime": int(record.started_at * unit),
        "EndTime": int(record.ended_at * unit),
        "AcceptTime": int((record.accepted_at or 0) * unit),
        "CallResult": record.result.value,
        "CalleeList_Account": list(record.callees),
        **_room(record.room_id),
    }


def media_name(media: MediaType) -> str:
    """`Audio` or `Video`."""
    return media.value.capitalize()


def _room(room_id: RoomId) -> dict[str, Any]:
    return {"RoomId": str(room_id), "RoomIdType": 1 if isinstance(room_id, int) else 2}
