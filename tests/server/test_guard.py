"""Addresses that callbacks never reach, however they are written, named or hidden."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from signaling_server.callbacks import Generation, check_url
from signaling_server.guard import Forbidden, GuardedResolver, check_dialed, guarded_socket, is_public
from signaling_server.outbox import Parcel
from signaling_server.post import Post

PRIVATE = [
    *["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1"],
    *["172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"],
    *["203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
    *["::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"],
    *["64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::"],
    *["fc00::1", "fd12::1", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1"],
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::200e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(Forbidden):
        check_dialed(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    check_dialed(address)


def test_the_socket_is_the_last_check() -> None:
    """A name that led somewhere good when it was looked at, and leads here when it is dialed."""
    stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    guarded_socket((*stream, ("1.1.1.1", 80))).close()
    with pytest.raises(Forbidden):
        guarded_socket((*stream, ("127.0.0.1", 80)))
    with pytest.raises(Forbidden):
        guarded_socket((socket.AF_INET6, *stream[1:], ("::ffff:127.0.0.1", 80, 0, 0)))


def test_an_address_of_this_machine_is_its_own_however_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling_server.guard.is_public", lambda _: True)
    with pytest.raises(Forbidden, match="this machine"):
        check_dialed("127.0.0.1")


class Names(AbstractResolver):
    """A name with these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None: ...


async def test_a_name_with_one_private_address_is_refused() -> None:
    assert len(await GuardedResolver(Names("1.1.1.1", "8.8.8.8")).resolve("x", 80)) == 2
    with pytest.raises(Forbidden):
        await GuardedResolver(Names("1.1.1.1", "10.0.0.1")).resolve("x", 80)


@pytest.mark.parametrize(
    "url",
    [
        *["http://127.0.0.1:{}/", "http://127.1:{}/", "http://0x7f.1:{}/", "http://2130706433:{}/", "http://0:{}/"],
        *["http://localhost:{}/", "http://[::ffff:127.0.0.1]:{}/", "http://LOCALHOST.:{}/", "http://017700000001:{}/"],
    ],
)
async def test_whatever_leads_here_is_not_dialed(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as here:
        here.setblocking(False)
        post = Post(allow_private=False)
        parcel = Parcel(
            id=1, generation=Generation.V1, event_id="e", command="cancel", call_id="c", body="{}", address="",
            platform="", created_at=0.0, attempts=0,
        )  # fmt: skip
        outcome = await post.send(url.format(here.getsockname()[1]), 1, parcel, ["whsec_" + "A" * 44], 0.0)
        assert not outcome.delivered and outcome.error
        with pytest.raises(BlockingIOError):
            here.accept()
        await post.close()


HOSTS = st.one_of(
    st.ip_addresses().map(lambda one: f"[{one}]" if one.version == 6 else str(one)),
    st.integers(0, 2**32 - 1).map(str),
    st.integers(0, 2**32 - 1).map(hex),
    st.text(max_size=40),
)


@given(st.sampled_from(["http", "https", "file", "HTTP", ""]), HOSTS, st.text(max_size=20))
def test_any_address_is_judged_and_literal_ones_rightly(scheme: str, host: str, rest: str) -> None:
    problem = check_url(f"{scheme}://{host}{rest}", allow_private=False)
    assert problem is None or "\n" not in problem
    alone = check_url(f"http://{host}/", allow_private=False)
    try:
        literal = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return
    assert alone is None or not is_public(literal)
