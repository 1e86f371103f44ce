"""A development server, run by its own command, for all tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.command import Command, Environment


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The environment of a user on a machine where `pycall serve --dev` runs."""
    environment = Environment(tmp_path_factory.mktemp("cli"))
    with Command(environment, "serve", "--dev", "--port", "0") as server:
        server.line("Ctrl-C ends the server")
        yield environment
        server.interrupt()
        assert server.ended() == 0


@pytest.fixture
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of a user on a machine without a server."""
    return Environment(tmp_path_factory.mktemp("nowhere"))
