"""wss:// from the client's side: a certificate that is trusted, and those that are not."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest_asyncio

from signaling_server.tls import Tls
from tests.server.raw import Room, ticket

OpenRoom = Callable[..., Awaitable[Room]]
SIGN_IN = """
import asyncio, sys
from pycall.core.errors import SignalingError
from pycall.signaling.client import SignalingClient

async def main(url, sig):
    client = SignalingClient(url, 1400000000, on_welcome=lambda w: None, on_message=lambda m: None,
                             on_lost=lambda: None, on_goodbye=lambda g: None)
    try:
        print("welcome", (await client.login("alice", sig)).user_id)
    except SignalingError as error:
        print("refused", error)
    finally:
        await client.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def sign_in(url: str, **env: str) -> str:
    """What a program of its own says that signs in there; it trusts `SSL_CERT_FILE`."""
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", SIGN_IN, url, ticket("alice")],
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        told, _ = await process.communicate()
    return told.decode().strip()


@pytest_asyncio.fixture
async def secure(open_room: OpenRoom, certificate: tuple[Path, Path]) -> Room:
    cert, key = certificate
    return await open_room(tls=Tls(cert=str(cert), key=str(key)))


async def test_a_trusted_certificate(secure: Room, certificate: tuple[Path, Path]) -> None:
    assert await sign_in(secure.url, SSL_CERT_FILE=str(certificate[0])) == "welcome alice"


async def test_certificates_that_are_not_trusted_are_never_got_around(
    secure: Room, certificate: tuple[Path, Path]
) -> None:
    answers = await asyncio.gather(
        sign_in(secure.url),
        sign_in(secure.url.replace("127.0.0.1", "localhost"), SSL_CERT_FILE=str(certificate[0])),
        sign_in(secure.url.replace("wss:", "ws:")),
    )
    assert "certificate" in answers[0] and "not trusted" in answers[0] and "SSL_CERT_FILE" in answers[0]
    assert "certificate" in answers[1] and "localhost" in answers[1], "made out to another name"
    assert "SSL_CERT_FILE" not in answers[1], "it is known already"
    assert "wss://" in answers[2], "a server that speaks TLS hangs up on whoever does not"
    assert all(answer.startswith("refused") and "\n" not in answer for answer in answers), answers


async def test_rest_and_pages_are_behind_it_too(secure: Room, certificate: tuple[Path, Path]) -> None:
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    base = secure.url.replace("wss:", "https:").removesuffix("/ws")
    async with secure.session.get(base + "/healthz", ssl=trust) as response:
        assert response.status == 200 and response.headers["Strict-Transport-Security"] == "max-age=31536000"
    async with secure.session.post(base + "/v4/call_config/get_callback", data="{}", ssl=trust) as response:
        assert (await response.json())["ErrorCode"] == 60012
