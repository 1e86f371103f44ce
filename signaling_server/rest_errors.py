"""What can be wrong with a REST request, in one list; each generation of the interface has its own numbers for them."""

from __future__ import annotations

from enum import Enum

from pycall.core.errors import ErrorCode, LoginError


class Fault(Enum):
    """Why a request was refused."""

    NO_APP_ID = "no sdkappid"
    UNKNOWN_APP = "unknown sdkappid"
    QUERY = "query"
    """The query string is not as documented."""
    TICKET = "ticket"
    EXPIRED = "expired"
    NOT_ADMIN = "not admin"
    """A good ticket, but of nobody who may do this."""
    RATE = "rate"
    FAILURES = "failures"
    """Too many bad tickets."""
    TOO_BIG = "too big"
    TOO_LATE = "too late"
    MEDIA_TYPE = "media type"
    NOT_JSON = "not json"
    PARAMETER = "parameter"
    """A field is missing, of the wrong kind or out of range."""
    NO_CALLBACK = "no callback"
    CHANGED = "changed"
    """By somebody else since it was read (`If-Match`)."""
    NO_RECORD = "no record"
    NO_CALL = "no call"
    NO_BAN = "no ban"
    STORAGE = "storage"


class RestError(Exception):
    """Ends a request; the message is for the caller, one line."""

    def __init__(self, fault: Fault, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.retry_after = retry_after
        """Whole seconds."""


def of_login(error: LoginError) -> RestError:
    """A ticket that is no good."""
    fault = Fault.EXPIRED if error.code is ErrorCode.SIG_EXPIRED else Fault.TICKET
    return RestError(fault, error.message)
