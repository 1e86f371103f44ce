"""The guard: strays in every phase of a call change nothing; and every wait of the transport has an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aioice.ice
import pytest
from aioice import Candidate
from aiortc.rtcdtlstransport import generate_certificate
from cryptography.hazmat.primitives.asymmetric import rsa

from pycall.core.types import PeerState
from pycall.rtc.dtls import WideCertificate
from pycall.rtc.mesh import Mesh
from pycall.rtc.transport import LONGEST_DATAGRAM, MAX_WAITING, MOST_EARLY, GuardedConnection
from tests.rtc.stage import CALL, End, Stage, next_turn
from tests.rtc.strays import Stranger


async def connected(stage: Stage) -> None:
    alice, bob = stage.ends["alice"], stage.ends["bob"]
    await alice.until_state("bob", PeerState.UP)
    await bob.until_state("alice", PeerState.UP)
    await alice.until(lambda: alice.pictures > 0 and len(alice.heard) > 5)
    await bob.until(lambda: bob.pictures > 0 and len(bob.heard) > 5)


async def goes_on(end: End, pictures: int = 8, sounds: int = 10) -> None:
    """So much more arrives."""
    seen, heard = end.pictures, len(end.heard)
    await end.until(lambda: end.pictures >= seen + pictures and len(end.heard) >= heard + sounds)


async def test_strays_before_during_and_after_the_handshake(pair: Stage, stranger: Stranger) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    began = time.monotonic()
    pair.connect("alice", "bob")
    thrown = 0
    while not (alice.pictures and bob.pictures):
        thrown += stranger.throw(alice, "bob") + stranger.throw(bob, "alice")
        await next_turn()
        assert time.monotonic() - began < 5
    for _ in range(20):
        thrown += stranger.throw(alice, "bob") + stranger.throw(bob, "alice")
        await goes_on(alice, 1, 1)
    await goes_on(alice)
    await goes_on(bob)
    assert thrown > 300
    for end, other in ((alice, "bob"), (bob, "alice")):
        ice = end.mesh.peers[other].ice
        assert ice is not None
        assert ice.refused["empty"] and ice.refused["too long"] and ice.refused["stranger"]
        assert [state for _, _, state, _ in end.states] == [PeerState.CONNECTING, PeerState.UP]


async def test_a_stray_while_the_offer_waits_for_its_answer(pair: Stage, stranger: Stranger) -> None:
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    held: list[object] = []
    pair.change = lambda signaled: held.append(signaled)  # type: ignore[func-returns-value]
    pair.connect("alice", "bob")
    while not held:
        await next_turn()
    assert stranger.throw(alice, "bob")
    pair.change = lambda signaled: signaled
    bob.mesh.deliver(held[0])  # type: ignore[arg-type]
    await connected(pair)
    assert (await goes_on(alice)) is None


async def test_media_that_comes_before_the_keys_is_kept(pair: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last flight of the handshake is late or lost, and what was sent behind it is there already."""
    alice, bob = pair.ends["alice"], pair.ends["bob"]
    early: list[bytes] = []
    admits = GuardedConnection.admits

    def overtaken(guard: GuardedConnection, protocol: object, data: bytes, addr: tuple[str, int]) -> bool:
        peer = bob.mesh.peers.get("alice")
        if peer is None or guard is not peer.ice:
            return admits(guard, protocol, data, addr)  # type: ignore[arg-type]
        early.extend([data] * (128 <= data[0] <= 191))
        secured = alice.mesh.peers["bob"].path.transport.state == "connected"
        late = 20 <= data[0] <= 63 and secured and len(early) < 20
        return not late and admits(guard, protocol, data, addr)  # type: ignore[arg-type]

    monkeypatch.setattr(GuardedConnection, "admits", overtaken)
    pair.connect("alice", "bob")
    await connected(pair)
    await goes_on(bob)
    seeing = bob.mesh.peers["alice"].session.receiving.seeing  # type: ignore[union-attr]
    assert len(early) >= 20
    assert seeing is not None and (seeing.keyframes, seeing.nacks.requested, seeing.plis) == (1, 0, 0)


async def test_of_what_comes_before_the_keys_no_more_is_kept_than_a_second_of_it() -> None:
    connection = GuardedConnection(ice_controlling=True)
    for number in range(MOST_EARLY + 44):
        assert connection.keep_early(number.to_bytes(2, "big"), 0.0)
    assert connection.early is not None and len(connection.early) == MOST_EARLY
    assert connection.refused["too early"] == 44


