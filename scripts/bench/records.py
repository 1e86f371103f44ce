"""A million records: how long the queries of the REST interface take, by id and by filter, as a server does them.

    python -m scripts.bench.records [--records 1000000] [--db PATH_OR_URL] [--json FILE]

Without --db a temporary SQLite database is filled first (about a minute) and removed again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from pycall.core.types import EndReason, MediaType
from signaling_server.record_rows import CallResult, Record, RecordMember
from signaling_server.records import RecordFilter, Records
from signaling_server.store import Store
from signaling_server.tables import histories, records

APP_ID = 1
WEEK = 7 * 86400.0
NOW = 1_700_000_000.0
PIECE = 20_000
RESULTS = [
    (CallResult.NORMAL_END, EndReason.HANGUP, 60),
    (CallResult.NOT_ANSWER, EndReason.NO_ANSWER, 20),
    (CallResult.REJECT, EndReason.REJECTED, 8),
    (CallResult.CANCEL, EndReason.CANCELED, 8),
    (CallResult.CALL_BUSY, EndReason.BUSY, 4),
]


def call_id(number: int) -> str:
    """Spread like random ones, so that the index is as it would be."""
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"


def rows(
    count: int, first: int, total: int, app_id: int, now: float
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Records evenly over the week up to `now`, oldest first, with their members' rows."""
    dice = random.Random(first)
    for number in range(first, first + count):
        started = now - WEEK + WEEK * number / total
        result, reason, _ = dice.choices(RESULTS, [weight for *_, weight in RESULTS])[0]
        names = [f"user-{dice.randrange(50_000)}" for _ in range(2)]
        record = Record(
            call_id=call_id(number),
            caller=names[0],
            callees=(names[1],),
            media=MediaType.VIDEO,
            members=tuple(RecordMember(user_id=name, joined_at=started) for name in names),
            started_at=started,
            ended_at=started + 60,
            result=result,
            reason=reason,
            ended_by=names[0],
        )
        key = {"app_id": app_id, "call_id": record.call_id, "started_at": started}
        document = msgspec.to_builtins(record)
        row = {**key, "merged_id": None, "ended_at": record.ended_at, "scene": 3, "result": result.value}
        members = [{**key, "user_id": name, "result": 3 - place} for place, name in enumerate(dict.fromkeys(names))]
        yield {**row, "document": document}, members


async def fill(store: Store, total: int, now: float) -> None:
    """Write the records, unless they are there."""
    async with store.database.reading() as connection:
        have = (await connection.execute(sa.select(sa.func.count()).select_from(records))).scalar() or 0
    for first in range(have, total, PIECE):
        made = list(rows(min(PIECE, total - first), first, total, store.app_id, now))
        async with store.database.writing() as connection:
            await connection.execute(sa.insert(records), [row for row, _ in made])
            await connection.execute(sa.insert(histories), [row for _, some in made for row in some])


async def measure(work: Callable[[], Awaitable[object]], times: int) -> dict[str, float]:
    """Milliseconds: median, 99th of 100, worst."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - begun) * 1000)
    taken.sort()
    at = {"p50": taken[len(taken) // 2], "p99": taken[math.ceil(len(taken) * 0.99) - 1], "max": taken[-1]}
    return {name: round(value, 2) for name, value in at.items()}


async def run(url: str, total: int) -> dict[str, Any]:
    """Fill and measure; returns what was measured, by query."""
    store = await Store.open(url, app_id=APP_ID)
    begun = time.perf_counter()
    await fill(store, total, NOW)
    filled, held, dice = time.perf_counter() - begun, Records(store), random.Random(1)

    def one_of(**fields: Any) -> Callable[[], Awaitable[object]]:
        async def ask() -> None:
            since = NOW - WEEK + dice.random() * 6 * 86400
            span = fields.get("span", 3600.0)
            wanted = {name: value for name, value in fields.items() if name != "span"}
            everything = span >= WEEK
            at = RecordFilter(since=0 if everything else since, until=NOW if everything else since + span, **wanted)
            await held.by_filter(at)

        return ask

    async def by_id() -> None:
        assert await held.by_id(call_id(dice.randrange(total)))

    figures = {
        "by id": await measure(by_id, 500),
        "an hour": await measure(one_of(), 100),
        "a day": await measure(one_of(span=86400.0), 50),
        "a day, missed": await measure(one_of(span=86400.0, result=CallResult.NOT_ANSWER), 50),
        "a day, page 100": await measure(one_of(span=86400.0, page=100), 50),
        "the whole week": await measure(one_of(span=WEEK), 10),
        "the whole week, of two, busy": await measure(one_of(span=WEEK, result=CallResult.CALL_BUSY, single=True), 10),
        "the whole week, page 5000": await measure(one_of(span=WEEK, page=5000), 10),
    }
    await store.close()
    return {"records": total, "fill_seconds": round(filled, 1), "milliseconds": figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--db", help="keep the records in this database")
    parser.add_argument("--json", help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(options.db or str(Path(folder) / "records.db"), options.records))
    print(f"{figures['records']} records, filled in {figures['fill_seconds']} s; milliseconds")
    for name, values in figures["milliseconds"].items():
        print(f"  {name:32}" + "".join(f"{key} {value:9.2f}   " for key, value in values.items()))
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
