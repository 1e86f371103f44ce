"""Looking up records when there are a million of them, by REST, while calls go on."""

from __future__ import annotations

import asyncio
import random
import time

import aiohttp

from scripts.bench import records as bench_records
from scripts.bench.records import WEEK, call_id, fill
from signaling_server.store import Store

from .calls import make_calls, percentile
from .phone import Crowd
from .scenarios import Bench
from .server import APP_ID, ServerProcess

BY_ID = "/v4/call_record_http_srv/get_record_by_callid"
BY_FILTER = "/v4/call_record_http_srv/get_record_by_filter"
RESULTS = tuple(result.value for result, *_ in bench_records.RESULTS)


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
            ids = [{"CallId": call_id(chance.randrange(number))} for _ in range(queries)]
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
        await fill(store, number, now)
    finally:
        await store.close()


def _range(chance: random.Random, now: float) -> dict[str, object]:
    start = int(now - chance.uniform(3700, WEEK - 100))
    body: dict[str, object] = {"StartTime": start, "EndTime": start + 3600, "NumberPerPage": 100, "Page": 1}
    if chance.random() < 0.5:
        body["CallResult"] = chance.choice(RESULTS)
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
