"""A development server, run by its own command, for the tests of the bots."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.command import Command, Environment


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The environment of a user on a machine where `pycall serve --dev` runs."""
    environment = Environment(tmp_path_factory.mktemp("bots"))
    with Command(environment, "serve", "--dev", "--port", "0") as server:
        server.line("Ctrl-C ends the server")
        yield environment
