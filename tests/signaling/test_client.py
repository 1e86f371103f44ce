"""The signaling client against every way in which a server can behave, over real WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pycall.core.errors import ErrorCode, LoginError, SignalingError
from pycall.core.types import CallId
from pycall.core.wire import Goodbye, Hangup, Login, Ping, Ringing, ServerMessage, Welcome
from pycall.signaling.client import SignalingClient
from pycall.signaling.connection import ServerAbsent
from tests.deaf import deaf_server
from tests.signaling.scripted import Talk, scripted


class Log:
    """What the client told, in order; `until` waits for it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.messages: list[ServerMessage] = []
        self._news: asyncio.Queue[str] = asyncio.Queue()

    def note(self, word: str) -> None:
        self.told.append(word)
        self._news.put_nowait(word)

    def heard(self, message: ServerMessage) -> None:
        self.messages.append(message)
        self.note(type(message).__name__.lower())

    async def until(self, word: str) -> None:
        while await asyncio.wait_for(self._news.get(), 10) != word:
            pass


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[tuple[SignalingClient, Log]]:
    log = Log()

    def welcomed(welcome: Welcome) -> None:
        log.note("welcome")

    client = SignalingClient(
        url,
        1400000000,
        on_welcome=welcomed,
        on_message=log.heard,
        on_lost=lambda: log.note("lost"),
        on_goodbye=lambda goodbye: log.note(f"goodbye {goodbye.code.value}"),
    )
    try:
        yield client, log
    finally:
        await client.close()


async def stay(talk: Talk) -> None:
    await talk.welcome()
    await talk.answer_pings()


async def test_the_first_frame_is_the_login_and_the_welcome_is_given_back() -> None:
    logins: list[Login] = []

    async def answer(talk: Talk) -> None:
        logins.append(await talk.welcome())
        assert "secret" not in str(talk.request.url)
        await talk.answer_pings()

    async with scripted(answer) as url, client_of(url) as (client, log):
        welcome = await client.login("alice", "secret-ticket")
        assert welcome.user_id == "alice"
        assert log.told == ["welcome"]
    assert (logins[0].user_id, logins[0].user_sig, logins[0].app_id) == ("alice", "secret-ticket", 1400000000)


async def test_a_refused_login_is_a_login_error_with_the_servers_code() -> None:
    async def answer(talk: Talk) -> None:
        await talk.hear()
        await talk.say(Goodbye(code=ErrorCode.SIG_EXPIRED, message="the ticket has expired"))

    async with scripted(answer) as url, client_of(url) as (client, log):
        with pytest.raises(LoginError, match="expired") as caught:
            await client.login("alice", "sig")
        assert caught.value.code is ErrorCode.SIG_EXPIRED
        assert not client.send(Ping(id=1))
        assert log.told == []


async def test_a_server_without_room_is_not_a_bad_ticket() -> None:
    async def answer(talk: Talk) -> None:
        await talk.hear()
        await talk.say(Goodbye(code=ErrorCode.TOO_MANY, message="too many users", retry=True))

    async with scripted(answer) as url, client_of(url) as (client, _):
        with pytest.raises(SignalingError) as caught:
            await client.login("alice", "sig")
        assert caught.value.code is ErrorCode.TOO_MANY


async def test_messages_arrive_in_order_and_unreadable_frames_are_dropped() -> None:
    async def answer(talk: Talk) -> None:
        await talk.welcome()
        await talk.socket.send_str('{"type":"nonsense"}')
        await talk.socket.send_bytes(b"\x00")
        for seq in range(3):
            await talk.say(Ringing(call_id="0" * 32, seq=seq, user_id="bob"))
        await talk.answer_pings()

    async with scripted(answer) as url, client_of(url) as (client, log):
        await client.login("alice", "sig")
        for _ in range(3):
            await log.until("ringing")
        assert [m.seq for m in log.messages if isinstance(m, Ringing)] == [0, 1, 2]


async def test_a_cut_connection_comes_back_with_the_same_device_and_the_call_it_was_in() -> None:
    logins: list[Login] = []

    async def first(talk: Talk) -> None:
        logins.append(await talk.welcome())
        await talk.hear()
        talk.cut()

    async def second(talk: Talk) -> None:
        logins.append(await talk.welcome())
        await talk.answer_pings()

    async with scripted(first, second) as url, client_of(url) as (client, log):
        await client.login("alice", "sig")
        client.call_id = CallId("a" * 32)
        client.send(Ping(id=1))
        await log.until("lost")
        assert not client.send(Ping(id=2))
        await log.until("welcome")
        assert client.send(Ping(id=3))
    assert logins[0].device_id == logins[1].device_id
    assert (logins[0].call_id, logins[1].call_id) == (None, "a" * 32)


async def test_a_server_that_restarts_is_found_again() -> None:
    async with client_of("ws://127.0.0.1:1/ws") as (client, log):
        async with scripted(stay) as url:
            client.url = url
            await client.login("alice", "sig")
        await log.until("lost")
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        async with scripted(stay, port=port):
            await log.until("welcome")
    assert log.told == ["welcome", "lost", "welcome"]


async def test_a_silent_server_is_dead_after_one_and_a_half_heartbeats() -> None:
    async def mute(talk: Talk) -> None:
        await talk.welcome(heartbeat=0.1)
        async for _ in talk.socket:
            pass

    async with scripted(mute, stay) as url, client_of(url) as (client, log):
        began = asyncio.get_running_loop().time()
        await client.login("alice", "sig")
        await log.until("lost")
        assert 0.15 <= asyncio.get_running_loop().time() - began < 3
        await log.until("welcome")


