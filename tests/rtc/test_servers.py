"""STUN and TURN servers, from URLs and from what the signaling server grants."""

from __future__ import annotations

import pytest

from pycall.core.errors import ConfigError, ErrorCode
from pycall.core.wire import IceServer
from pycall.rtc.servers import MOST, StunServer, TurnServer, read_servers


def test_good_urls() -> None:
    servers = read_servers(
        (
            "stun:stun.example.org",
            "turn:ann:p%40ss@turn.example.org:3479?transport=tcp",
            "turns:a:b@10.0.0.1",
            "stun:[2001:db8::1]:19302",
        )
    )
    assert servers.stun == (StunServer("stun.example.org", 3478), StunServer("2001:db8::1", 19302))
    assert servers.turn == (
        TurnServer("turn.example.org", 3479, "ann", "p@ss", "tcp", tls=False),
        TurnServer("10.0.0.1", 5349, "a", "b", "tcp", tls=True),
    )


def test_an_entry_may_be_a_structure() -> None:
    entry = IceServer(
        urls=("turn:10.0.0.1", "turn:10.0.0.1?transport=tcp", "stun:10.0.0.1"), username="a", credential="b"
    )
    servers = read_servers((entry,))
    assert [turn.transport for turn in servers.turn] == ["udp", "tcp"] and len(servers.stun) == 1
    assert {turn.username for turn in servers.turn} == {"a"}


def test_what_is_granted_comes_after_what_is_configured_and_once() -> None:
    granted = [IceServer(urls=("stun:10.0.0.1", "stun:10.0.0.2"))]
    servers = read_servers(("stun:10.0.0.2", "stun:10.0.0.3"), granted)
    assert [stun.host for stun in servers.stun] == ["10.0.0.2", "10.0.0.3", "10.0.0.1"]


def test_what_is_granted_and_cannot_be_used_is_left_out() -> None:
    granted = [IceServer(urls=("stuns:10.0.0.1", "turn:10.0.0.1", "stun:10.0.0.1"))]
    servers = read_servers((), granted)
    assert [stun.host for stun in servers.stun] == ["10.0.0.1"] and servers.turn == ()


def test_no_more_than_so_many_are_asked() -> None:
    assert len(read_servers([f"stun:10.0.0.{n}" for n in range(9)]).stun) == MOST


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "stun:",
        "stun.example.org:3478",
        "http://example.org",
        "stun:host:0",
        "stun:host:70000",
        "stun:a:b@host",
        "stun:host?transport=udp",
        "turn:host:3478",
        "turn:user@host",
        "turn:user:pass@host?transport=sctp",
        "turns:user:pass@host?transport=udp",
        "turn:user:pass@ho st",
        None,
        {"urls": "stun:host"},
        IceServer(urls=()),
        IceServer(urls="stun:host"),  # type: ignore[arg-type]
        IceServer(urls=("turn:host",)),
        IceServer(urls=("turn:host",), username="a"),
    ],
)
def test_bad_servers_are_configuration_errors(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_servers((entry,))
    assert caught.value.code is ErrorCode.BAD_SETTING
    assert "\n" not in str(caught.value)
