"""Which addresses of a machine are of use, asked of real interfaces in a network namespace of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pycall.rtc.addresses import alive, still_ours

ASK = """
import asyncio, sys
from pycall.rtc.patches import install
install()
from pycall.rtc.transport import GuardedConnection

async def main():
    connection = GuardedConnection(ice_controlling=True)
    await connection.gather_candidates()
    print(*sorted(candidate.host for candidate in connection.local_candidates if "." in candidate.host))
    await connection.close()

asyncio.run(main())
"""


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"pycall-test-{os.getpid()}"
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")
    yield name
    run("ip", "netns", "del", name)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.netns
def test_an_interface_without_a_carrier_is_left_out(namespace: str) -> None:
    run("ip", "-n", namespace, "link", "add", "up0", "type", "veth", "peer", "name", "far0")
    run("ip", "-n", namespace, "link", "add", "dead0", "type", "veth", "peer", "name", "off0")
    for link, address in (("up0", "10.78.0.1/24"), ("dead0", "10.79.0.1/24")):
        run("ip", "-n", namespace, "addr", "add", address, "dev", link)
        run("ip", "-n", namespace, "link", "set", link, "up")
    run("ip", "-n", namespace, "link", "set", "far0", "up")
    asked = run("ip", "netns", "exec", namespace, sys.executable, "-c", ASK)
    assert asked.split() == ["10.78.0.1"]


def test_our_addresses_are_ours_and_others_are_not() -> None:
    assert still_ours("127.0.0.1") and not still_ours("192.0.2.77") and not still_ours("2001:db8::77")
    assert still_ours("fe80::1"), "it cannot be known without its interface"
    assert alive(["127.0.0.1", "192.0.2.77"]) == ["127.0.0.1", "192.0.2.77"]
