"""User ids: what is a name and what only looks like one, the same at every door."""

from __future__ import annotations

import json
import unicodedata

import pytest

from pycall.core.errors import ConfigError, RemoteProtocolError
from pycall.core.types import is_user_id
from pycall.core.usersig import make_user_sig
from pycall.core.wire import decode_from_client
from signaling_server.rest_errors import RestError
from signaling_server.rest_query import parse_query

NAMES = ["a", "A", "0", "_", "-", "alice-2_B", "a" * 32, "null", "None", "admin", "administrator", "-rf"]
NO_NAMES = [
    "", "a" * 33, " ", "a b", "a ", " a", "a\n", "\n", "bob\nTLS.sdkappid:1", "a:b", "a.b", "../x", "a/b", "a\\b",
    "%00", "a%20b", "a\0", "a\x7f", "é", unicodedata.normalize("NFD", "é"), "a\u200b", "\u202ea", "a\ufeff", "😀",
    "\uff21", "\u0661", "ß", "a'", 'a"', "a;", "a,b", "a@b", "a+b", "a=b", "<a>", "{a}", "a*", "a?", "$a", "a\u2028",
    "\ud800",
]  # fmt: skip


def login(user_id: object) -> str:
    fields = {"type": "login", "version": 1, "app_id": 1, "user_sig": "x", "device_id": "d"}
    return json.dumps({**fields, "user_id": user_id})


def invite(callee: object) -> str:
    fields = {"type": "invite", "req_id": 1, "call_id": "0" * 32, "media": "audio", "timeout": 1}
    return json.dumps({**fields, "callees": [callee]})


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert is_user_id(name)
    decode_from_client(login(name))
    decode_from_client(invite(name))
    make_user_sig(1, "some key or other", name, now=1)
    assert parse_query(f"sdkappid=1&identifier={name}&usersig=x").identifier == name


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_no_names(name: str) -> None:
    assert not is_user_id(name)
    for frame in [login(name), invite(name)]:
        with pytest.raises(RemoteProtocolError):
            decode_from_client(frame)
    with pytest.raises(ConfigError):
        make_user_sig(1, "some key or other", name, now=1)
    escaped = "".join(f"%{byte:02x}" for byte in name.encode("utf-8", "surrogatepass"))
    with pytest.raises(RestError):
        parse_query(f"sdkappid=1&usersig=x&identifier={escaped}")


@pytest.mark.parametrize("value", [0, 7, 1.5, True, None, [], ["a"], {}, {"a": 1}])
def test_what_is_not_even_text(value: object) -> None:
    assert not is_user_id(value)
    for frame in [login(value), invite(value)]:
        with pytest.raises(RemoteProtocolError):
            decode_from_client(frame)


def test_case_matters() -> None:
    first, second = decode_from_client(login("Alice")), decode_from_client(login("alice"))
    assert first != second
