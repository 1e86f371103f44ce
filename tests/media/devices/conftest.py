"""A private sound server for the tests of a file, and a private display for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.display import Display, x_display
from tests.pulse import Pulse, pulse_server


@pytest.fixture(scope="module")
def pulse() -> Iterator[Pulse]:
    with pulse_server() as server:
        yield server


@pytest.fixture
def display() -> Iterator[Display]:
    with x_display() as made:
        yield made
