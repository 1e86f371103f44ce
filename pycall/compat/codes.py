"""The documented error numbers, the error that carries them, and which of them each code of pycall becomes."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from pycall.core.errors import ErrorCode, MediaError, PyCallError, SignalingError


class TUIErrorCode(IntEnum):
    """Numbers of the engine, of TRTCCalling, of the device layer and of the server."""

    OK = 0
    PACKAGE_NOT_PURCHASED = -1001
    PACKAGE_NOT_SUPPORTED = -1002
    TIM_VERSION_OUTDATED = -1003
    PERMISSION_DENIED = -1101
    GET_DEVICE_LIST_FAIL = -1102
    INIT_FAIL = -1201
    PARAM_INVALID = -1202
    REQUEST_REFUSED = -1203
    REQUEST_REPEATED = -1204
    SCENE_NOT_SUPPORTED = -1205
    SIGNALING_SEND_FAIL = -1401
    SIGNALING_SEND_FAIL_PAGE_54901 = -1406
    """One page's other number for the same; never raised here."""
    PARAM_REQUIRED = -120200
    PARAM_TYPE = -120201
    PARAM_EMPTY = -120202
    PARAM_RANGE = -120203
    SWITCH_TO_AUDIO_CALL_FAILED = 60001
    SWITCH_TO_VIDEO_CALL_FAILED = 60002
    MICROPHONE_UNAVAILABLE = 60003
    CAMERA_UNAVAILABLE = 60004
    BAN_DEVICE = 60005
    NOT_SUPPORTED_WEBRTC = 60006
    ERROR_HTTP = 30000
    NO_NETWORK = 2805
    UNKNOWN = 65535
    CAMERA_START_FAIL = -1301
    CAMERA_NOT_AUTHORIZED = -1314
    CAMERA_SET_PARAM_FAIL = -1315
    CAMERA_OCCUPIED = -1316
    MIC_START_FAIL = -1302
    MIC_NOT_AUTHORIZED = -1317
    MIC_SET_PARAM_FAIL = -1318
    MIC_OCCUPIED = -1319
    ENTER_ROOM_FAIL = -3301
    NOT_LOGGED_IN = 6014
    CHAT_PARAM_INVALID = 6017
    USERSIG_EXPIRED = 6206
    CHAT_PACKAGE_NOT_SUPPORTED = 7013
    SIGNALING_ID_INVALID = 8010
    CALLEE_NEVER_LOGGED_IN = 8021
    BLACKLISTED = 20007
    SERVER_INTERNAL = 101001
    SERVER_PARAM_INVALID = 101002
    CALL_NOT_FOUND = 101004
    SERVER_PACKAGE_NOT_SUPPORTED = 101011
    RECORD_NOT_FOUND = 101050


class TUICallError(Exception):
    """What a verb rejects with: `error.code` and `error.message`, also `error["code"]`.

    `inner_code` tells a wrong argument from a missing, empty or too large one (-120200 ... -120203), else it is None.
    """

    def __init__(self, code: int, message: str, inner_code: int | None = None) -> None:
        super().__init__(message)
        self.code = int(code)
        self.message = message
        self.inner_code = None if inner_code is None else int(inner_code)

    def __getitem__(self, name: str) -> int | str | None:
        fields: dict[str, int | str | None] = {
            "code": self.code,
            "message": self.message,
            "msg": self.message,
            "innerCode": self.inner_code,
        }
        return fields[name]

    def __str__(self) -> str:
        numbers = f"{self.code}" if self.inner_code is None else f"{self.code}, {self.inner_code}"
        return f"{self.message} ({numbers})"

    def __reduce__(self) -> tuple[type[TUICallError], tuple[Any, ...]]:
        """Errors can be copied and sent to another process."""
        return type(self), (self.code, self.message, self.inner_code)


_NUMBERS = {
    ErrorCode.NOT_LOGGED_IN: TUIErrorCode.INIT_FAIL,
    ErrorCode.SIG_EXPIRED: TUIErrorCode.USERSIG_EXPIRED,
    ErrorCode.SIG_MALFORMED: TUIErrorCode.INIT_FAIL,
    ErrorCode.SIG_INVALID: TUIErrorCode.INIT_FAIL,
    ErrorCode.SIG_WRONG_USER: TUIErrorCode.INIT_FAIL,
    ErrorCode.SIG_WRONG_APP: TUIErrorCode.INIT_FAIL,
    ErrorCode.BAD_VERSION: TUIErrorCode.INIT_FAIL,
    ErrorCode.KICKED: TUIErrorCode.NOT_LOGGED_IN,
    ErrorCode.SIGNED_OFF: TUIErrorCode.NOT_LOGGED_IN,
    ErrorCode.BANNED: TUIErrorCode.NOT_LOGGED_IN,
    ErrorCode.BAD_ARGUMENT: TUIErrorCode.PARAM_INVALID,
    ErrorCode.BAD_SETTING: TUIErrorCode.PARAM_INVALID,
    ErrorCode.NO_SUCH_FILE: TUIErrorCode.PARAM_INVALID,
    ErrorCode.BAD_FILE: TUIErrorCode.PARAM_INVALID,
    ErrorCode.WRONG_STATE: TUIErrorCode.REQUEST_REFUSED,
    ErrorCode.REPEATED: TUIErrorCode.REQUEST_REPEATED,
    ErrorCode.NOT_SUPPORTED: TUIErrorCode.SCENE_NOT_SUPPORTED,
    ErrorCode.NO_SUCH_CALL: TUIErrorCode.CALL_NOT_FOUND,
    ErrorCode.UNKNOWN_USER: TUIErrorCode.CALLEE_NEVER_LOGGED_IN,
    ErrorCode.STORAGE: TUIErrorCode.SERVER_INTERNAL,
    ErrorCode.BAD_MESSAGE: TUIErrorCode.SIGNALING_SEND_FAIL,
    ErrorCode.TOO_MANY: TUIErrorCode.REQUEST_REFUSED,
    ErrorCode.UNREACHABLE: TUIErrorCode.SIGNALING_SEND_FAIL,
    ErrorCode.TIMED_OUT: TUIErrorCode.SIGNALING_SEND_FAIL,
}
_DEVICE_CODES = {ErrorCode.NO_DEVICE, ErrorCode.DEVICE_BUSY, ErrorCode.DEVICE_LOST}
_CAMERA_WORDS = ("camera", "picture", "video")


def number_of(code: ErrorCode, message: str = "") -> TUIErrorCode:
    """The documented number of a code; a device that fails is a camera if the message says so, else a microphone."""
    if code in _DEVICE_CODES:
        camera = any(word in message for word in _CAMERA_WORDS)
        return TUIErrorCode.CAMERA_UNAVAILABLE if camera else TUIErrorCode.MICROPHONE_UNAVAILABLE
    return _NUMBERS.get(code, TUIErrorCode.UNKNOWN)


def documented(error: PyCallError) -> TUICallError:
    """The same error with the documented number; a value that cannot be has the inner number -120203."""
    code = number_of(error.code, error.message)
    if isinstance(error, SignalingError) and code is TUIErrorCode.UNKNOWN:
        code = TUIErrorCode.SIGNALING_SEND_FAIL
    if isinstance(error, MediaError) and code is TUIErrorCode.REQUEST_REFUSED:
        code = TUIErrorCode.UNKNOWN
    inner = TUIErrorCode.PARAM_RANGE if code is TUIErrorCode.PARAM_INVALID else None
    return TUICallError(code, error.message, inner)
