"""What becomes of a callback: delivered, tried again, paused, given up, sent again; by what the target answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pycall.core.webhook import webhook_secret
from signaling_server import courier as courier_module
from signaling_server.callbacks import Callbacks, Generation
from signaling_server.courier import Courier, Sender, delay_after
from signaling_server.outbox import DeadLetter, Outbox
from signaling_server.post import MAX_PAUSE, Post, judged
from signaling_server.store import Store
from tests.server.raw import LeapingClock
from tests.server.target import Target, status
from tests.server.test_callbacks import row

V1 = Generation.V1
SECRET = webhook_secret("a key of 32 bytes, as it should be", 1)


class Office:
    """One app with its courier at work, and a target."""

    def __init__(
        self, store: Store, target: Target, post: Post, app_id: int = 1, later: tuple[float, ...] = ()
    ) -> None:
        own = store.for_app(app_id)
        self.store, self.target, self.clock, self.app_id = own, target, LeapingClock(), app_id
        self.callbacks, self.outbox = Callbacks(own, allow_private=True), Outbox(own)
        self.courier = Courier(
            Sender(
                app_id=app_id,
                secrets=[SECRET],
                callbacks=self.callbacks,
                outbox=self.outbox,
                post=post,
                clock=self.clock,
                later=later,
            )
        )
        self.outbox.wake = self.courier.wake
        self.working: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """As a server's stop does."""
        assert self.working is not None
        self.working.cancel()
        await asyncio.gather(self.working, return_exceptions=True)

    async def add(self, *numbers: int, command: str = "cancel") -> None:
        now = self.clock.now()
        rows = [row(number, self.app_id, command=command, due_at=now, created_at=now) for number in numbers]
        await self.store.save([], [], rows, now=now)
        self.courier.wake(len(rows))

    async def until_empty(self) -> None:
        waiting = 1
        async with asyncio.timeout(8):
            while waiting:
                waiting = await self.outbox.waiting()

    async def buried(self, count: int) -> list[DeadLetter]:
        """So many dead letters, newest first, as soon as they are."""
        total: int = 0
        async with asyncio.timeout(8):
            while total < count:
                total, letters = await self.outbox.dead_letters()
        return letters

    async def waits(self) -> list[tuple[int, float, str]]:
        """Attempts, seconds until the next, and the last error, of what waits and has been tried."""
        async with self.store.database.reading() as connection:
            query = "SELECT attempts, due_at, error FROM outbox WHERE died_at IS NULL AND attempts > 0 ORDER BY id"
            now = self.clock.now()
            return [(a, due - now, error) for a, due, error in (await connection.exec_driver_sql(query)).all()]

    async def tried(self) -> tuple[int, float, str]:
        """The first that was tried and waits again."""
        found: list[tuple[int, float, str]] = []
        async with asyncio.timeout(8):
            while not found:
                found = await self.waits()
        return found[0]


OpenOffice = Callable[..., Awaitable[Office]]


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    it = Target()
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def open_office(tmp_path: Path, target: Target) -> AsyncIterator[OpenOffice]:
    store = await Store.open(str(tmp_path / "b.db"), app_id=1)
    post = Post(allow_private=True)
    running: list[asyncio.Task[None]] = []

    async def start(*, again: bool = False, **settings: Any) -> Office:
        """`again`: with what the one before has left in the database."""
        office = Office(store, target, post, **settings)
        if again:
            await office.callbacks.load()
        else:
            await office.callbacks.set(V1, target.url, ["cancel", "reject"])
        office.working = asyncio.create_task(office.courier.run())
        running.append(office.working)
        return office

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await post.close()
    await store.close()


@pytest.fixture
async def office(open_office: OpenOffice) -> Office:
    return await open_office()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "FAST_RETRIES", (0.0, 0.0))


async def test_delivered_once_each_and_gone(office: Office, target: Target) -> None:
    await office.add(*range(30))
    await office.until_empty()
    assert sorted(letter.id for letter in target.letters) == sorted(f"e{number}" for number in range(30))
    assert office.outbox.length == 0 and (await office.outbox.dead_letters())[0] == 0


async def test_gone_stops_everything_until_it_is_set_again(office: Office, target: Target) -> None:
    target.answer = status(410)
    await office.add(1)
    [letter] = await office.buried(1)
    assert "410" in letter.error and letter.attempts == 1
    found = office.callbacks.get(V1)
    assert found is not None and "410" in found.disabled and not office.callbacks.wants(V1, "cancel")
    target.answer = None
    await office.callbacks.set(V1, target.url, ["cancel"])
    assert await office.outbox.resend([letter.id], office.clock.now()) == [letter.id]
    await office.until_empty()
    assert [one.id for one in target.letters] == ["e1", "e1"]


