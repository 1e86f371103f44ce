"""The documented verbs for one's own list of recent calls."""

from __future__ import annotations

from pycall import CallRecord, RecordResult
from pycall import RecentCallsFilter as Wanted
from pycall.compat.enums import TUICallResultType, TUICallScene, role_number, type_number
from pycall.compat.given import Given
from pycall.compat.handset import Handset
from pycall.compat.promise import verb
from pycall.compat.structs import CallRecords
from pycall.core.types import CallId

_LATEST = 1e11


class RecordNames(Handset):
    """The server keeps them, for 7 days unless its operator says otherwise."""

    @verb("filter", "result", "begin", "end")
    async def queryRecentCalls(self, given: Given) -> list[CallRecords]:
        """Newest first; `RecentCallsFilter(result, begin, end)` or the same as a dictionary."""
        result = given.one_of("result", TUICallResultType, TUICallResultType.Unknown)
        begin = given.number("begin", 0, _LATEST, 0.0)
        end = given.number("end", 0, _LATEST, _LATEST)
        wanted = Wanted(result=_RESULTS[result], begin=begin, end=end)
        return [_documented(record) for record in await self.engine.query_recent_calls(wanted)]

    @verb("callIdList")
    async def deleteRecordCalls(self, given: Given) -> list[str]:
        """Take these out of the list; gives those that were in it."""
        wanted = [CallId(call_id) for call_id in given.texts("callIdList")]
        return [str(call_id) for call_id in await self.engine.delete_record_calls(wanted)]

    query_recent_calls, delete_record_calls = queryRecentCalls, deleteRecordCalls


_RESULTS = {kind: RecordResult(kind.value) for kind in TUICallResultType}


def _documented(record: CallRecord) -> CallRecords:
    return CallRecords(
        callId=record.call_id,
        inviter=record.inviter,
        inviteList=list(record.invitees),
        scene=TUICallScene(record.scene.value),
        mediaType=type_number(record.media),
        groupId=record.chat_group_id,
        role=role_number(record.role),
        result=TUICallResultType(record.result.value),
        beginTime=int(record.begin_time),
        totalTime=int(record.total_time),
    )
