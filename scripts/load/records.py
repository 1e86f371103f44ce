"""Looking up records when there are a million of them, by REST, while calls go on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec
import sqlalchemy as sa

from pycall.core.types import EndReason, MediaType
from signaling_server.record_rows import CallResult, Record, RecordMember
from signaling_server.store import Store
from signaling_server.tables import histories, records

from .calls import make_calls, percentile
from .phone import Crowd
from .scenarios import Bench
from .server import APP_ID, ServerProcess

BY_ID = "/v4/call_record_http_srv/get_record_by_callid"
BY_FILTER = "/v4/call_record_http_srv/get_record_by_filter"
WEEK = 7 * 86400.0
PIECE = 20_000
"""Records in one transaction."""
RESULTS = [
    (CallResult.NORMAL_END, EndReason.HANGUP, 60),
    (CallResult.NOT_ANSWER, EndReason.NO_ANSWER, 20),
    (CallResult.REJECT, EndReason.REJECTED, 8),
    (CallResult.CANCEL, EndReason.CANCELED, 8),
    (CallResult.CALL_BUSY, EndReason.BUSY, 4),
]


async def many_records(bench: Bench) -> None:
    """By id and by range of time."""
    number, queries = bench.some(1_000_000), 300
    async with bench.server() as server:
        await server.stop()
        now = time.time()
        await _fill(server, number, now)
        await server.start()
        async with Crowd(server) as crowd, aiohttp.ClientSession() as session:
            phones = await crowd.sign_in(480)
            calling = asyncio.create_task(make_calls(phones, 20, bench.last(30), 2.0))
            chance = random.Random(1)
            ids = [{"CallId": _call_id(chance.randrange(number))} for _ in range(queries)]
            ranges = [_range(chance, now) for _ in range(queries)]
            by_id = [await _ask(session, server, BY_ID, body) for body in ids]
            by_range = [await _ask(session, server, BY_FILTER, body) for body in ranges]
            week = [await _ask(session, server, BY_FILTER, _week(now, page)) for page in range(1, 21)]
            outcome = await calling
    bench.note("records", "of so many", number)
    bench.note("records", "by id p99 ms", percentile(by_id, 99), 20)
    bench.note("records", "an hour p99 ms", percentile(by_range, 99), 100)
    bench.note("records", "the whole week p50 ms", percentile(week, 50))
    bench.note("records", "the whole week p99 ms", percentile(week, 99), 100)
    bench.note("records", "ring p99 ms meanwhile", percentile(outcome.rings, 99))


async def _fill(server: ServerProcess, number: int, now: float) -> None:
    """Records spread evenly over the last week, straight into the database of a server that is stopped."""
    store = await Store.open(str(server.db), app_id=APP_ID)
    try:
        for first in range(0, number, PIECE):
            made = list(_rows(min(PIECE, number - first), first, number, now))
            async with store.database.writing() as connection:
                await connection.execute(sa.insert(records), [row for row, _ in made])
                await connection.execute(sa.insert(histories), [row for _, some in made for row in some])
    finally:
        await store.close()


def _call_id(number: int) -> str:
    """Spread like random ones, so that the index is as it would be."""
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"


def _rows(count: int, first: int, total: int, now: float) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Records evenly over the week up to `now`, oldest first, with their members' rows."""
    dice = random.Random(first)
    for number in range(first, first + count):
        started = now - WEEK + WEEK * number / total
        result, reason, _ = dice.choices(RESULTS, [weight for *_, weight in RESULTS])[0]
        names = [f"user-{dice.randrange(50_000)}" for _ in range(2)]
        record = Record(
            call_id=_call_id(number),
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
        key = {"app_id": APP_ID, "call_id": record.call_id, "started_at": started}
        document = msgspec.to_builtins(record)
        row = {**key, "merged_id": None, "ended_at": record.ended_at, "scene": 3, "result": result.value}
        members = [{**key, "user_id": name, "result": 3 - place} for place, name in enumerate(dict.fromkeys(names))]
        yield {**row, "document": document}, members


def _range(chance: random.Random, now: float) -> dict[str, object]:
    start = int(now - chance.uniform(3700, WEEK - 100))
    body: dict[str, object] = {"StartTime": start, "EndTime": start + 3600, "NumberPerPage": 100, "Page": 1}
    if chance.random() < 0.5:
        body["CallResult"] = chance.choice(RESULTS)[0].value
    return body


def _week(now: float, page: int) -> dict[str, object]:
    return {"StartTime": int(now - WEEK) + 1, "EndTime": int(now), "NumberPerPage": 100, "Page": page}


async def _ask(session: aiohttp.ClientSession, server: ServerProcess, path: str, body: dict[str, object]) -> float:
    """Milliseconds until the whole answer was there."""
    url = server.rest(path)
    begun = time.perf_counter()
    async with session.post(url, json=body) as response:
        answer = await response.json()
    taken = time.perf_counter() - begun
    if answer.get("ErrorCode") != 0:
        raise SystemExit(f"{path}: {answer}")
    await asyncio.sleep(0.006)  # under the documented 200 a second
    return 1000 * taken
