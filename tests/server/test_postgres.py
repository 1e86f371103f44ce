"""The same server on PostgreSQL: everything is stored and found, one server holds it, a lost connection comes back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from aiohttp.test_utils import make_mocked_request

from pycall.core import wire
from pycall.core.errors import ConfigError
from pycall.core.records import RecordResult
from pycall.core.types import EndReason
from signaling_server.callbacks import Callbacks, Generation
from signaling_server.health import Health
from signaling_server.outbox import Failed, Outbox
from signaling_server.record_rows import CallResult
from signaling_server.records import OwnFilter, RecordFilter, Records
from signaling_server.store import Store, StoreError
from tests.deaf import deaf_server
from tests.postgres import Postgres
from tests.server.raw import APP_ID, Room, talking
from tests.server.test_callbacks import row
from tests.server.test_migrations import BEFORE, stored
from tests.server.test_store import CALL, changed

pytestmark = pytest.mark.postgres
OpenRoom = Callable[..., Awaitable[Room]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    it = Postgres()
    yield it
    it.stop()


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url, app_id=1)
    yield opened
    await opened.close()


async def test_what_was_saved_is_read_back_exactly(url: str) -> None:
    store = await Store.open(url, app_id=1)
    await store.save([CALL], ["alice", "bob"], now=1000.0)
    await store.save([changed(seq=4)], ["alice", "carol"], now=1001.0)
    await store.close()
    store = await Store.open(url, app_id=1)
    assert await store.live_calls() == [changed(seq=4)]
    assert sorted(await store.known_users()) == ["alice", "bob", "carol"]
    assert await store.for_app(2).live_calls() == []
    await store.check()
    await store.close()


async def test_a_save_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.save([CALL, changed(call_id="ef" * 16, created_at=None)], ["carol"], now=1.0)
    assert await store.live_calls() == [] and await store.known_users() == []


async def test_records_callbacks_and_outbox(store: Store) -> None:
    ended = stored(1, ended_at=9.0, reason=EndReason.HANGUP, ended_by="bob", merged_id="a" * 32)
    await store.save([ended], ["alice"], [row(1), row(2)], now=9.0)
    held, mine, callbacks = Records(store), Outbox(store), Callbacks(store)
    found = await held.by_id("a" * 32)
    assert found is not None and found.result is CallResult.NORMAL_END
    assert await held.by_filter(RecordFilter(since=0.0, until=2.0, single=True)) == (1, [found])
    assert await held.recent("bob", OwnFilter()) == [(found, RecordResult.INCOMING)]
    assert await held.forget("bob", [found.call_id, "x"]) == [found.call_id]
    parcels, _ = await mine.due(Generation.V1, 50.0, but=(), at_most=10)
    await mine.settle([parcels[0].id], [Failed(id=parcels[1].id, attempts=9, due_at=0.0, error="x", died_at=60.0)])
    assert (await mine.dead_letters())[0] == 1
    assert await mine.resend([parcels[1].id], 70.0) == [parcels[1].id]
    await callbacks.set(Generation.V4, "https://example.com/", ["Call.CallbackAfterEndCall"])
    await callbacks.delete(Generation.V4)


async def test_a_second_server_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling_server.database.TAKE_SECONDS", 0.3)
    store = await Store.open(url, app_id=1)
    with pytest.raises(ConfigError, match="another server is using this database"):
        await Store.open(url, app_id=2)
    await store.close()
    await (await Store.open(url, app_id=2)).close()


async def test_a_server_that_lost_its_database_to_another_writes_nothing_more(store: Store, postgres: Postgres) -> None:
    url = str(store.database._writer.url)
    postgres.cut(url)
    other = await Store.open(url, app_id=1)
    for _ in range(2):
        with pytest.raises(StoreError):
            await store.save([CALL], [], now=1.0)
    with pytest.raises(StoreError, match="another server is using this database"):
        await store.check()
    assert await other.live_calls() == []
    await other.close()
    await store.save([CALL], [], now=1.0)


async def test_a_database_that_is_frozen_makes_the_health_red(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signaling_server.health.PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("signaling_server.health.ASK_SECONDS", 0.0)
    store = await Store.open(url, app_id=1)
    health = Health(store, asyncio.Event())
    request = make_mocked_request("GET", "/healthz")
    assert (await health.handle(request)).status == 200
    with postgres.frozen():
        for _ in range(2):
            answer = await health.handle(request)
            assert answer.status == 503 and "has not answered" in str(answer.text)
    async with asyncio.timeout(8):
        while (await health.handle(request)).status != 200:
            continue
    await health.close()
    await store.close()


async def test_neither_end_waits_for_a_machine_that_is_gone_as_long_as_the_kernel_would(store: Store) -> None:
    for engine in (store.database._writer, store.database._reader):
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            there = raw.driver_connection._transport.get_extra_info("socket")  # type: ignore[union-attr]
            assert there.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
            said = await connection.exec_driver_sql("SELECT current_setting('tcp_keepalives_idle')")
            assert said.scalar() == "10"


async def test_an_old_database_is_brought_up(url: str, postgres: Postgres) -> None:
    postgres.sql(BEFORE.replace("DOUBLE", "DOUBLE PRECISION"), url.rpartition("/")[2])
    with pytest.raises(ConfigError, match="--migrate"):
        await Store.open(url, app_id=1)
    store = await Store.open(url, app_id=1, migrate=True)
    assert await store.known_users() == ["alice"]
    await store.save([stored(1, ended_at=9.0, reason=EndReason.HANGUP)], [], [row(1)], now=1.0)
    await store.close()
    assert postgres.sql("SELECT hour, result, calls FROM totals", url.rpartition("/")[2]) == "0|NormalEnd|1\n"


async def test_calls_on_postgres(url: str, open_room: OpenRoom, postgres: Postgres) -> None:
    room = await open_room(db=url)
    alice, bob, call_id = await talking(room)
    postgres.cut(url)
    codes = []
    async with asyncio.timeout(10):
        while not codes or codes[-1] is not None:  # refused while the connection is lost, never half done
            codes.append((await alice.ask(wire.SetMedia, call_id=call_id, audio=False, video=False)).code)
    assert len(codes) <= 3
    assert (await bob.hear(wire.MediaSet)).user_id == "alice"
    await alice.ask(wire.Hangup, call_id=call_id)
    assert (await bob.hear(wire.Ended)).call_id == call_id
    name = url.rpartition("/")[2]
    counted = postgres.sql(f"SELECT count(*) FROM records WHERE app_id = {APP_ID} AND call_id = '{call_id}'", name)
    assert counted.strip() == "1"


def wrong_urls(port: int) -> dict[str, str]:
    return {
        f"postgresql://pycall@127.0.0.1:{port}/nothing": "create it",
        f"postgresql://nobody:se-cret@127.0.0.1:{port}/postgres": "check the user and the password",
        "postgresql://pycall:se-cret@127.0.0.1:1/calls": "look whether PostgreSQL runs there",
        "postgresql://pycall:se-cret@nowhere.invalid/calls": "look whether PostgreSQL runs there",
    }


@pytest.mark.parametrize("which", range(4), ids=["no such database", "no such user", "down", "no such host"])
async def test_a_database_that_is_not_there(which: int, postgres: Postgres) -> None:
    url, advice = list(wrong_urls(postgres.port).items())[which]
    with pytest.raises(StoreError) as caught:
        await Store.open(url, app_id=1)
    told = str(caught.value)
    assert "the database" in told and advice in told and "\n" not in told and "se-cret" not in told


async def test_a_database_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling_server.database.CONNECT_SECONDS", 0.2)
    async with deaf_server() as port:
        with pytest.raises(StoreError, match="does not answer; look whether PostgreSQL runs there"):
            await Store.open(f"postgresql://pycall@127.0.0.1:{port}/calls", app_id=1)
