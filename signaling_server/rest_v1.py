"""REST, generation v1: `/v1/<kind>/<command>`, for calls made with `call` and `groupCall`.

The HTTP status is 200 whatever happens; `errorCode` tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from . import rest_v1_callbacks, rest_v1_records
from .rest import Operation
from .rest_errors import Fault, RestError
from .rest_v1_words import Named

V1_NUMBERS = {
    Fault.NO_APP_ID: 70001,
    Fault.QUERY: 70001,
    Fault.PARAMETER: 70001,
    Fault.NO_RECORD: 70001,
    Fault.NO_CALL: 70001,
    Fault.UNKNOWN_APP: 70002,
    Fault.TICKET: 70002,
    Fault.EXPIRED: 70003,
    Fault.NOT_ADMIN: 70004,
    Fault.RATE: 70005,
    Fault.FAILURES: 70005,
    Fault.TOO_BIG: 70009,
    Fault.TOO_LATE: 70009,
    Fault.MEDIA_TYPE: 70009,
    Fault.NOT_JSON: 70009,
    Fault.NO_CALLBACK: 999,
    Fault.CHANGED: 70001,
    Fault.STORAGE: 101001,
}
T = TypeVar("T")


class Done(Named, Generic[T], frozen=True, kw_only=True):
    """It was done; `data` is the answer, or an empty string."""

    error_code: Literal[0] = 0
    error_message: str = "OK"
    request_id: str
    data: T


class Refusal(Named, frozen=True, kw_only=True):
    """It was not done."""

    error_code: Annotated[int, Meta(ge=1)]
    error_message: str
    request_id: str
    data: Literal[""] = ""


class V1:
    """See the module's docstring."""

    name = "v1"
    operations: tuple[Operation, ...] = (*rest_v1_callbacks.OPERATIONS, *rest_v1_records.OPERATIONS)

    def answer(self, operation: Operation, request_id: str, data: Any) -> web.Response:
        """`errorCode` 0."""
        return _json(Done(request_id=request_id, data="" if operation.response is None else data))

    def refuse(self, operation: Operation, request_id: str, error: RestError) -> web.Response:
        """`errorCode` other than 0."""
        number = V1_NUMBERS[error.fault]
        return _json(Refusal(error_code=number, error_message=error.message, request_id=request_id))

    def answer_types(self, operation: Operation) -> tuple[Any, ...]:
        """What is written with status 200: that it was done, or that it was not."""
        generic: Any = Done
        return generic[str if operation.response is None else operation.response], Refusal

    def refusal_type(self) -> Any:
        """What `refuse` writes."""
        return Refusal

    def statuses(self, operation: Operation) -> Iterable[int]:
        """None but 200."""
        return ()


def _json(value: Done[Any] | Refusal) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
