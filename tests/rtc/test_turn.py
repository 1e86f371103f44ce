"""Calls through a real TURN server, and beside servers that are dead."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aioice.ice
import pytest
import pytest_asyncio

from pycall.core.types import PeerState
from pycall.core.wire import IceServer
from pycall.rtc.gathering import gather
from pycall.rtc.servers import read_servers
from tests.certificates import make_certificate
from tests.rtc.stage import End, Stage, frequency_of
from tests.turn_server import PASSWORD, USER, Coturn, an_address, coturn

Stages = Callable[..., Stage]


@pytest.fixture
def jumping_clock() -> None:
    """The server is a program of its own, whose time does not jump."""


@pytest_asyncio.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Coturn]:
    async with coturn(tmp_path) as it:
        yield it


async def talk(stage: Stage) -> None:
    """Both hear the other's tone and see pictures."""
    alice, bob = stage.ends["alice"], stage.ends["bob"]
    stage.connect("alice", "bob")
    for end in (alice, bob):
        await end.until(lambda end=end: len(end.heard) > 40 and end.pictures > 3, 20)  # type: ignore[misc]
    assert frequency_of(alice.samples()) == pytest.approx(880, abs=10)
    assert frequency_of(bob.samples()) == pytest.approx(440, abs=10)


async def closes_in_time(stage: Stage) -> None:
    for end in stage.ends.values():
        began = time.monotonic()
        await end.mesh.aclose()
        assert time.monotonic() - began < 1.0


def kinds(end: End, other: str) -> tuple[str, str]:
    """What kind of candidates the path in use has here, ours and theirs."""
    pair = end.mesh.peers[other].ice._nominated[1]
    return pair.local_candidate.type, pair.remote_candidate.type


def told(stage: Stage) -> list[str]:
    """Every candidate that anybody was told, in a description or after it."""
    lines = [line for signaled in stage.posted for line in (signaled.sdp or "").splitlines()]
    lines += [signaled.candidate for signaled in stage.posted if signaled.candidate]
    return [line for line in lines if "candidate:" in line]


@pytest_asyncio.fixture
async def relay_with_tls(tmp_path: Path) -> AsyncIterator[Coturn]:
    """`cert.pem` of this folder is its certificate, which nobody has signed."""
    async with coturn(tmp_path, tls=make_certificate(tmp_path, an_address())) as it:
        yield it


@pytest.mark.turn
async def test_over_tls(
    stage_of: Stages, relay_with_tls: Coturn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    settings = {"ice_servers": (relay_with_tls.turn("tls"),), "relay_only": True}
    stage = stage_of(End("alice", tone=440), End("bob", tone=880), **settings)  # type: ignore[arg-type]
    await talk(stage)
    assert kinds(stage.ends["alice"], "bob") == kinds(stage.ends["bob"], "alice") == ("relay", "relay")
    await closes_in_time(stage)


@pytest.mark.turn
async def test_a_relay_whose_certificate_nobody_has_signed_is_not_used(
    relay_with_tls: Coturn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pycall.rtc.gathering")
    connection = aioice.ice.Connection(ice_controlling=True)
    asked = gather(read_servers([relay_with_tls.turn("tls")]), [], lambda: aioice.ice.StunProtocol(connection))
    assert [found async for found in asked] == []
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


@pytest.mark.turn
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_relay_only_hides_our_addresses(stage_of: Stages, relay: Coturn, transport: str) -> None:
    settings = {"ice_servers": (relay.turn(transport),), "relay_only": True}
    stage = stage_of(End("alice", tone=440), End("bob", tone=880), **settings)  # type: ignore[arg-type]
    await talk(stage)
    assert kinds(stage.ends["alice"], "bob") == kinds(stage.ends["bob"], "alice") == ("relay", "relay")
    candidates = told(stage)
    assert len(candidates) >= 2 and all("typ relay raddr 0.0.0.0 rport 9" in line for line in candidates), candidates
    assert stage.ends["alice"].mesh.peers["bob"].path.local_host is None
    await closes_in_time(stage)


@pytest.mark.turn
async def test_servers_that_are_granted_are_used_as_well(stage_of: Stages, relay: Coturn) -> None:
    granted = (IceServer(urls=(f"turn:{relay.host}:{relay.port}",), username=USER, credential=PASSWORD),)
    stage = stage_of(End("alice", tone=440), End("bob", tone=880), granted=lambda: granted, relay_only=True)  # type: ignore[arg-type]
    await talk(stage)
    assert kinds(stage.ends["alice"], "bob") == ("relay", "relay")


@pytest.mark.turn
async def test_of_several_servers_one_that_lives_is_enough(stage_of: Stages, relay: Coturn, silent_port: int) -> None:
    dead, wrong = f"turn:a:b@127.0.0.1:{silent_port}", relay.turn(password="wrong")
    settings = {"ice_servers": (dead, wrong, relay.turn()), "relay_only": True}
    stage = stage_of(End("alice", tone=440), End("bob", tone=880), **settings)  # type: ignore[arg-type]
    began = time.monotonic()
    await talk(stage)
    assert time.monotonic() - began < 8
    await closes_in_time(stage)


@pytest.mark.turn
async def test_closing_does_not_wait_for_a_relay_that_died(stage_of: Stages, relay: Coturn) -> None:
    settings = {"ice_servers": (relay.turn(),), "relay_only": True}
    stage = stage_of(End("alice", tone=440), End("bob", tone=880), **settings)  # type: ignore[arg-type]
    await talk(stage)
    relay.process.kill()
    await relay.process.wait()
    await closes_in_time(stage)


async def test_a_dead_first_server_delays_nothing(stage_of: Stages, silent_port: int) -> None:
    servers = (f"stun:127.0.0.1:{silent_port}", f"turn:a:b@127.0.0.1:{silent_port}", "stun:no-such-host.invalid")
    stage = stage_of(End("alice", tone=440), End("bob", tone=880), ice_servers=servers)  # type: ignore[arg-type]
    stage.connect("alice", "bob")
    for end, other in (("alice", "bob"), ("bob", "alice")):
        await stage.ends[end].until_state(other, PeerState.UP)
        assert not stage.ends[end].mesh.peers[other].path.gathered, "nobody has waited for the silent ones"
    offer = await stage.until_posted("offer")
    assert "a=end-of-candidates" not in (offer.sdp or ""), "more may come"


async def test_what_a_server_says_later_is_told_later(stage_of: Stages) -> None:
    """A STUN server that answers only when the offer has gone."""
    waiting: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    class Slow(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            waiting.put_nowait((data, addr))

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Slow, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    stage = stage_of(End("alice"), End("bob"), ice_servers=(f"stun:127.0.0.1:{port}",))  # type: ignore[arg-type]
    alice = stage.ends["alice"]
    alice.mesh.open("bob", 0, offers=True)
    await stage.until_posted("offer")
    data, addr = await waiting.get()
    mapped = bytes((0, 1)) + (40000 ^ 0x2112).to_bytes(2, "big")
    mapped += bytes(a ^ b for a, b in zip(socket.inet_aton("198.51.100.7"), b"\x21\x12\xa4\x42", strict=True))
    body = b"\x00\x20" + len(mapped).to_bytes(2, "big") + mapped
    transport.sendto(b"\x01\x01" + len(body).to_bytes(2, "big") + data[4:20] + body, addr)
    signaled = await stage.until_posted("candidate")
    assert signaled.candidate is not None and signaled.candidate.startswith("candidate:")
    assert " 198.51.100.7 40000 typ srflx" in signaled.candidate and signaled.sdp_m_line_index == 0
    transport.close()
