"""Answers a user about their own list of calls. Calls of others, and none at all, look the same."""

from __future__ import annotations

from pycall.core.records import RecordResult
from pycall.core.types import MAX_CALLEES
from pycall.core.wire import DeleteRecords, QueryRecords, RecordView
from pycall.core.wire import Records as Answer

from .record_rows import Record
from .records import OwnFilter, Records
from .store import StoreError


async def answer_about_records(records: Records, user_id: str, message: QueryRecords | DeleteRecords) -> Answer:
    """The answer; a database that fails is one too."""
    try:
        if isinstance(message, DeleteRecords):
            deleted = await records.forget(user_id, message.call_ids) if message.call_ids else []
            return Answer(req_id=message.req_id, deleted=tuple(deleted))
        found = await records.recent(user_id, _filter(message))
    except StoreError as error:
        return Answer(req_id=message.req_id, code=error.code, message="the server cannot read its database; try later")
    return Answer(req_id=message.req_id, records=tuple(_view(record, result) for record, result in found))


def _filter(query: QueryRecords) -> OwnFilter:
    wanted = None if query.result is RecordResult.UNKNOWN else query.result
    return OwnFilter(result=wanted, since=query.since, until=query.until, skip=query.skip, at_most=query.at_most)


def _view(record: Record, result: RecordResult) -> RecordView:
    return RecordView(
        call_id=record.call_id,
        caller=record.caller,
        callees=record.callees[:MAX_CALLEES],
        scene=record.scene,
        media=record.media,
        room_id=record.room_id,
        chat_group_id=record.chat_group_id,
        result=result,
        started_at=record.started_at,
        duration=record.duration,
    )
