"""STUN and TURN URLs."""

from __future__ import annotations

import pytest

from pycall.core.errors import ConfigError, ErrorCode
from pycall.rtc.servers import ice_servers


def test_good_urls() -> None:
    stun, turn, turns = ice_servers(
        ("stun:stun.example.org", "turn:ann:p%40ss@turn.example.org:3479?transport=tcp", "turns:a:b@10.0.0.1")
    )
    assert stun.urls == "stun:stun.example.org" and stun.username is None
    assert (turn.urls, turn.username, turn.credential) == ("turn:turn.example.org:3479?transport=tcp", "ann", "p@ss")
    assert turns.urls == "turns:10.0.0.1?transport=tcp"


@pytest.mark.parametrize(
    "url",
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
    ],
)
def test_bad_urls_are_configuration_errors(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ice_servers((url,))
    assert caught.value.code is ErrorCode.BAD_SETTING
    assert "\n" not in str(caught.value)
