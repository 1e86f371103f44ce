"""Every error of pycall, and the one place that defines them.

    PyCallError
    ├── LoginError            the server did not let us in (ticket, kicked, not signed in)
    ├── CallError             the server or the line refused a verb (wrong state, unknown user, ...)
    ├── ProtocolError
    │   ├── LocalProtocolError    we asked for something the call's state does not allow
    │   └── RemoteProtocolError   the other side sent something no peer should send
    ├── SignalingError        the server cannot be reached or does not answer
    ├── MediaError            a device, file, codec or media connection does not work
    └── ConfigError           a setting is missing or wrong

Each carries a `code` from `ErrorCode`: stable, meant for programs; the message is for people and says what to do.
The documented vendor numbers (-1201, 60003, ...) belong to `pycall.compat`.
"""

from __future__ import annotations

from enum import Enum


class ErrorCode(str, Enum):
    """Stable codes; a value never changes its meaning."""

    # Signing in
    SIG_MALFORMED = "sig_malformed"
    SIG_EXPIRED = "sig_expired"
    SIG_INVALID = "sig_invalid"
    SIG_WRONG_USER = "sig_wrong_user"
    SIG_WRONG_APP = "sig_wrong_app"
    NOT_LOGGED_IN = "not_logged_in"
    KICKED = "kicked"
    """The same user signed in on another device."""
    SIGNED_OFF = "signed_off"
    """An administrator signed the user off; they may sign in again."""
    BANNED = "banned"
    """An administrator keeps the user out; signing in again is of no use before the ban is over."""
    # Calling
    BAD_ARGUMENT = "bad_argument"
    WRONG_STATE = "wrong_state"
    REPEATED = "repeated"
    NOT_SUPPORTED = "not_supported"
    NO_SUCH_CALL = "no_such_call"
    UNKNOWN_USER = "unknown_user"
    # The wire
    BAD_MESSAGE = "bad_message"
    BAD_VERSION = "bad_version"
    TOO_MANY = "too_many"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    STORAGE = "storage"
    """The server could not write its state down, so nothing was changed."""
    # Media
    NO_DEVICE = "no_device"
    DEVICE_BUSY = "device_busy"
    DEVICE_LOST = "device_lost"
    NO_DISPLAY = "no_display"
    NO_LIBRARY = "no_library"
    BAD_FILE = "bad_file"
    NO_SUCH_FILE = "no_such_file"
    BAD_SDP = "bad_sdp"
    BAD_CANDIDATE = "bad_candidate"
    CODEC = "codec"
    NO_MEDIA = "no_media"
    """Sound and picture of one member of the call do not get through."""
    BAD_SINK = "bad_sink"
    """A sink of the program's own raised, so it gets nothing more."""
    EFFECT = "effect"
    """A filter over what is sent (background, beauty) does not work."""
    OVERLOADED = "overloaded"
    """This machine is too slow for what it is to do, so a part of it is left out."""
    # Running
    PORT_TAKEN = "port_taken"
    BAD_SETTING = "bad_setting"
    BAD_OUTPUT = "bad_output"
    """What was to be printed or written down could not be: a full disk, a broken one."""


class PyCallError(Exception):
    """Base of all. `code` is stable; `str(error)` is one line that says what to do."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[PyCallError], tuple[ErrorCode, str]]:
        """Errors can be copied and sent to another process."""
        return type(self), (self.code, self.message)


class LoginError(PyCallError):
    """The server did not let us in, or let us in no longer."""


class CallError(PyCallError):
    """A verb was refused; nothing has changed."""


class ProtocolError(PyCallError):
    """Somebody did not keep to the protocol."""


class LocalProtocolError(ProtocolError, CallError):
    """We asked for something that the state of the call does not allow."""


class RemoteProtocolError(ProtocolError):
    """The other side sent something that no peer should send; the only error decoding may raise."""


class SignalingError(PyCallError):
    """The server cannot be reached, or does not answer in time."""


class MediaError(PyCallError):
    """A device, a file, a codec or a media connection does not work."""


class ConfigError(PyCallError):
    """A setting is missing or wrong; nothing was started."""
