"""The verbs of CallEngine for one's own list of calls."""

from __future__ import annotations

from collections.abc import Iterable

from pycall.arguments import shown
from pycall.core.errors import CallError, ErrorCode
from pycall.core.records import CallRecord, RecentCallsFilter, RecordResult
from pycall.core.types import CallId, Role, is_call_id
from pycall.core.wire import DeleteRecords, QueryRecords, RecordView
from pycall.core.wire_records import MAX_DELETED, MAX_RECORDS
from pycall.verbs import Verbs

MAX_RECENT = 1000
_LATEST = 1e11


class RecordVerbs(Verbs):
    """What an engine knows of earlier calls; the server keeps them, by default for 7 days."""

    async def query_recent_calls(self, wanted: RecentCallsFilter | None = None) -> list[CallRecord]:
        """One's own calls that are over, newest first; `CallError` for a filter that means nothing."""
        self._must_be_signed_in()
        wanted = _checked(RecentCallsFilter() if wanted is None else wanted)
        found: list[CallRecord] = []
        while len(found) < wanted.limit:
            at_most = min(MAX_RECORDS, wanted.limit - len(found))
            skip = len(found)
            answer = await self._driver.records.ask(lambda number: _query(number, wanted, skip, at_most))  # noqa: B023
            found += [_record(view, self.user_id) for view in answer.records]
            if len(answer.records) < at_most:
                break
        return found

    async def delete_record_calls(self, call_ids: CallId | Iterable[CallId]) -> list[CallId]:
        """Take this call or these out of one's own list, for good; gives those that were in it. Others keep theirs."""
        self._must_be_signed_in()
        several = isinstance(call_ids, Iterable) and not isinstance(call_ids, str)
        wanted: list[CallId] = list(call_ids) if several else [call_ids]  # type: ignore[arg-type,list-item]
        if not all(map(is_call_id, wanted)):
            raise CallError(ErrorCode.BAD_ARGUMENT, "a call id is 32 lower-case hex digits")
        wanted = list(dict.fromkeys(wanted))
        deleted: list[CallId] = []
        for first in range(0, len(wanted), MAX_DELETED):
            piece = tuple(wanted[first : first + MAX_DELETED])
            answer = await self._driver.records.ask(lambda number: DeleteRecords(req_id=number, call_ids=piece))  # noqa: B023
            deleted += map(CallId, answer.deleted)
        return deleted


def _checked(wanted: object) -> RecentCallsFilter:
    if not isinstance(wanted, RecentCallsFilter):
        raise CallError(ErrorCode.BAD_ARGUMENT, f"which calls is told by a RecentCallsFilter, not {shown(wanted)}")
    if not isinstance(wanted.result, RecordResult) or not (_is_bound(wanted.begin) and _is_bound(wanted.end)):
        raise CallError(ErrorCode.BAD_ARGUMENT, "result is a RecordResult; begin and end are Unix seconds or None")
    if type(wanted.limit) is not int or not 1 <= wanted.limit <= MAX_RECENT:
        raise CallError(ErrorCode.BAD_ARGUMENT, f"limit is 1 to {MAX_RECENT}")
    return wanted


def _is_bound(moment: object) -> bool:
    return moment is None or (type(moment) in (int, float) and 0 <= moment <= _LATEST)  # type: ignore[operator]


def _query(number: int, wanted: RecentCallsFilter, skip: int, at_most: int) -> QueryRecords:
    return QueryRecords(
        req_id=number,
        result=wanted.result,
        since=wanted.begin or 0.0,
        until=_LATEST if wanted.end is None else wanted.end,
        skip=skip,
        at_most=at_most,
    )


def _record(view: RecordView, own: str | None) -> CallRecord:
    return CallRecord(
        call_id=CallId(view.call_id),
        inviter=view.caller,
        invitees=view.callees,
        scene=view.scene,
        media=view.media,
        room_id=view.room_id,
        chat_group_id=view.chat_group_id,
        role=Role.CALLER if view.caller == own else Role.CALLEE,
        result=view.result,
        begin_time=view.started_at,
        total_time=view.duration,
    )
