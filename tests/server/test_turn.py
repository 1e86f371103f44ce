"""TURN credentials, tried on a real coturn: good ones relay, forged and expired ones do not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aioice import stun
from aioice.turn import TurnTransport, create_turn_endpoint

from pycall.core.errors import ConfigError
from pycall.core.wire import IceServer
from pycall.rtc.servers import read_servers
from signaling_server.turn import Turn, credential
from tests.server.raw import Room
from tests.turn_server import Coturn, an_address, coturn

OpenRoom = Callable[..., Awaitable[Room]]
SECRET = "sixteen bytes or more"


class Heard(asyncio.DatagramProtocol):
    """What arrives through the relay."""

    def __init__(self) -> None:
        self.data: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.data.put_nowait((data, addr))


@pytest_asyncio.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Coturn]:
    async with coturn(tmp_path, secret=SECRET) as server:
        yield server


async def allocate(relay: Coturn, username: str, password: str, **options: str) -> tuple[TurnTransport, Heard]:
    async with asyncio.timeout(10):
        transport, heard = await create_turn_endpoint(
            Heard, (relay.host, relay.port), username=username, password=password, **options
        )
    return transport, heard


async def is_refused(relay: Coturn, username: str, password: str) -> bool:
    try:
        transport, _ = await allocate(relay, username, password)
    except stun.TransactionFailed as error:
        assert error.response.attributes["ERROR-CODE"][0] == 401
        return True
    transport.close()
    return False


async def ice_server(open_room: OpenRoom, relay: Coturn) -> IceServer:
    """What a client is told at its login."""
    room = await open_room(turn=Turn(urls=(f"turn:{relay.host}:{relay.port}",), secret=SECRET))
    welcome = await (await room.open()).login("alice")
    [server] = welcome.ice_servers
    assert server.urls == (f"turn:{relay.host}:{relay.port}",)
    return server


@pytest.mark.turn
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_what_a_client_is_told_relays_its_media(open_room: OpenRoom, relay: Coturn, transport: str) -> None:
    told = await ice_server(open_room, relay)
    here, heard = await allocate(relay, told.username, told.credential, transport=transport)
    loop = asyncio.get_running_loop()
    there, answer = await loop.create_datagram_endpoint(Heard, local_addr=(an_address(), 0))
    here.sendto(b"through the relay", there.get_extra_info("sockname"))
    data, sender = await asyncio.wait_for(answer.data.get(), 5)
    assert (data, sender) == (b"through the relay", here.get_extra_info("sockname"))
    there.sendto(b"and back", sender)
    assert (await asyncio.wait_for(heard.data.get(), 5))[0] == b"and back"
    there.close()
    here.close()


@pytest.mark.turn
async def test_forged_and_expired_credentials_are_refused(open_room: OpenRoom, relay: Coturn) -> None:
    told = await ice_server(open_room, relay)
    until, _, user_id = told.username.partition(":")
    wrong = "A" * len(told.credential)
    assert await is_refused(relay, told.username, wrong)
    assert await is_refused(relay, f"{int(until) + 1}:{user_id}", told.credential)
    assert await is_refused(relay, f"{until}:bob", told.credential)
    expired = f"{int(time.time()) - 2}:alice"
    assert await is_refused(relay, expired, credential(SECRET, expired))
    assert await is_refused(relay, told.username, credential(SECRET + "x", told.username))
    assert not await is_refused(relay, told.username, told.credential)


@pytest.mark.turn
async def test_a_call_that_runs_outlives_its_credentials(relay: Coturn) -> None:
    username = f"{int(time.time()) + 2}:alice"
    password = credential(SECRET, username)
    here, _ = await allocate(relay, username, password)
    await asyncio.sleep(3)  # coturn's clock is the machine's
    assert await is_refused(relay, username, password)
    loop = asyncio.get_running_loop()
    there, answer = await loop.create_datagram_endpoint(Heard, local_addr=(an_address(), 0))
    here.sendto(b"still here", there.get_extra_info("sockname"))
    assert (await asyncio.wait_for(answer.data.get(), 5))[0] == b"still here"
    there.close()
    here.close()


def test_what_is_handed_out_can_be_read_by_clients() -> None:
    urls = (
        "turn:h",
        "turn:10.0.0.1:3478?transport=udp",
        "turn:[::1]:1?transport=tcp",
        "turns:h.example:443",
        "stun:h:1",
    )
    granted = Turn(urls=urls, secret=SECRET).servers_for("alice", 0.0)
    servers = read_servers((), granted)
    assert (len(servers.turn), len(servers.stun)) == (4, 1)


def test_the_scheme() -> None:
    turn = Turn(urls=("turn:h:1", "turns:h:2", "stun:h:1", "stuns:h:2"), secret=SECRET, seconds=60)
    stun_servers, turn_servers = turn.servers_for("alice", 1000.9)
    assert stun_servers == IceServer(urls=("stun:h:1", "stuns:h:2"))
    assert turn_servers.urls == ("turn:h:1", "turns:h:2")
    assert (turn_servers.username, turn_servers.credential) == ("1060:alice", "w41ohpt88jdbl5JhnEW4DYS0zJw=")
    assert Turn().servers_for("alice", 0.0) == ()
    assert len(Turn(urls=("stun:h:1",)).servers_for("alice", 0.0)) == 1
    assert SECRET not in repr(turn)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"urls": ("turn:h:1",)}, "secret"),
        ({"urls": ("turn:h:1",), "secret": "short"}, "secret"),
        ({"urls": ("http://h",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("turn:h\n",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("turn:é",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("turn://h:3478",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("turn:",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("turn:user:word@h:3478",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("turns:h:5349?transport=udp",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("stun:h?transport=udp",), "secret": SECRET}, "turn:HOST:PORT"),
        ({"urls": ("stun:h",) * 9}, "at most 8"),
        ({"seconds": 601}, "20 to 600"),
        ({"seconds": 0}, "20 to 600"),
    ],
)
def test_settings_that_cannot_be(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Turn(**fields)  # type: ignore[arg-type]