async def test_a_machine_without_network_calls_over_loopback(pair: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    pair.connect("alice", "bob")
    await connected(pair)
    ice = pair.ends["alice"].mesh.peers["bob"].ice
    assert ice is not None and [c.host for c in ice.local_candidates] == ["127.0.0.1"]


async def test_a_peer_with_an_rsa_certificate(pair: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(65537, 2048)
    made = WideCertificate(key=key, cert=generate_certificate(key))  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr(WideCertificate, "generateCertificate", classmethod(lambda cls: made))
        pair.ends["bob"].mesh.open("alice", 0, offers=False)
    pair.ends["alice"].mesh.open("bob", 0, offers=True)
    await connected(pair)


async def test_a_silent_stun_server_costs_half_a_second(silent_port: int, stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(End("alice"), End("bob"))
    stage.ends["alice"].mesh = Mesh(
        stage.ends["alice"], stage.ends["alice"], call_id=CALL, ice_servers=(f"stun:127.0.0.1:{silent_port}",)
    )
    began = stage.connect("alice", "bob")
    await connected(stage)
    assert time.monotonic() - began < 1.5


async def test_a_silent_turn_server_hinders_neither_the_call_nor_its_end(
    silent_port: int, stage_of: Callable[..., Stage]
) -> None:
    stage = stage_of(End("alice"), End("bob"))
    stage.ends["alice"].mesh = Mesh(
        stage.ends["alice"], stage.ends["alice"], call_id=CALL, ice_servers=(f"turn:a:b@127.0.0.1:{silent_port}",)
    )
    stage.connect("alice", "bob")
    await connected(stage)
    began = time.monotonic()
    await stage.close()
    assert time.monotonic() - began < 1.5


class StuckProtocol:
    """Closes like a relay whose server is gone: not at all."""

    def __init__(self) -> None:
        self.transport = self

    async def close(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.usefixtures("jumping_clock")
async def test_closing_does_not_wait_for_a_relay() -> None:
    connection = GuardedConnection(ice_controlling=True)
    await connection.gather_candidates()
    stuck = StuckProtocol()
    stuck.transport = type("Transport", (), {"close": lambda self: None})()
    connection._protocols.append(stuck)  # type: ignore[arg-type]
    began = time.monotonic()
    event = asyncio.ensure_future(connection.get_event())
    await asyncio.wait([event], timeout=0.01)
    await connection.close()
    assert time.monotonic() - began < 1
    assert isinstance(await event, aioice.ice.ConnectionClosed)


async def connect_two() -> float:
    """Seconds that ICE takes between two connections of this machine."""
    one, other = GuardedConnection(ice_controlling=True), GuardedConnection(ice_controlling=False)
    for connection in (one, other):
        await connection.gather_candidates()
    for here, there in ((one, other), (other, one)):
        for candidate in there.local_candidates:
            await here.add_remote_candidate(candidate)
        await here.add_remote_candidate(None)
        here.remote_username, here.remote_password = there.local_username, there.local_password
    began = time.monotonic()
    await asyncio.gather(one.connect(), other.connect())
    took = time.monotonic() - began
    await asyncio.gather(one.close(), other.close())
    return took


@pytest.mark.usefixtures("jumping_clock")
async def test_ice_is_done_without_a_pause() -> None:
    assert await connect_two() < 0.005


async def test_a_path_that_leads_nowhere_is_an_error_not_a_hang() -> None:
    connection = GuardedConnection(ice_controlling=True)
    await connection.gather_candidates()
    connection.remote_username, connection.remote_password = "abcd", "x" * 22
    await connection.add_remote_candidate(None)
    with pytest.raises(ConnectionError):
        await connection.connect()
    await connection.close()


async def test_the_queue_between_socket_and_dtls_is_bounded() -> None:
    connection = GuardedConnection(ice_controlling=True)
    for number in range(MAX_WAITING + 50):
        connection.data_received(number.to_bytes(2, "big"), 1)
    assert connection._queue.qsize() == MAX_WAITING
    assert connection.refused["queue full"] == 50
    assert connection._queue.get_nowait() == ((50).to_bytes(2, "big"), 1)


async def test_only_who_knows_the_password_becomes_trusted() -> None:
    connection = GuardedConnection(ice_controlling=True)
    protocol = aioice.ice.StunProtocol(connection)
    protocol.local_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", 9, "host")
    sent: list[bytes] = []
    protocol.send_stun = lambda message, addr: sent.append(bytes(message))  # type: ignore[method-assign]
    stranger, friend = ("192.0.2.1", 5000), ("192.0.2.2", 5000)
    for addr, password in ((stranger, "guessed"), (friend, connection.local_password)):
        request = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{connection.local_username}:abcd"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLED"] = 1
        request.add_message_integrity(password.encode())
        connection.request_received(aioice.stun.parse_message(bytes(request)), addr, protocol)
    data = b"\x16" * 50
    assert connection.admits(protocol, data, friend)
    assert not connection.admits(protocol, data, stranger)
    assert not connection.admits(protocol, b"", friend)
    assert not connection.admits(protocol, bytes([128]) * (LONGEST_DATAGRAM + 1), friend)