async def test_pings_keep_a_quiet_connection_alive() -> None:
    pings: list[int] = []
    enough = asyncio.Event()

    async def answer(talk: Talk) -> None:
        await talk.welcome(heartbeat=0.2)
        async for message in talk.socket:
            pings.append(len(message.data))
            await talk.say(Ringing(call_id="0" * 32, seq=1, user_id="bob"))
            if len(pings) == 5:
                enough.set()

    async with scripted(answer) as url, client_of(url) as (client, log):
        await client.login("alice", "sig")
        await asyncio.wait_for(enough.wait(), 5)
        assert "lost" not in log.told


async def test_a_kicked_client_never_comes_back_by_itself() -> None:
    connections = 0

    async def kick(talk: Talk) -> None:
        nonlocal connections
        connections += 1
        await talk.welcome()
        await talk.say(Goodbye(code=ErrorCode.KICKED, message="signed in elsewhere"))
        await talk.socket.close()

    async with scripted(kick) as url, client_of(url) as (client, log):
        await client.login("alice", "sig")
        await log.until("goodbye kicked")
        assert client._task is not None
        await asyncio.wait_for(client._task, 1)
        assert log.told == ["welcome", "goodbye kicked"]
        assert connections == 1


async def test_a_ticket_that_expires_while_away_ends_the_attempts() -> None:
    async def first(talk: Talk) -> None:
        await talk.welcome()
        talk.cut()

    async def second(talk: Talk) -> None:
        await talk.hear()
        await talk.say(Goodbye(code=ErrorCode.SIG_EXPIRED, message="expired"))

    async with scripted(first, second) as url, client_of(url) as (client, log):
        await client.login("alice", "sig")
        await log.until("goodbye sig_expired")
    assert log.told == ["welcome", "lost", "goodbye sig_expired"]


async def test_a_goodbye_with_retry_is_only_a_pause() -> None:
    async def restarting(talk: Talk) -> None:
        await talk.welcome()
        await talk.say(Goodbye(code=ErrorCode.STORAGE, message="going down", retry=True))
        await talk.socket.close()

    async with scripted(restarting, stay) as url, client_of(url) as (client, log):
        await client.login("alice", "sig")
        await log.until("lost")
        await log.until("welcome")


async def test_a_server_that_reads_nothing_is_given_up_and_memory_stays_bounded() -> None:
    async with scripted(stay) as url, client_of(url) as (client, log):
        await client.login("alice", "sig")
        sent = [client.send(Hangup(req_id=n, call_id="0" * 32)) for n in range(1000)]
        assert sent.count(True) <= 256
        assert not sent[-1]
        await log.until("lost")
        await log.until("welcome")


async def test_a_login_while_signed_in_renews_the_ticket_on_the_same_device() -> None:
    logins: list[Login] = []

    async def answer(talk: Talk) -> None:
        logins.append(await talk.welcome())
        await talk.answer_pings()

    async with scripted(answer) as url, client_of(url) as (client, log):
        await client.login("alice", "old")
        await client.login("alice", "new")
        assert log.told == ["welcome", "welcome"]
    assert [login.user_sig for login in logins] == ["old", "new"]
    assert logins[0].device_id == logins[1].device_id


async def refused(url: str) -> SignalingError:
    async with client_of(url) as (client, _):
        with pytest.raises(SignalingError) as caught:
            await client.login("alice", "sig")
    assert caught.value.code is ErrorCode.UNREACHABLE
    assert "\n" not in str(caught.value)
    return caught.value


async def test_no_server_says_how_to_start_one() -> None:
    assert "pycall serve --dev" in str(await refused("ws://127.0.0.1:1/ws"))


async def test_a_wrong_path_is_named_with_its_http_status() -> None:
    async with scripted(stay) as url:
        assert "HTTP 404" in str(await refused(url.replace("/ws", "/wrong")))


@pytest.mark.parametrize("url", ["nonsense", "ws://", "http://[::bad/ws", "ftp://127.0.0.1/ws"])
async def test_an_impossible_address_is_named(url: str) -> None:
    assert url in str(await refused(url))


async def test_tls_to_a_plain_server_is_one_clear_line() -> None:
    async with scripted(stay) as url:
        assert "ws://" in str(await refused(url.replace("ws://", "wss://")))


async def test_no_tls_to_a_server_that_wants_it_is_one_clear_line() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()  # as a TLS server does when something else is said

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "wss://" in str(await refused(f"ws://127.0.0.1:{port}/ws"))


async def test_nobody_who_listens_is_told_apart_from_a_server_without_room() -> None:
    assert isinstance(await refused("ws://127.0.0.1:1/ws"), ServerAbsent)
    async with scripted(stay) as url:
        assert not isinstance(await refused(url.replace("/ws", "/wrong")), ServerAbsent)


async def test_a_server_that_speaks_something_else_is_named() -> None:
    async def chat(talk: Talk) -> None:
        await talk.socket.send_str("hello!")

    async with scripted(chat) as url:
        assert "no pycall server" in str(await refused(url))


async def test_a_server_that_only_takes_the_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pycall.signaling.connection.CONNECT_SECONDS", 0.2)
    async with deaf_server(2) as port:
        assert "does not answer" in str(await refused(f"ws://127.0.0.1:{port}/ws"))


async def test_nothing_runs_after_close() -> None:
    before = asyncio.all_tasks()
    async with scripted(stay) as url:
        async with client_of(url) as (client, _):
            await client.login("alice", "sig")
        names = {task.get_name() for task in asyncio.all_tasks() - before}
        assert not any(name.startswith("signaling") for name in names)
