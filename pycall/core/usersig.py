"""UserSig, the signed ticket a user signs in with: made from the server's secret key and checked by the server.

A ticket is a JSON object, deflated, in base64 with `*-_` for `+/=`. Its signature is an HMAC-SHA256 over four lines:

    TLS.identifier:alice
    TLS.sdkappid:1400000000
    TLS.time:1700000000
    TLS.expire:86400
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import zlib
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from .bounds import Id
from .errors import ConfigError, ErrorCode, LoginError
from .types import is_user_id

DEFAULT_EXPIRE = 86400
"""Seconds a ticket is good for unless said otherwise."""
MAX_EXPIRE = 180 * 86400
"""The longest life that is accepted, in seconds (the documented default of Tencent's own tools)."""
MAX_CLOCK_SKEW = 300
"""Seconds that the signing machine's clock may be ahead of the server's."""
MAX_SIG_CHARS = 2048
FOREIGN_SIG = "the UserSig was not signed with this server's secret key"
_MAX_JSON_BYTES = 4096

_TO_BASE64 = str.maketrans("*-_", "+/=")
_FROM_BASE64 = str.maketrans("+/=", "*-_")
_NOT_IN_A_SIG = frozenset("+/=")

Seconds = Annotated[int, Meta(ge=0, le=2**40)]


class _Ticket(msgspec.Struct, frozen=True):
    version: str = msgspec.field(name="TLS.ver")
    identifier: Id = msgspec.field(name="TLS.identifier")
    app_id: Annotated[int, Meta(ge=1, le=2**53 - 1)] = msgspec.field(name="TLS.sdkappid")
    expire: Annotated[int, Meta(ge=1, le=2**40)] = msgspec.field(name="TLS.expire")
    time: Seconds = msgspec.field(name="TLS.time")
    sig: Annotated[str, Meta(max_length=64)] = msgspec.field(name="TLS.sig")
    userbuf: str | None = msgspec.field(name="TLS.userbuf", default=None)


_decoder = msgspec.json.Decoder(_Ticket)


def make_user_sig(app_id: int, secret_key: str, user_id: str, *, expire: int = DEFAULT_EXPIRE, now: int) -> str:
    """A ticket for `user_id`, good for `expire` seconds (1 to `MAX_EXPIRE`) from `now` (Unix seconds).

    Raises ConfigError for an argument that no server would accept.
    """
    _check_arguments(app_id, secret_key, user_id, expire, now)
    sig = _signature(secret_key, user_id, app_id, now, expire, None)
    body = {
        "TLS.ver": "2.0",
        "TLS.identifier": user_id,
        "TLS.sdkappid": app_id,
        "TLS.expire": expire,
        "TLS.time": now,
        "TLS.sig": sig.decode("ascii"),
    }
    packed = zlib.compress(msgspec.json.encode(body))
    return binascii.b2a_base64(packed, newline=False).decode("ascii").translate(_FROM_BASE64)


def check_user_sig(
    sig: str, *, app_id: int, secret_keys: Iterable[str], user_id: str, now: float, max_expire: int = MAX_EXPIRE
) -> float:
    """When `sig` expires, if it lets `user_id` in at `now` (both Unix seconds); one of `secret_keys` has signed it.

    A ticket made for more than `max_expire` seconds is refused. Raises LoginError, and nothing else whatever `sig` is,
    with code SIG_MALFORMED, SIG_WRONG_APP, SIG_INVALID, SIG_WRONG_USER or SIG_EXPIRED, asked in this order.
    """
    ticket = _unpack(sig)
    if ticket.app_id != app_id:
        raise LoginError(ErrorCode.SIG_WRONG_APP, f"the UserSig is for app {ticket.app_id}, this server is {app_id}")
    if not _is_signed(ticket, secret_keys):
        raise LoginError(ErrorCode.SIG_INVALID, FOREIGN_SIG)
    if ticket.identifier != user_id:
        raise LoginError(ErrorCode.SIG_WRONG_USER, f"the UserSig is for {ticket.identifier}, not for this user")
    _check_time(ticket, now, max_expire)
    return float(ticket.time + ticket.expire)


def _check_arguments(app_id: int, secret_key: str, user_id: str, expire: int, now: int) -> None:
    problems = {
        "app_id must be a whole number from 1": type(app_id) is not int or not 1 <= app_id < 2**53,
        "secret_key must not be empty": not isinstance(secret_key, str) or not secret_key,
        "user_id must be 1 to 32 of A-Z a-z 0-9 _ and -": not is_user_id(user_id),
        f"expire must be 1 to {MAX_EXPIRE} whole seconds": type(expire) is not int or not 1 <= expire <= MAX_EXPIRE,
        "now must be whole Unix seconds, like int(time.time())": type(now) is not int or not 0 <= now < 2**40,
    }
    for problem, found in problems.items():
        if found:
            raise ConfigError(ErrorCode.BAD_ARGUMENT, problem)


def _unpack(sig: str) -> _Ticket:
    try:
        ticket = _decoder.decode(_inflate(_packed(sig)))
    except (ValueError, RecursionError, zlib.error) as error:  # binascii, msgspec and Unicode errors are ValueErrors
        raise _malformed("the UserSig cannot be read; make a new one") from error
    if ticket.version != "2.0":
        raise _malformed("the UserSig is of an unknown version; make one of version 2.0")
    return ticket


def _packed(sig: str) -> bytes:
    if not isinstance(sig, str) or not 0 < len(sig) <= MAX_SIG_CHARS:
        raise ValueError("length")
    if not sig.isascii() or not _NOT_IN_A_SIG.isdisjoint(sig):
        raise ValueError("alphabet")
    return binascii.a2b_base64(sig.translate(_TO_BASE64), strict_mode=True)


def _inflate(packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    data = inflater.decompress(packed, _MAX_JSON_BYTES)
    if not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
        raise ValueError("tail")
    return data


def _is_signed(ticket: _Ticket, secret_keys: Iterable[str]) -> bool:
    given = ticket.sig.encode("utf-8")
    found = False
    for key in secret_keys:  # all of them, so that the time taken does not tell which one fits
        ours = _signature(key, ticket.identifier, ticket.app_id, ticket.time, ticket.expire, ticket.userbuf)
        found |= hmac.compare_digest(ours, given)
    return found


def _signature(key: str, user_id: str, app_id: int, time: int, expire: int, userbuf: str | None) -> bytes:
    lines = [f"TLS.identifier:{user_id}", f"TLS.sdkappid:{app_id}", f"TLS.time:{time}", f"TLS.expire:{expire}"]
    if userbuf is not None:
        lines.append(f"TLS.userbuf:{userbuf}")
    text = "".join(f"{line}\n" for line in lines)
    digest = hmac.new(key.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).digest()
    return binascii.b2a_base64(digest, newline=False)


def _check_time(ticket: _Ticket, now: float, max_expire: int) -> None:
    if ticket.time > now + MAX_CLOCK_SKEW:
        raise _malformed("the UserSig is dated in the future; set the clock of the machine that makes it")
    if ticket.expire > max_expire:
        raise _malformed(f"the UserSig is good for more than {max_expire} seconds; make one for less")
    if now >= ticket.time + ticket.expire:
        raise LoginError(ErrorCode.SIG_EXPIRED, "the UserSig has expired; make a new one")


def _malformed(message: str) -> LoginError:
    return LoginError(ErrorCode.SIG_MALFORMED, message)
