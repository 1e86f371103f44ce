"""How WebSockets are closed: the close code and the documented number that go with each reason."""

from __future__ import annotations

from msgspec.structs import replace

from pycall.core.errors import ErrorCode
from pycall.core.wire import Goodbye

CLOSE_NORMAL = 1000
CLOSE_BINARY = 1003
CLOSE_TOO_BIG = 1009
CLOSE_RESTART = 1012
CLOSE_LATER = 1013
CLOSE_CODES = {
    ErrorCode.SIG_MALFORMED: 4401,
    ErrorCode.SIG_EXPIRED: 4401,
    ErrorCode.SIG_INVALID: 4401,
    ErrorCode.SIG_WRONG_USER: 4401,
    ErrorCode.SIG_WRONG_APP: 4401,
    ErrorCode.BAD_VERSION: 4400,
    ErrorCode.SIGNED_OFF: 4403,
    ErrorCode.BANNED: 4403,
    ErrorCode.TIMED_OUT: 4408,
    ErrorCode.KICKED: 4409,
    ErrorCode.REPEATED: 4409,
    ErrorCode.TOO_MANY: 4429,
    ErrorCode.BAD_MESSAGE: 1007,
    ErrorCode.STORAGE: 1011,
}
"""By the goodbye's code; everything else closes with 1000."""
NUMBERS = {
    ErrorCode.SIG_EXPIRED: 70001,
    ErrorCode.SIG_MALFORMED: 70003,
    ErrorCode.SIG_INVALID: 70009,
    ErrorCode.SIG_WRONG_USER: 70013,
    ErrorCode.SIG_WRONG_APP: 70014,
    ErrorCode.TOO_MANY: 70050,
    ErrorCode.STORAGE: 101001,
}
"""The documented errors of signing in (the vendor's login service)."""


def goodbye_of(code: ErrorCode, message: str, *, retry: bool = False) -> Goodbye:
    """The last words of the server; at most 200 characters of `message`."""
    return Goodbye(code=code, message=message[:200], retry=retry)


def with_number(goodbye: Goodbye) -> Goodbye:
    """The same with the documented number, if it has one."""
    return replace(goodbye, number=NUMBERS.get(goodbye.code, 0))
