"""Totals by the hour: always what counting the records would give, and the pages that are found with them."""

from __future__ import annotations

import math
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from pycall.core.types import EndReason, Scene
from signaling_server.hourly import hourly
from signaling_server.ledger import StoredCall
from signaling_server.purge import Purge
from signaling_server.record_rows import CallResult
from signaling_server.records import RecordFilter, Records
from signaling_server.store import Store
from signaling_server.tables import records, totals
from tests.postgres import Postgres
from tests.server.raw import LeapingClock
from tests.server.test_records import ended

REASONS = (EndReason.HANGUP, EndReason.BUSY, EndReason.NO_ANSWER)
START = 1_700_002_800.0
"""On the hour."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    server = Postgres() if request.param == "postgresql" else None
    opened = await Store.open(str(tmp_path / "calls.db") if server is None else server.new(), app_id=1)
    yield opened
    await opened.close()
    if server is not None:
        server.stop()


def some_calls(chance: random.Random, count: int, first: int = 1) -> list[StoredCall]:
    """Of six hours with an empty one between, some of them on the very hour or just before or after it."""
    made = []
    for number in range(first, first + count):
        hour = START + 3600 * chance.choice([0, 1, 2, 4, 5])
        at = chance.choice([hour, math.nextafter(hour, 0), math.nextafter(hour, 2e9), hour + 3600 * chance.random()])
        reason, scene = chance.choice(REASONS), chance.choice([Scene.SINGLE, Scene.SINGLE, Scene.GROUP, Scene.MULTI])
        accepted = at if reason is EndReason.HANGUP else None
        made.append(ended(number, created_at=at, ended_at=at + 1, reason=reason, scene=scene, accepted_at=accepted))
    return made


async def check(store: Store) -> int:
    """That the totals are right, and there is none of nothing; how many records there are."""
    async with store.database.reading() as connection:
        kept = await connection.execute(sa.select(*totals.c))
        found = {tuple(row[:4]): row.calls for row in kept}
        plain = await connection.execute(
            sa.select(records.c.app_id, records.c.started_at, records.c.result, records.c.scene)
        )
        counted = Counter((app, int(started // 3600), result, scene) for app, started, result, scene in plain)
    assert found == dict(counted)
    return counted.total()


async def test_they_follow_whatever_is_done_to_the_records(store: Store) -> None:
    chance, clock = random.Random(1), LeapingClock()
    other = store.for_app(2)
    await store.save(some_calls(chance, 150), [], now=START)
    await other.save(some_calls(chance, 40), [], now=START)
    assert await check(store) == 190
    await store.save(some_calls(chance, 60, first=100), [], now=START)  # 51 of them are there, and stay as they are
    assert await check(store) == 199
    async with store.database.writing() as connection:
        some = records.c.started_at < START + 3600
        await connection.execute(sa.update(records).where(some).values(result="Offline"))
        await connection.execute(sa.update(records).where(~some).values(started_at=records.c.started_at + 1800))
        await connection.execute(sa.delete(records).where(records.c.result == "CallBusy"))
    left = await check(store)
    assert 0 < left < 199
    clock.ahead += START + 2.5 * 3600 - clock.now()
    await Purge([store, other], clock, keep_seconds=3600.0).once()
    assert 0 < await check(store) < left
    clock.ahead += 86_400.0
    await Purge([store, other], clock, keep_seconds=3600.0).once()
    assert await check(store) == 0


async def test_what_is_rolled_back_counts_nothing(store: Store) -> None:
    await store.save([ended(1)], [], now=1.0)
    with pytest.raises(ZeroDivisionError):
        async with store.database.writing() as connection:
            await connection.execute(sa.delete(records))
            raise ZeroDivisionError
    assert await check(store) == 1


async def test_every_page_of_every_range(store: Store) -> None:
    chance = random.Random(2)
    calls = some_calls(chance, 300)
    held = Records(store)
    await store.save(calls, [], now=START)
    for _ in range(60):
        ends = [START + 3600 * chance.choice([-1, 0, 1, 2, 3, 5, 7, 3 * chance.random()]) for _ in range(2)]
        wanted = RecordFilter(
            since=min(ends),
            until=max(ends),
            result=chance.choice([None, *CallResult]),
            single=chance.choice([None, True, False]),
            page=chance.randrange(1, 12),
            per_page=chance.choice([1, 7, 100]),
        )
        right = sorted((call.created_at for call in calls if fits(call, wanted)), reverse=True)
        skip = (wanted.page - 1) * wanted.per_page
        total, found = await held.by_filter(wanted)
        assert (total, [one.started_at for one in found]) == (len(right), right[skip : skip + wanted.per_page]), wanted


def fits(call: StoredCall, wanted: RecordFilter) -> bool:
    results = {EndReason.HANGUP: "NormalEnd", EndReason.BUSY: "CallBusy", EndReason.NO_ANSWER: "NotAnswer"}
    return (
        wanted.since <= call.created_at <= wanted.until
        and wanted.result in {None, results[call.reason or EndReason.UNKNOWN]}
        and wanted.single in {None, call.scene is Scene.SINGLE}
    )


async def test_one_picture_for_total_and_page(store: Store) -> None:
    """What is written between two queries of one reader is seen by neither."""
    await store.save([ended(1)], [], now=1.0)
    async with store.database.reading() as connection:
        query = sa.select(sa.func.count()).select_from(records)
        assert (await connection.execute(query)).scalar() == 1
        await store.save([ended(2)], [], now=2.0)
        kept = (await connection.execute(sa.select(sa.func.sum(totals.c.calls)))).scalar()
        assert (int(kept or 0), (await connection.execute(query)).scalar()) == (1, 1)
    assert await check(store) == 2


async def test_hours_of_the_chart(store: Store) -> None:
    chance = random.Random(3)
    calls = some_calls(chance, 80)
    await store.save(calls, [], now=START)
    shown = await hourly(store, START + 6 * 3600 - 1, 6)
    expected = Counter(int((call.created_at - START) // 3600) for call in calls if call.created_at >= START)
    assert [sum(hour.results.values()) for hour in shown] == [expected[number] for number in range(6)]


async def test_an_older_database_is_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    store = await Store.open(str(path), app_id=1)
    await store.save(some_calls(random.Random(4), 50), [], now=START)
    await store.close()
    with sqlite3.connect(path) as connection:
        for name in ("insert", "update", "delete"):
            connection.execute(f"DROP TRIGGER records_{name}")
        connection.execute("DROP TABLE totals")
        connection.execute("DROP INDEX ix_records_start")
        connection.execute("DROP INDEX ix_records_result")
        connection.execute("CREATE INDEX ix_records_started ON records (app_id, started_at, result, scene)")
        connection.execute("ALTER TABLE targets DROP COLUMN failing_since")
        connection.execute("UPDATE alembic_version SET version_num = '0003'")
    connection.close()
    store = await Store.open(str(path), app_id=1, migrate=True)
    assert await check(store) == 50
    changed = [
        msgspec.structs.replace(call, call_id=f"{call.call_id[:-3]}fff") for call in some_calls(random.Random(5), 1)
    ]
    await store.save(changed, [], now=START)
    assert await check(store) == 51
    await store.close()
