"""REST v1, `records`: records of calls that are over, by id and by filter."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from msgspec import Meta

from pycall.core.bounds import CallIdText

from .apps import Scope
from .record_rows import SINGLE, CallResult, Record
from .records import RecordFilter
from .rest import Caller, Operation
from .rest_errors import Fault, RestError
from .rest_v1_words import Named
from .rest_v4_records import UnixSeconds, span

NO_RECORD = frozenset({Fault.NO_RECORD})


class Result(str, Enum):
    """How a call came out, in the words of this generation."""

    NOT_ANSWER = "not_answer"
    REJECT = "reject"
    CALL_BUSY = "call_busy"
    CANCEL = "cancel"
    NORMAL_END = "normal_end"
    INTERRUPT = "interrupt"
    OFFLINE = "offline"

    @property
    def stored(self) -> CallResult:
        """As records keep it."""
        return CallResult[self.name]


class OneCall(Named, frozen=True, kw_only=True):
    """A call by its id."""

    call_id: CallIdText


class CallRecord(Named, frozen=True, kw_only=True):
    """One call that is over; times are Unix seconds, `acceptTs` is 0 if nobody answered."""

    call_id: CallIdText
    sdk_app_id: int
    media_type: Literal["audio", "video"]
    room_id: str
    start_call_ts: int
    accept_ts: int
    end_ts: int
    caller: str
    total_user_number: int
    call_type: Literal["single", "group"]
    call_result: Result
    callees: tuple[str, ...]


class Filter(Named, frozen=True, kw_only=True):
    """Which records: those of calls that began from `startTimestamp` to `endTimestamp` (now), both included."""

    start_timestamp: UnixSeconds
    end_timestamp: UnixSeconds | None = None
    call_result: Result | None = None
    call_type: Literal["single", "group"] | None = None
    number_per_page: Annotated[int, Meta(ge=1, le=100)] = 100
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class SomeRecords(Named, frozen=True, kw_only=True):
    """One page of them, the newest first."""

    total_num: int
    page: int
    call_record_list: tuple[CallRecord, ...]


async def get_record_by_call_id(caller: Caller, asked: OneCall) -> CallRecord:
    """The record of one call, once it is over."""
    record = await caller.tenant.records.by_id(asked.call_id)
    if record is None:
        raise RestError(Fault.NO_RECORD, "there is no record of this call; it may still run, or be too old")
    return _told(record, caller.tenant.app.app_id)


async def get_records_by_filter(caller: Caller, asked: Filter) -> SomeRecords:
    """Records of the calls of some days, at most 31."""
    since, until = span(asked.start_timestamp, asked.end_timestamp, caller.now)
    wanted = RecordFilter(
        since=since,
        until=until,
        result=None if asked.call_result is None else asked.call_result.stored,
        single=None if asked.call_type is None else asked.call_type == "single",
        page=asked.page,
        per_page=asked.number_per_page,
    )
    total, records = await caller.tenant.records.by_filter(wanted)
    told = tuple(_told(record, caller.tenant.app.app_id) for record in records)
    return SomeRecords(total_num=total, page=asked.page, call_record_list=told)


def _told(record: Record, app_id: int) -> CallRecord:
    return CallRecord(
        call_id=record.call_id,
        sdk_app_id=app_id,
        media_type="video" if record.media.has_video else "audio",
        room_id=str(record.room_id),
        start_call_ts=int(record.started_at),
        accept_ts=int(record.accepted_at or 0),
        end_ts=int(record.ended_at),
        caller=record.caller,
        total_user_number=len(record.members),
        call_type="single" if record.scene == SINGLE else "group",
        call_result=Result[record.result.name],
        callees=record.callees,
    )


OPERATIONS = (
    Operation(
        path="/v1/records/get_record_by_callId",
        summary="The record of one call",
        request=OneCall,
        response=CallRecord,
        scope=Scope.READ,
        rate=20,
        faults=NO_RECORD,
        run=get_record_by_call_id,
    ),
    Operation(
        path="/v1/records/get_records_by_filter",
        summary="Records of calls by time, result and kind",
        request=Filter,
        response=SomeRecords,
        scope=Scope.READ,
        rate=200,
        run=get_records_by_filter,
    ),
)
