"""REST, generation v4: `/v4/<service>/<command>`, for calls made with `calls`.

Every answer has `ActionStatus`, `ErrorCode` and `ErrorInfo`; refusals have an HTTP status that says the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from . import rest_v4_calls, rest_v4_config, rest_v4_records
from .rest import EVERYWHERE, Operation
from .rest_errors import Fault, RestError
from .rest_v4_words import Named

T = TypeVar("T")


class Done(Named, frozen=True, kw_only=True):
    """It was done."""

    action_status: Literal["OK"] = "OK"
    error_code: Literal[0] = 0
    error_info: str = ""
    request_id: str


class Answer(Done, Generic[T], frozen=True, kw_only=True):
    """And this is the answer."""

    response: T


class Refusal(Named, frozen=True, kw_only=True):
    """It was not done."""

    action_status: Literal["FAIL"] = "FAIL"
    error_code: Annotated[int, Meta(ge=1)]
    error_info: str
    request_id: str


STATUS = {
    Fault.NO_APP_ID: 400,
    Fault.UNKNOWN_APP: 401,
    Fault.QUERY: 400,
    Fault.TICKET: 401,
    Fault.EXPIRED: 401,
    Fault.NOT_ADMIN: 403,
    Fault.RATE: 429,
    Fault.FAILURES: 429,
    Fault.TOO_BIG: 413,
    Fault.TOO_LATE: 408,
    Fault.MEDIA_TYPE: 415,
    Fault.NOT_JSON: 400,
    Fault.PARAMETER: 400,
    Fault.NO_CALLBACK: 404,
    Fault.CHANGED: 412,
    Fault.NO_RECORD: 404,
    Fault.NO_CALL: 404,
    Fault.NO_BAN: 404,
    Fault.STORAGE: 503,
}
NUMBERS = {
    Fault.NO_APP_ID: 60012,
    Fault.UNKNOWN_APP: 60006,
    Fault.QUERY: 60002,
    Fault.TICKET: 60004,
    Fault.EXPIRED: 60005,
    Fault.NOT_ADMIN: 60010,
    Fault.RATE: 60011,
    Fault.FAILURES: 60007,
    Fault.TOO_BIG: 60002,
    Fault.TOO_LATE: 60008,
    Fault.MEDIA_TYPE: 60002,
    Fault.NOT_JSON: 60003,
    Fault.NO_CALLBACK: 100301,
    Fault.NO_RECORD: 101050,
    Fault.NO_CALL: 101004,
}
"""The documented errors; two more depend on the service."""


def number_of(operation: Operation, fault: Fault) -> int:
    """The documented error for this fault of this operation."""
    base = 100_000 if "/call_config/" in operation.path else 101_000
    return {Fault.STORAGE: base + 1, Fault.PARAMETER: base + 2, Fault.CHANGED: base + 2}.get(fault) or NUMBERS[fault]


class V4:
    """See the module's docstring."""

    name = "v4"
    operations: tuple[Operation, ...] = (
        *rest_v4_calls.OPERATIONS,
        *rest_v4_config.OPERATIONS,
        *rest_v4_records.OPERATIONS,
    )

    def answer(self, operation: Operation, request_id: str, data: Any) -> web.Response:
        """`ActionStatus` OK."""
        done = Done(request_id=request_id)
        return _json(done if operation.response is None else Answer(request_id=request_id, response=data), 200)

    def refuse(self, operation: Operation, request_id: str, error: RestError) -> web.Response:
        """`ActionStatus` FAIL."""
        number = number_of(operation, error.fault)
        response = _json(
            Refusal(error_code=number, error_info=error.message, request_id=request_id), STATUS[error.fault]
        )
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    def answer_types(self, operation: Operation) -> tuple[Any, ...]:
        """What is written with status 200."""
        generic: Any = Answer
        return (Done,) if operation.response is None else (generic[operation.response],)

    def refusal_type(self) -> Any:
        """What `refuse` writes."""
        return Refusal

    def statuses(self, operation: Operation) -> Iterable[int]:
        """The HTTP statuses of refusals."""
        return sorted({STATUS[fault] for fault in EVERYWHERE | operation.faults})


def _json(value: Done | Refusal, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
