"""A real server on a free loopback port, and raw WebSockets to it."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from signaling_server.app import serve
from signaling_server.settings import Settings
from tests.server.raw import APP_ID, KEY, Room, room_of

OpenRoom = Callable[..., Awaitable[Room]]


@pytest_asyncio.fixture
async def open_room(tmp_path: Path) -> AsyncIterator[OpenRoom]:
    """Starts a server with the settings given, and a room of clients."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**settings: Any) -> Room:
            settings = {"secret_keys": (KEY,), "app_id": APP_ID, "port": 0, "db": str(tmp_path / "calls.db")} | settings
            clock = settings.pop("clock", None)
            server = await stack.enter_async_context(serve(Settings(**settings), clock))
            return await stack.enter_async_context(room_of(server.url))

        yield start


@pytest_asyncio.fixture
async def room(open_room: OpenRoom) -> Room:
    return await open_room()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert_file, key_file
