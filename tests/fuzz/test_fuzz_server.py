"""Anything into what the server reads over HTTP, and into what it dials: only declared errors, in bounded memory."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pycall.core.errors import ConfigError, LoginError
from pycall.core.usersig import MAX_SIG_CHARS, check_user_sig, make_user_sig
from signaling_server.addresses import bucket_of, is_local, networks_of
from signaling_server.apps import admins_of
from signaling_server.callbacks import check_url
from signaling_server.guard import Forbidden, check_dialed, is_public
from signaling_server.rest_body import decode_body
from signaling_server.rest_errors import Fault, RestError
from signaling_server.rest_query import KNOWN, MAX_QUERY, Query, parse_query
from signaling_server.rest_v1_callbacks import CallbackTarget
from signaling_server.rest_v4_config import LetterIds
from signaling_server.rest_v4_records import Filter, span

quick = settings(max_examples=200, deadline=None)
MEGABYTE = 1 << 20


@contextmanager
def memory_under(limit: int) -> Iterator[None]:
    """What is allocated inside never comes to more than that at a time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


# --- the query string -------------------------------------------------------------------------------------------


def parsed(text: str) -> Query | Fault:
    try:
        query = parse_query(text)
    except RestError as error:
        assert error.message and "\n" not in error.message and len(error.message) < 200
        return error.fault
    assert 1 <= query.app_id < 2**53 and 1 <= len(query.identifier) <= 32
    assert 1 <= len(query.user_sig) <= MAX_SIG_CHARS
    return query


pieces = st.sampled_from(
    [*KNOWN, "=", "&", "?", "#", ";", "+", "%", "%00", "%ff", "%", "1", "json", "\0", "é", "\ud800"]
)


@quick
@given(st.text(max_size=300) | st.lists(pieces, max_size=40).map("".join))
def test_any_query_string(text: str) -> None:
    parsed(text)


@quick
@given(st.dictionaries(st.sampled_from(KNOWN), st.text(max_size=40) | st.integers().map(str)))
def test_queries_with_values_of_any_kind(values: dict[str, str]) -> None:
    good = {"sdkappid": "7", "identifier": "admin", "usersig": "s", "random": "1", "contenttype": "json"}
    asked = {**good, **values}
    try:
        text = urlencode(asked)
    except UnicodeEncodeError:
        text = urlencode({name: quote(value, errors="surrogatepass") for name, value in asked.items()})
    query = parsed(text)
    if isinstance(query, Query):
        assert (str(query.app_id), query.identifier, query.user_sig) == (
            asked["sdkappid"].lstrip("0"), asked["identifier"], asked["usersig"],
        )  # fmt: skip


@quick
@given(st.permutations(["sdkappid=7", "identifier=admin", "usersig=s", "x=1"]), st.sampled_from(KNOWN))
def test_order_does_not_matter_and_twice_is_refused(pairs: list[str], again: str) -> None:
    text = "&".join(pairs)
    assert parsed(text) == Query(7, "admin", "s")
    if f"{again}=" in text:
        assert parsed(f"{text}&{again}=1") is Fault.QUERY


@pytest.mark.parametrize(
    "text",
    ["a=1&" * 100_000, "%41" * 200_000, "sdkappid=" + "9" * 500_000, "usersig=" + "x" * MAX_QUERY, "&" * MAX_QUERY],
)
def test_long_query_strings_take_no_memory(text: str) -> None:
    with memory_under(MEGABYTE):
        assert isinstance(parsed(text), Fault)


# --- the body ---------------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner))
names = st.sampled_from(
    ["StartTime", "EndTime", "Page", "NumberPerPage", "CallResult", "CallType", "IdList", "address"]
)


@quick
@given(st.binary(max_size=200) | st.dictionaries(names, values).map(lambda value: json.dumps(value).encode()))
def test_any_body(body: bytes) -> None:
    for kind in [Filter, LetterIds, CallbackTarget]:
        try:
            value: Any = decode_body(body, kind)
        except RestError as error:
            assert error.fault in {Fault.NOT_JSON, Fault.PARAMETER} and "\n" not in error.message
            continue
        assert isinstance(value, kind)
        if isinstance(value, Filter):
            assert 1 <= value.number_per_page <= 100
            since, until = span(value.start_time, value.end_time, 1.7e9)
            assert until - since <= 31 * 86400


@pytest.mark.parametrize(
    "body", [b"[" * 65536, b'{"a":' * 13000, b"9" * 65536, b'"' + b"\\u0000" * 10000 + b'"'], ids=range(4)
)
def test_big_bodies_take_no_memory(body: bytes) -> None:
    with memory_under(2 * MEGABYTE), pytest.raises(RestError):
        decode_body(body, Filter)


