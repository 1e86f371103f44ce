"""Candidates of the other side: the policy, line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycall.core.errors import ErrorCode, MediaError
from pycall.rtc.candidates import check_candidate

GOOD = "candidate:6815297761 1 udp 2130706431 192.0.2.7 31102 typ host generation 0"


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        "a=" + GOOD,
        GOOD.removeprefix("candidate:"),
        "candidate:1 1 UDP 1694498815 198.51.100.9 40000 typ srflx raddr 192.168.1.2 rport 5000",
        "candidate:1 1 udp 41885439 203.0.113.1 1 typ relay raddr 0.0.0.0 rport 9",
        "candidate:1 1 udp 1 2001:db8::1 65535 typ host",
        "candidate:1 1 udp 1 10.1.2.3 9 typ prflx",
        "candidate:1 1 udp 1 169.254.3.4 9 typ host",
    ],
)
def test_good_candidates(line: str) -> None:
    assert 1 <= check_candidate(line, allow_loopback=False).port <= 65535


@pytest.mark.parametrize(
    "line",
    [
        "",
        "candidate:",
        "candidate:1 1 udp 1 192.0.2.7",
        None,
        7,
        GOOD + " x" * 1024,
        GOOD.replace("192.0.2.7", "256.256.256.256"),
        GOOD.replace("192.0.2.7", "example.org"),
        GOOD.replace("192.0.2.7", "aaaaaaaa-bbbb.local"),
        GOOD.replace("192.0.2.7", "0.0.0.0"),
        GOOD.replace("192.0.2.7", "224.0.0.1"),
        GOOD.replace("192.0.2.7", "255.255.255.255"),
        GOOD.replace("192.0.2.7", "127.0.0.1"),
        GOOD.replace("192.0.2.7", "::1"),
        GOOD.replace("192.0.2.7", "::"),
        GOOD.replace("192.0.2.7", "::ffff:127.0.0.1"),
        GOOD.replace("192.0.2.7", "fe80::1"),
        GOOD.replace("31102", "0"),
        GOOD.replace("31102", "-1"),
        GOOD.replace("31102", "70000"),
        GOOD.replace("31102", "99999999999999999999"),
        GOOD.replace("31102", "http"),
        GOOD.replace(" 1 udp", " 2 udp"),
        GOOD.replace(" 1 udp", " 99 udp"),
        GOOD.replace("udp", "tcp"),
        GOOD.replace("2130706431", "-5"),
        GOOD.replace("2130706431", "99999999999"),
        GOOD.replace("typ host", "typ zzz"),
    ],
)
def test_bad_candidates(line: object) -> None:
    with pytest.raises(MediaError) as caught:
        check_candidate(line, allow_loopback=False)
    assert caught.value.code is ErrorCode.BAD_CANDIDATE


def test_loopback_is_taken_only_where_it_is_allowed() -> None:
    line = GOOD.replace("192.0.2.7", "127.0.0.1")
    assert check_candidate(line, allow_loopback=True).ip == "127.0.0.1"


@given(st.text(max_size=200) | st.builds(lambda words: " ".join(words), st.lists(st.sampled_from(GOOD.split()))))
def test_anything_else_is_a_media_error(text: str) -> None:
    try:
        check_candidate(text, allow_loopback=False)
    except MediaError as error:
        assert error.code is ErrorCode.BAD_CANDIDATE
