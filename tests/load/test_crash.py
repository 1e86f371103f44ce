"""A server is killed, runs out of disk and loses its database to another program, under load: nothing is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from scripts.load.crash import NOTHING_OF, run

TROUBLES = ["killed"] * 8 + ["disk full", "database locked"]


@pytest.mark.timeout(150)
async def test_nothing_that_was_answered_is_lost_or_doubled(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    troubles = chance.sample(TROUBLES, len(TROUBLES))
    found = await run(tmp_path, troubles, clients=16, seed=seed, pause=0.5)
    assert not any(found[name] for name in NOTHING_OF), f"seed {seed}: {found}"
    assert found["calls answered for"] > 30 and found["callbacks"] >= 2 * found["records"]
