"""The exit codes of the `pycall` command: one table, used by the program, its help and its tests."""

from __future__ import annotations

from enum import IntEnum

from pycall.core.errors import CallError, ErrorCode, LoginError, PyCallError, SignalingError
from pycall.core.types import EndReason


class ExitCode(IntEnum):
    """What the shell is told; a number never changes its meaning."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    REJECTED = 10
    BUSY = 11
    NO_ANSWER = 12
    CANCELED = 13
    OFFLINE = 14
    MEDIA_FAILED = 15
    KICKED = 16
    ELSEWHERE = 17
    SERVER_ENDED = 18
    REFUSED = 19
    LOGIN_REFUSED = 20
    UNREACHABLE = 21
    PORT_TAKEN = 22
    MEDIA_ERROR = 23
    NOT_READY = 24
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "the call ended normally (somebody hung up, or --for was over), or q while no call was going on",
    ExitCode.INTERNAL: "an error inside pycall",
    ExitCode.USAGE: "wrong usage (calling oneself, ...), a missing or wrong setting, a database `serve` cannot use, or "
    "an output that cannot be written",
    ExitCode.REJECTED: "the callee refused",
    ExitCode.BUSY: "the callee's line was busy, or the callee ignored the ring",
    ExitCode.NO_ANSWER: "nobody answered in time",
    ExitCode.CANCELED: "the caller hung up before anybody answered",
    ExitCode.OFFLINE: "a member's connection to the server was lost for good",
    ExitCode.MEDIA_FAILED: "sound and picture never got through, or were lost for good",
    ExitCode.KICKED: "the same user signed in elsewhere, or an administrator signed them off",
    ExitCode.ELSEWHERE: "answered or refused on another device, or the caller dialed again",
    ExitCode.SERVER_ENDED: "the server ended the call or no longer knows it",
    ExitCode.REFUSED: "the server refused what was asked (unknown user, its disk is full, ...)",
    ExitCode.LOGIN_REFUSED: "the server did not accept the ticket",
    ExitCode.UNREACHABLE: "the server cannot be reached or does not answer",
    ExitCode.PORT_TAKEN: "the port to listen on is taken",
    ExitCode.MEDIA_ERROR: "a device, file or codec that was asked for does not work, or a recording broke off",
    ExitCode.NOT_READY: "doctor found that no call is possible; demo's sound or picture did not arrive",
    ExitCode.INTERRUPTED: "Ctrl-C while no call was going on",
}

_BY_REASON: dict[EndReason, ExitCode] = {
    EndReason.HANGUP: ExitCode.OK,
    EndReason.CANCELED: ExitCode.CANCELED,
    EndReason.REJECTED: ExitCode.REJECTED,
    EndReason.BUSY: ExitCode.BUSY,
    EndReason.NO_ANSWER: ExitCode.NO_ANSWER,
    EndReason.OFFLINE: ExitCode.OFFLINE,
    EndReason.KICKED: ExitCode.KICKED,
    EndReason.MEDIA_FAILED: ExitCode.MEDIA_FAILED,
    EndReason.MEDIA_LOST: ExitCode.MEDIA_FAILED,
    EndReason.RECALLED: ExitCode.ELSEWHERE,
    EndReason.OTHER_DEVICE_ACCEPTED: ExitCode.ELSEWHERE,
    EndReason.OTHER_DEVICE_REJECTED: ExitCode.ELSEWHERE,
    EndReason.ENDED_BY_SERVER: ExitCode.SERVER_ENDED,
    EndReason.UNKNOWN: ExitCode.SERVER_ENDED,
}

_MEDIA_CODES = frozenset(
    {
        ErrorCode.NO_DEVICE,
        ErrorCode.DEVICE_BUSY,
        ErrorCode.DEVICE_LOST,
        ErrorCode.NO_DISPLAY,
        ErrorCode.NO_LIBRARY,
        ErrorCode.BAD_FILE,
        ErrorCode.NO_SUCH_FILE,
        ErrorCode.CODEC,
        ErrorCode.BAD_SDP,
        ErrorCode.BAD_CANDIDATE,
        ErrorCode.OVERLOADED,
    }
)

_KICKED = frozenset({ErrorCode.KICKED, ErrorCode.SIGNED_OFF})
"""A ban is a refused login: to try again is of no use."""

_BY_CODE: dict[ErrorCode, ExitCode] = {
    **dict.fromkeys(_KICKED, ExitCode.KICKED),
    ErrorCode.PORT_TAKEN: ExitCode.PORT_TAKEN,
    ErrorCode.BAD_SETTING: ExitCode.USAGE,
    ErrorCode.BAD_OUTPUT: ExitCode.USAGE,
    ErrorCode.STORAGE: ExitCode.USAGE,
    ErrorCode.UNREACHABLE: ExitCode.UNREACHABLE,
    ErrorCode.TIMED_OUT: ExitCode.UNREACHABLE,
    **dict.fromkeys(_MEDIA_CODES, ExitCode.MEDIA_ERROR),
}


def for_reason(reason: EndReason | None) -> ExitCode:
    """The exit code of a call that ended for `reason`; None: the user left while there was none."""
    return ExitCode.OK if reason is None else _BY_REASON[reason]


def for_error(error: PyCallError) -> ExitCode:
    """The exit code of a command that failed with `error`."""
    if isinstance(error, LoginError) and error.code not in _KICKED:
        return ExitCode.LOGIN_REFUSED
    if error.code is ErrorCode.STORAGE and isinstance(error, CallError | SignalingError):
        return ExitCode.REFUSED  # its database, not one of ours
    if isinstance(error, SignalingError):
        return _BY_CODE.get(error.code, ExitCode.UNREACHABLE)
    if error.code is ErrorCode.BAD_ARGUMENT:
        return ExitCode.USAGE
    return _BY_CODE.get(error.code, ExitCode.REFUSED)


def table() -> str:
    """The whole table as lines of text, each its own paragraph, as the help wants them."""
    return "\n\n".join(f"{code.value:3}  {MEANINGS[code]}" for code in ExitCode)