async def test_five_days_of_failures_stop_everything(office: Office, target: Target, no_waiting: None) -> None:
    clock = office.clock
    target.answer = status(500)
    await office.add(1)
    await office.buried(1)
    clock.ahead = 5 * 86400 - 60
    target.answer = None
    await office.add(2)
    await office.until_empty()
    target.answer = status(500)
    await office.add(3)
    await office.buried(2)
    clock.ahead += 4 * 86400
    await office.add(4)
    await office.buried(3)
    assert office.callbacks.wants(V1, "cancel")  # one got through in between
    clock.ahead += 86400
    await office.add(5)
    newest = (await office.buried(4))[0]
    assert "5 days" in newest.error and "500" in newest.error
    found = office.callbacks.get(V1)
    assert found is not None and "5 days" in found.disabled and not office.callbacks.wants(V1, "cancel")


async def failing_twice(open_office: OpenOffice, target: Target, *, apart: float) -> Office:
    """Two callbacks were refused, so many seconds apart, and the target goes on refusing."""
    target.answer = status(500)
    office = await open_office()
    await office.add(1)
    await office.buried(1)
    office.clock.ahead = apart
    await office.add(2)
    await office.buried(2)
    return office


async def test_five_days_of_failures_are_five_days_with_restarts_in_between(
    open_office: OpenOffice, target: Target, no_waiting: None
) -> None:
    office = await failing_twice(open_office, target, apart=61)
    tag = next(one.tag for one in [office.callbacks.get(V1)] if one is not None)
    for day in range(1, 6):
        await office.close()
        office = await open_office(again=True)
        office.clock.ahead = day * 86400
        assert office.callbacks.wants(V1, "cancel")
        found = office.callbacks.get(V1)
        assert found is not None and found.tag == tag, "nobody has changed it"
        await office.add(10 + day)
        newest = (await office.buried(2 + day))[0]
    assert "5 days" in newest.error and not office.callbacks.wants(V1, "cancel")


@pytest.mark.parametrize("when", ["before the restart", "after the restart"])
async def test_one_callback_that_is_taken_ends_the_failures_for_good(
    open_office: OpenOffice, target: Target, no_waiting: None, when: str
) -> None:
    office = await failing_twice(open_office, target, apart=3600)
    if when == "after the restart":
        await office.close()
        office = await open_office(again=True)
    target.answer = None
    await office.add(3)
    await office.until_empty()
    await office.close()
    office = await open_office(again=True)
    office.clock.ahead = 6 * 86400
    target.answer = status(500)
    await office.add(4)
    assert "5 days" not in (await office.buried(3))[0].error
    assert office.callbacks.wants(V1, "cancel")


async def test_a_redirect_is_not_followed(office: Office, target: Target) -> None:
    elsewhere = Target()
    await elsewhere.start()
    target.answer = status(307, Location=elsewhere.url)
    await office.add(1)
    assert "not followed" in (await office.tried())[2]
    assert elsewhere.letters == []
    await elsewhere.stop()


@pytest.mark.parametrize("body", [{"ErrorCode": 5}, {"ErrorCode": "5"}, {"ActionStatus": "FAIL"}])
async def test_a_documented_refusal_is_tried_again(office: Office, target: Target, body: dict[str, Any]) -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        target.answer = None
        return web.json_response(body)

    target.answer = refuse
    await office.add(1)
    await office.until_empty()
    assert [letter.id for letter in target.letters] == ["e1", "e1"]


@pytest.mark.usefixtures("no_waiting")
async def test_given_up_after_the_last_retry_and_sent_again_by_hand(open_office: OpenOffice, target: Target) -> None:
    office = await open_office(later=(0.01,))
    target.answer = status(500)
    await office.add(1)
    [letter] = await office.buried(1)
    assert (letter.attempts, letter.error, len(target.letters)) == (4, "HTTP 500", 4)
    target.answer = None
    await office.outbox.resend([letter.id], office.clock.now())
    await office.until_empty()
    assert {one.id for one in target.letters} == {"e1"} and (await office.outbox.dead_letters())[0] == 0


async def test_retry_after_holds_the_whole_target(office: Office, target: Target) -> None:
    target.answer = status(503, **{"Retry-After": "120"})
    await office.add(1)
    attempts, seconds, error = await office.tried()
    assert attempts == 1 and 110 < seconds <= 120 and error == "HTTP 503"
    await office.add(2)
    target.answer = None
    await office.add(3, command="interrupt")
    assert len(target.letters) == 1 and await office.outbox.waiting() == 3


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [("7", 7.0), ("999999", MAX_PAUSE), ("soon", 0.0), (None, 0.0), ("-5", 0.0), ("9" * 5000, 0.0),
     ("Thu, 01 Jan 1970 00:17:40 GMT", 60.0)],
)  # fmt: skip
def test_retry_after(retry_after: str | None, pause: float) -> None:
    assert judged(429, retry_after, b"", 1000.0).pause == pause


