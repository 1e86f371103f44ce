"""A private sound server and a private display, shared by the device tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.display import Display, x_display
from tests.pulse import Pulse, pulse_server


@pytest.fixture(scope="session")
def pulse() -> Iterator[Pulse]:
    with pulse_server() as server:
        yield server


@pytest.fixture
def display() -> Iterator[Display]:
    with x_display() as made:
        yield made