# --- tickets ----------------------------------------------------------------------------------------------------


def bombs() -> Iterator[str]:
    """Tickets that are small and become big, or are big and become nothing."""
    for data in [b"\0" * 50_000_000, b"{" * 5_000_000, b'{"TLS.ver":"' + b"2" * 5_000_000 + b'"}']:
        packed = zlib.compress(data, 9)
        yield zlib_as_sig(packed)
        yield zlib_as_sig(packed[:1500])
    yield "A" * 50_000
    yield "*" * MAX_SIG_CHARS


def zlib_as_sig(packed: bytes) -> str:
    return base64.b64encode(packed).decode().translate(str.maketrans("+/=", "*-_"))


def test_tickets_that_unpack_to_megabytes_are_not_unpacked() -> None:
    tickets = list(bombs())
    with memory_under(MEGABYTE // 4):
        for sig in tickets:
            with pytest.raises(LoginError):
                check_user_sig(sig, app_id=1, secret_keys=["the key of this test"], user_id="alice", now=1000)


GOOD = make_user_sig(1, "the key of this test", "alice", now=1000)


@quick
@given(st.floats(0, 2e9), st.integers(1, 86400))
def test_a_ticket_is_good_exactly_as_long_as_it_says(now: float, longest: int) -> None:
    try:
        until = check_user_sig(
            GOOD, app_id=1, secret_keys=["the key of this test"], user_id="alice", now=now, max_expire=longest
        )
    except LoginError:
        assert now < 700 or now >= 87_400 or longest < 86_400
    else:
        assert until == 87_400 and 700 <= now < 87_400 and longest >= 86_400


# --- addresses --------------------------------------------------------------------------------------------------

PRIVATE = [
    ipaddress.ip_network(text)
    for text in ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
                 "0.0.0.0/8", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"]
]  # fmt: skip


def inside(network: Any, place: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(network.network_address) + place % network.num_addresses)


SPELLINGS: list[Callable[[ipaddress.IPv4Address], str]] = [
    str,
    lambda a: f"{a}.",
    lambda a: str(int(a)),
    lambda a: hex(int(a)),
    lambda a: f"0{int(a):o}",
    lambda a: f"0x{int(a) >> 24:x}.{int(a) & 0xFFFFFF}",
    lambda a: f"{int(a) >> 24}.{int(a) >> 16 & 255}.{int(a) & 0xFFFF}",
    lambda a: ".".join(f"0{part:o}" for part in a.packed),
    lambda a: f"[::ffff:{a}]",
    lambda a: f"[::ffff:{int(a) >> 16:x}:{int(a) & 0xFFFF:x}]",
    lambda a: f"[::{a}]",
    lambda a: f"[64:ff9b::{a}]",
    lambda a: f"[64:ff9b:1::{a}]",
    lambda a: f"[2002:{int(a) >> 16:x}:{int(a) & 0xFFFF:x}::1]",
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(PRIVATE), st.integers(0, 2**32), st.sampled_from(SPELLINGS))
def test_no_spelling_of_a_private_address_gets_through(network: Any, place: int, spell: Any) -> None:
    address = inside(network, place)
    assert check_url(f"http://{spell(address)}/", allow_private=False) is not None
    assert not is_public(address)
    with pytest.raises(Forbidden):
        check_dialed(str(address))
    with pytest.raises(Forbidden):
        check_dialed(f"::ffff:{address}")


@quick
@given(st.text(max_size=100) | st.text("htps:/@[].%0123456789abcdefx#?\\ ", max_size=60).map("http://".__add__))
def test_any_url(url: str) -> None:
    for allow_private in [True, False]:
        problem = check_url(url, allow_private=allow_private)
        assert problem is None or ("\n" not in problem and len(problem) < 200)
        if problem is None:
            assert url.startswith(("http://", "https://")) and "@" not in re.split("[/?#]", url)[2]


@quick
@given(st.text(max_size=40) | st.ip_addresses().map(str))
def test_any_address(text: str) -> None:
    try:
        check_dialed(text)
    except Forbidden as error:
        assert len(str(error)) < 200
    assert isinstance(is_local(text), bool) and isinstance(bucket_of(text), str)
    try:
        networks_of([text])
    except ConfigError as error:
        assert "\n" not in str(error)


@quick
@given(st.lists(st.text(max_size=40), max_size=3))
def test_any_administrators(texts: list[str]) -> None:
    try:
        admins = admins_of(texts)
    except ConfigError as error:
        assert "\n" not in str(error)
    else:
        assert len(admins) == len(texts)
