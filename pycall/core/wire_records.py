"""The messages about a user's own list of calls; they change nothing in any call and may come at any time."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .bounds import Callees, CallIdText, Count, GroupId, Id, Room, Text
from .errors import ErrorCode
from .records import RecordResult
from .types import MediaType, Scene
from .wire_login import Message

MAX_RECORDS = 50
"""In one answer, which so fits into a frame."""
MAX_DELETED = 100
Moment = Annotated[float, Meta(ge=0, le=1e11)]


class RecordView(msgspec.Struct, frozen=True, kw_only=True):
    """One call that is over."""

    call_id: CallIdText
    caller: Id
    callees: Callees
    """The first of them, if more were ever called."""
    scene: Scene
    media: MediaType
    room_id: Room
    chat_group_id: GroupId = ""
    result: RecordResult
    started_at: float
    duration: float = 0.0


class QueryRecords(Message, frozen=True, tag="query_records"):
    """Ask for one's own calls, newest first, from the `skip`th on; answered by `records`."""

    req_id: Count
    result: RecordResult = RecordResult.UNKNOWN
    since: Moment = 0.0
    until: Moment = 1e11
    skip: Annotated[int, Meta(ge=0, le=1000)] = 0
    at_most: Annotated[int, Meta(ge=1, le=MAX_RECORDS)] = MAX_RECORDS


class DeleteRecords(Message, frozen=True, tag="delete_records"):
    """Take calls out of one's own list; answered by `records` with those that were in it."""

    req_id: Count
    call_ids: Annotated[tuple[CallIdText, ...], Meta(max_length=MAX_DELETED)]


class Records(Message, frozen=True, tag="records"):
    """The answer to either; with a `code` nothing was found or done."""

    req_id: Count
    code: ErrorCode | None = None
    message: Text = ""
    records: Annotated[tuple[RecordView, ...], Meta(max_length=MAX_RECORDS)] = ()
    deleted: Annotated[tuple[CallIdText, ...], Meta(max_length=MAX_DELETED)] = ()
