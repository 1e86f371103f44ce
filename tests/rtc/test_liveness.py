"""The states of a peer, by their arrows."""

from __future__ import annotations

from pycall.core.types import PeerState
from pycall.rtc.liveness import Liveness


def live() -> Liveness:
    liveness = Liveness(stall=3, fail=12)
    assert liveness.observe(1.0, arrived_at=1.0, media=True)
    return liveness


def test_connecting_to_up_needs_media() -> None:
    liveness = Liveness()
    assert not liveness.observe(5, arrived_at=None, media=False)
    assert not liveness.observe(5, arrived_at=4.9, media=False)
    assert liveness.observe(5, arrived_at=5, media=True)
    assert liveness.state is PeerState.UP
    assert not liveness.observe(6, arrived_at=6, media=True)


def test_up_to_stalled_and_back() -> None:
    liveness = live()
    assert not liveness.observe(3.9, arrived_at=1, media=True)
    assert liveness.observe(4.0, arrived_at=1, media=True)
    assert liveness.state is PeerState.STALLED
    assert liveness.observe(5, arrived_at=5, media=True)
    assert liveness.state is PeerState.UP


def test_stalled_to_failed_is_final() -> None:
    liveness = live()
    liveness.observe(5, arrived_at=1, media=True)
    assert liveness.observe(13, arrived_at=1, media=True)
    assert liveness.state is PeerState.FAILED
    assert not liveness.observe(14, arrived_at=14, media=True)
    assert not liveness.fail()


def test_everything_to_closed() -> None:
    for liveness in (Liveness(), live()):
        assert liveness.close()
        assert not liveness.close()
        assert not liveness.fail()
        assert liveness.state is PeerState.CLOSED
