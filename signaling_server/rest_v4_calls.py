"""REST v4, `call_engine_http_srv`: calls that ring or run are seen, and ended."""

from __future__ import annotations

from typing import Literal

import msgspec

from pycall.core.types import EndReason, MemberState

from .apps import Scope
from .ledger import StoredCall
from .rest import Caller, Operation
from .rest_errors import Fault, RestError
from .rest_v4_words import RATE, Media, Named, OneCall

NO_CALL = frozenset({Fault.NO_CALL})


class CallInfo(Named, frozen=True, kw_only=True):
    """A call that rings or runs."""

    call_id: str
    media_type: Media
    chat_group_id: str
    room_id: str
    room_id_type: Literal[1, 2]
    """1: a number, 2: a name."""


class CallUser(msgspec.Struct, frozen=True, kw_only=True):
    """One user of it."""

    user: str = msgspec.field(name="User_Account")
    status: Literal["Calling", "Waiting"] = msgspec.field(name="Status")
    """Waiting: it rings for them."""


class CallState(Named, frozen=True, kw_only=True):
    """A call and who has a part in it now."""

    call_info: CallInfo
    user_list: tuple[CallUser, ...]


async def get_call_info(caller: Caller, asked: OneCall) -> CallState:
    """A call that rings or runs, and who has a part in it now."""
    call = await caller.tenant.exchange.ask(lambda board, _now: board.find_call(asked.call_id))
    if call is None:
        raise RestError(Fault.NO_CALL, "there is no such call, or it has ended")
    users = (
        CallUser(user=member.user_id, status="Calling" if member.state is MemberState.JOINED else "Waiting")
        for member in call.members
        if member.state is not MemberState.GONE
    )
    return CallState(call_info=info_of(call), user_list=tuple(users))


async def end_call(caller: Caller, asked: OneCall) -> None:
    """Ends the call; its members see the reason `ended_by_server`."""
    reason, by = EndReason.ENDED_BY_SERVER, caller.identifier
    if not await caller.tenant.exchange.ask(lambda board, now: board.end_call(asked.call_id, reason, by, now)):
        raise RestError(Fault.NO_CALL, "there is no such call, or it has ended")


def info_of(call: StoredCall) -> CallInfo:
    """As the interface tells it."""
    return CallInfo(
        call_id=call.call_id,
        media_type="Video" if call.media.has_video else "Audio",
        chat_group_id=call.chat_group_id,
        room_id=str(call.room_id),
        room_id_type=1 if isinstance(call.room_id, int) else 2,
    )


OPERATIONS = (
    Operation(
        path="/v4/call_engine_http_srv/get_call_info",
        summary="A call that rings or runs",
        request=OneCall,
        response=CallState,
        scope=Scope.READ,
        rate=RATE,
        faults=NO_CALL,
        run=get_call_info,
    ),
    Operation(
        path="/v4/call_engine_http_srv/end_call",
        summary="End a call",
        request=OneCall,
        response=None,
        scope=Scope.WRITE,
        rate=RATE,
        faults=NO_CALL,
        run=end_call,
    ),
)
