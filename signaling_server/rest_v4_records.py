"""REST v4, `call_record_http_srv`: records of calls that are over, by id and by filter."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pycall.core.bounds import CallIdText

from .apps import Scope
from .record_rows import SINGLE, CallResult, Record
from .records import RecordFilter
from .rest import Caller, Operation
from .rest_errors import Fault, RestError
from .rest_v4_words import RATE, Media, Named, OneCall, Page

NO_RECORD = frozenset({Fault.NO_RECORD})
WEEK = 7 * 86400
LONGEST = 31 * 86400
"""A longer range is cut at its old end."""

UnixSeconds = Annotated[int, Meta(ge=0, le=99_999_999_999)]
"""Milliseconds do not fit."""


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call that is over; times are Unix seconds, `AcceptTime` is 0 if nobody answered."""

    call_id: CallIdText = msgspec.field(name="CallId")
    caller: str = msgspec.field(name="Caller_Account")
    media_type: Media = msgspec.field(name="MediaType")
    call_type: Literal["SingleCall", "MultiCall"] = msgspec.field(name="CallType")
    start_time: int = msgspec.field(name="StartTime")
    accept_time: int = msgspec.field(name="AcceptTime")
    end_time: int = msgspec.field(name="EndTime")
    call_result: CallResult = msgspec.field(name="CallResult")
    callee_list: tuple[str, ...] = msgspec.field(name="CalleeList_Account")
    room_id: str = msgspec.field(name="RoomId")
    room_id_type: Literal[1, 2] = msgspec.field(name="RoomIdType")


class OneRecord(Named, frozen=True, kw_only=True):
    """The record of one call."""

    call_record: CallRecord


class Filter(Page, frozen=True, kw_only=True):
    """Which records: those of calls that began from `StartTime` (a week ago) to `EndTime` (now), both included."""

    start_time: UnixSeconds | None = None
    end_time: UnixSeconds | None = None
    call_result: CallResult | None = None
    call_type: Literal["SingleCall", "MultiCall"] | None = None


class SomeRecords(Named, frozen=True, kw_only=True):
    """One page of them, the newest first."""

    total_num: int
    page: int
    call_record_list: tuple[CallRecord, ...]


async def get_record_by_callid(caller: Caller, asked: OneCall) -> OneRecord:
    """The record of one call, once it is over."""
    record = await caller.tenant.records.by_id(asked.call_id)
    if record is None:
        raise RestError(Fault.NO_RECORD, "there is no record of this call; it may still run, or be too old")
    return OneRecord(call_record=told(record))


async def get_record_by_filter(caller: Caller, asked: Filter) -> SomeRecords:
    """Records of the calls of some days, at most 31."""
    since, until = span(asked.start_time, asked.end_time, caller.now)
    single = None if asked.call_type is None else asked.call_type == "SingleCall"
    wanted = RecordFilter(
        since=since,
        until=until,
        result=asked.call_result,
        single=single,
        page=asked.page,
        per_page=asked.number_per_page,
    )
    total, records = await caller.tenant.records.by_filter(wanted)
    return SomeRecords(total_num=total, page=asked.page, call_record_list=tuple(map(told, records)))


def span(start: int | None, end: int | None, now: float) -> tuple[float, float]:
    """From when to when (Unix seconds): the last week unless told otherwise, and not more than 31 days."""
    until = now if end is None else end + 0.999999
    since = now - WEEK if start is None else start
    return max(float(since), until - LONGEST), until


def told(record: Record) -> CallRecord:
    """As the interface tells it."""
    return CallRecord(
        call_id=record.call_id,
        caller=record.caller,
        media_type="Video" if record.media.has_video else "Audio",
        call_type="SingleCall" if record.scene == SINGLE else "MultiCall",
        start_time=int(record.started_at),
        accept_time=int(record.accepted_at or 0),
        end_time=int(record.ended_at),
        call_result=record.result,
        callee_list=record.callees,
        room_id=str(record.room_id),
        room_id_type=1 if isinstance(record.room_id, int) else 2,
    )


OPERATIONS = (
    Operation(
        path="/v4/call_record_http_srv/get_record_by_callid",
        summary="The record of one call",
        request=OneCall,
        response=OneRecord,
        scope=Scope.READ,
        rate=RATE,
        faults=NO_RECORD,
        run=get_record_by_callid,
    ),
    Operation(
        path="/v4/call_record_http_srv/get_record_by_filter",
        summary="Records of calls by time, result and kind",
        request=Filter,
        response=SomeRecords,
        scope=Scope.READ,
        rate=RATE,
        run=get_record_by_filter,
    ),
)