@pytest.mark.parametrize(
    ("code", "reply", "delivered"),
    [(200, b"", True), (204, b"", True), (200, b"thanks", True), (200, b'{"ErrorCode":0}', True),
     (200, b'{"ErrorCode":', True), (200, b"[1]", True), (200, b"\xff\xfe", True), (299, b"{}", True),
     (199, b"", False), (304, b"", False), (404, b'{"ErrorCode":0}', False), (500, b"", False)],
)  # fmt: skip
def test_what_counts_as_delivered(code: int, reply: bytes, delivered: bool) -> None:
    assert judged(code, None, reply, 0.0).delivered is delivered


async def test_an_endless_answer_is_not_read_to_its_end(office: Office, target: Target) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 4096)
        return response

    target.answer = endless
    await office.add(1)
    await office.until_empty()
    assert len(target.letters) == 1


@pytest.mark.parametrize(
    "said",
    [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000,
     b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
     b"HTTP/1.1 302 Found\r\nLocation: http://x:y/\r\n\r\n", b"HTTP/1.1 500 mine\r\n\r\n", b""],
    ids=lambda said: said[:40],
)  # fmt: skip
async def test_a_token_in_the_address_is_never_in_an_error(office: Office, said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await office.callbacks.set(V1, f"http://127.0.0.1:{port}/x?t=mine", ["cancel"])
        await office.add(1)
        error = (await office.tried())[2]
    assert error and "mine" not in error and "sdkappid" not in error, error


async def test_an_answer_that_does_not_come(office: Office, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    target.answer = never
    monkeypatch.setattr("signaling_server.post.TOTAL_SECONDS", 0.2)
    quick = Post(allow_private=True)
    monkeypatch.setattr(office.courier._lanes[0]._sender.post, "send", quick.send)
    await office.add(1)
    assert (await office.tried())[2] == "no answer in time"
    await quick.close()


async def test_what_waits_goes_where_the_target_is_now_or_nowhere(office: Office, target: Target) -> None:
    moved = Target()
    await moved.start()
    await target.stop()
    await office.add(1)
    assert "ClientConnectorError" in (await office.tried())[2]
    await office.callbacks.set(V1, moved.url, ["cancel"])
    await office.add(2, command="reject")
    await office.until_empty()
    assert [letter.id for letter in moved.letters] == ["e1"]
    await moved.stop()
    await office.add(3)
    await office.tried()
    await office.callbacks.delete(V1)
    await office.until_empty()


async def test_a_dead_target_is_asked_rarely_and_loses_nothing(
    office: Office, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "IN_DOUBT", 8)
    monkeypatch.setattr(courier_module, "MAX_PROBE_PAUSE", 0.2)
    target.answer = status(500)
    await office.add(*range(200))
    at = [letter.at for letter in (await target.until(18))[12:]]  # 8 and those that were on their way
    assert all(after - before >= 0.19 for before, after in zip(at, at[1:], strict=False))
    target.answer = None
    await target.until(200, seconds=20)
    await office.until_empty()
    assert {letter.id for letter in target.letters} == {f"e{number}" for number in range(200)}


async def test_apps_do_not_wait_for_each_other(open_office: OpenOffice, target: Target) -> None:
    first, second = await open_office(), await open_office(app_id=2)
    stuck = Target()
    await stuck.start()
    release = asyncio.Event()

    async def hang(_request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    stuck.answer = hang
    await first.callbacks.set(V1, stuck.url, ["cancel"])
    await first.add(*range(20))
    await stuck.until(5)
    await second.add(50)
    assert (await target.until(1))[0].query["sdkappid"] == "2"
    assert len(stuck.letters) == 5
    release.set()
    await first.until_empty()
    await stuck.stop()


async def test_proxies_of_the_environment_are_not_used(
    open_office: OpenOffice, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    office = await open_office()
    await office.add(1)
    await target.until(1)


def test_the_schedule() -> None:
    fast = [delay_after(attempts, (30.0, 60.0)) for attempts in range(6)]
    assert fast == [0.0, 1.0, 1.0, 2.0, 3.0, 5.0]
    later = [delay_after(attempts, (30.0, 60.0)) for attempts in (6, 7)]
    assert later[0] is not None and 24 <= later[0] <= 36 and later[1] is not None and 48 <= later[1] <= 72
    assert delay_after(8, (30.0, 60.0)) is None
