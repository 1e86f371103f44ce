"""UserSig: the published test vector, and everything that must not get in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from typing import Any

import pytest

from pycall.core.errors import ConfigError, ErrorCode, LoginError
from pycall.core.usersig import MAX_EXPIRE, check_user_sig, make_user_sig

APP = 1400000000
KEY = "test-secret-key"
NOW = 1700000000


def unpack(sig: str) -> dict[str, Any]:
    data = zlib.decompress(base64.b64decode(sig.translate(str.maketrans("*-_", "+/=")), validate=True))
    return dict(json.loads(data))


def pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode().translate(str.maketrans("+/=", "*-_"))


def ticket(**changes: Any) -> str:
    """A well signed ticket for alice with some fields changed; None leaves the field out."""
    fields: dict[str, Any] = {"ver": "2.0", "identifier": "alice", "sdkappid": APP, "expire": 86400, "time": NOW}
    fields |= changes
    text = "".join(f"TLS.{name}:{fields[name]}\n" for name in ["identifier", "sdkappid", "time", "expire"])
    if "userbuf" in fields:
        text += f"TLS.userbuf:{fields['userbuf']}\n"
    fields.setdefault("sig", base64.b64encode(hmac.digest(KEY.encode(), text.encode(), hashlib.sha256)).decode())
    return pack(json.dumps({f"TLS.{name}": value for name, value in fields.items() if value is not None}).encode())


def refusal(sig: Any, *, user_id: str = "alice", now: float = NOW, keys: tuple[str, ...] = (KEY,)) -> ErrorCode:
    with pytest.raises(LoginError) as caught:
        check_user_sig(sig, app_id=APP, secret_keys=keys, user_id=user_id, now=now)
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_the_test_vector() -> None:
    fields = unpack(make_user_sig(APP, KEY, "alice", now=NOW, expire=86400))
    assert list(fields) == ["TLS.ver", "TLS.identifier", "TLS.sdkappid", "TLS.expire", "TLS.time", "TLS.sig"]
    assert fields == {
        "TLS.ver": "2.0",
        "TLS.identifier": "alice",
        "TLS.sdkappid": 1400000000,
        "TLS.expire": 86400,
        "TLS.time": 1700000000,
        "TLS.sig": "jEmM879bo7ANaZxIof/2k4t1qo8AUM8Cqy6jqMi8MhM=",
    }


def test_made_tickets_are_good_until_they_expire() -> None:
    sig = make_user_sig(APP, KEY, "alice", now=NOW, expire=60)
    for now in [NOW - 300, NOW, NOW + 59.9]:
        check_user_sig(sig, app_id=APP, secret_keys=[KEY], user_id="alice", now=now)
    assert refusal(sig, now=NOW + 60) is ErrorCode.SIG_EXPIRED
    assert refusal(sig, now=NOW - 301) is ErrorCode.SIG_MALFORMED


def test_two_keys_are_good_while_they_are_rotated() -> None:
    sig = make_user_sig(APP, KEY, "alice", now=NOW)
    check_user_sig(sig, app_id=APP, secret_keys=["the-new-key", KEY], user_id="alice", now=NOW)
    assert refusal(sig, keys=("the-new-key",)) is ErrorCode.SIG_INVALID
    assert refusal(sig, keys=()) is ErrorCode.SIG_INVALID


def test_a_signed_userbuf_is_accepted() -> None:
    check_user_sig(ticket(userbuf="YWJj"), app_id=APP, secret_keys=[KEY], user_id="alice", now=NOW)


@pytest.mark.parametrize("user_id", ["bob", "Alice", "alice2", "", "alice\nTLS.sdkappid:1"])
def test_another_users_ticket(user_id: str) -> None:
    assert refusal(ticket(), user_id=user_id) is ErrorCode.SIG_WRONG_USER


def test_another_apps_ticket() -> None:
    assert refusal(ticket(sdkappid=APP + 1)) is ErrorCode.SIG_WRONG_APP


@pytest.mark.parametrize(
    "changes",
    [
        {"sig": ""},
        {"sig": "AAAA"},
        {"sig": "é" * 44},
        {"sig": "jEmM879bo7ANaZxIof/2k4t1qo8AUM8Cqy6jqMi8MhN="},
        {"userbuf": "YWJj", "sig": "jEmM879bo7ANaZxIof/2k4t1qo8AUM8Cqy6jqMi8MhM="},
    ],
)
def test_forged_signatures(changes: dict[str, Any]) -> None:
    assert refusal(ticket(**changes)) is ErrorCode.SIG_INVALID


@pytest.mark.parametrize(
    "changes",
    [
        *[{"expire": value} for value in ["86400", 86400.0, -1, 0, True, 1e30, 10**30, "١٢٣", "1_000", None, [], {}]],
        *[{"expire": value} for value in [MAX_EXPIRE + 1]],
        *[{"time": value} for value in ["1700000000", float(NOW), -1, False, None, NOW + 600, 10**400]],
        *[{"sdkappid": value} for value in [str(APP), float(APP), True, None, 0]],
        *[{"identifier": value} for value in ["", "a" * 33, "a b", "bob\nTLS.sdkappid:1", "é", None, 7, ["alice"]]],
        *[{"ver": value} for value in ["1.0", 2.0, None, ""]],
        *[{"sig": value} for value in [None, 3, "A" * 65, {}]],
        {"userbuf": 3},
    ],
    ids=str,
)
def test_fields_of_the_wrong_kind(changes: dict[str, Any]) -> None:
    assert refusal(ticket(**changes)) is ErrorCode.SIG_MALFORMED


GOOD = make_user_sig(APP, KEY, "alice", now=NOW)
PACKED = base64.b64decode(GOOD.translate(str.maketrans("*-_", "+/=")))


def as_sig(packed: bytes) -> str:
    return base64.b64encode(packed).decode().translate(str.maketrans("+/=", "*-_"))


@pytest.mark.parametrize(
    "sig",
    [
        "",
        "*",
        "____",
        GOOD[:-5],
        GOOD[:40],
        GOOD + "AAAA",
        GOOD + "\n",
        " " + GOOD,
        GOOD.translate(str.maketrans("*-_", "+/=")) + "=",
        GOOD[:10] + "é" + GOOD[11:],
        GOOD[:10] + "!" + GOOD[11:],
        as_sig(PACKED + b"more"),
        as_sig(PACKED[:-4]),
        as_sig(PACKED[:-1] + bytes([PACKED[-1] ^ 1])),
        as_sig(b"not zlib"),
        as_sig(zlib.compress(b"{" + b" " * 50_000_000)),
        pack(b"{" + b" " * 5000 + b"}"),
        pack(b"[]"),
        pack(b"null"),
        pack(b"NaN"),
        pack(b"\xff\xfe"),
        pack(b'{"x":' * 600 + b"1" + b"}" * 600),
        pack(b"[" * 4000),
        pack(b'{"TLS.ver":"2.0","x":' + b"[" * 2000 + b"]" * 2000 + b"}"),
        "A" * 2049,
        None,
        7,
        GOOD.encode(),
    ],
    ids=lambda sig: repr(sig)[:24],
)
def test_what_is_no_ticket(sig: Any) -> None:
    assert refusal(sig) is ErrorCode.SIG_MALFORMED


def test_the_standard_alphabet_is_not_the_tickets_alphabet() -> None:
    signs = [make_user_sig(APP, KEY, f"user{n}", now=NOW) for n in range(20)]
    plain = [sig.translate(str.maketrans("*-_", "+/=")) for sig in signs]
    assert signs != plain
    for n, (sig, other) in enumerate(zip(signs, plain, strict=True)):
        if sig != other:
            assert refusal(other, user_id=f"user{n}") is ErrorCode.SIG_MALFORMED


@pytest.mark.parametrize(
    "arguments",
    [
        {"app_id": 0},
        {"app_id": True},
        {"app_id": "1"},
        {"secret_key": ""},
        {"user_id": "a b"},
        {"user_id": None},
        {"expire": 0},
        {"expire": True},
        {"expire": MAX_EXPIRE + 1},
        {"now": -1},
        {"now": 1.5},
    ],
    ids=str,
)
def test_no_ticket_is_made_that_no_server_would_take(arguments: dict[str, Any]) -> None:
    given: dict[str, Any] = {"app_id": APP, "secret_key": KEY, "user_id": "alice", "now": NOW} | arguments
    with pytest.raises(ConfigError) as caught:
        make_user_sig(given.pop("app_id"), given.pop("secret_key"), given.pop("user_id"), **given)
    assert caught.value.code is ErrorCode.BAD_ARGUMENT
