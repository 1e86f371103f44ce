"""A server that is told to stop: everybody is sent away to come back, nothing that was handed in is lost, soon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from pycall.core import wire
from signaling_server.app import serve
from signaling_server.callback_rules import CallbackRules
from signaling_server.settings import Settings
from tests.server.raw import APP_ID, KEY, room_of, talking
from tests.server.target import Target
from tests.server.test_admin import told
from tests.server.test_metrics import metrics
from tests.switchroom import SwitchroomProcess

STOP_SECONDS = 8.0
"""On a busy machine; on a quiet one it is done within 3."""


@pytest_asyncio.fixture
async def target() -> AsyncIterator[Target]:
    it = Target()
    await it.start()
    yield it
    await it.stop()


def settings(folder: Path) -> Settings:
    rules = CallbackRules(allow_private=True)
    return Settings(secret_keys=(KEY,), app_id=APP_ID, port=0, db=str(folder / "calls.db"), callbacks=rules)


async def test_the_outbox_is_kept_and_delivered_by_the_next_server(tmp_path: Path, target: Target) -> None:
    """Its target takes connections and never answers; nobody waits for it."""
    silent = asyncio.Event()

    async def never(_request: web.Request) -> web.StreamResponse:
        await silent.wait()
        raise web.HTTPServiceUnavailable

    target.answer = never
    async with asyncio.timeout(STOP_SECONDS + 10):
        async with serve(settings(tmp_path)) as server, room_of(server.url) as room:
            await told(room, "callbacks/set", {"generation": 4, "url": target.url})
            alice, bob, call_id = await talking(room)
            assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
            await target.until(1)
            assert (await metrics(room))["pycall_outbox_waiting"] == 4
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < STOP_SECONDS
    with sqlite3.connect(tmp_path / "calls.db") as connection:
        kept = {row[0] for row in connection.execute("SELECT event_id FROM outbox")}
    connection.close()
    assert len(kept) == 4  # begin, answer, hang-up, end
    target.answer, before = None, len(target.letters)
    silent.set()
    async with serve(settings(tmp_path)):
        letters = (await target.until(before + 4))[before:]
    assert {letter.id for letter in letters} == kept


async def test_everybody_is_sent_away_to_come_back(tmp_path: Path) -> None:
    process = SwitchroomProcess(tmp_path)
    await process.start()
    async with room_of(process.url, process.ticket) as room:
        alice, bob, call_id = await talking(room)
        silent = await room.open()
        stopping = asyncio.create_task(process.stop())
        for raw in [alice, bob, silent]:
            goodbye = await raw.hear(wire.Goodbye)
            assert goodbye.retry and await raw.close_code() == 1012
        assert await asyncio.wait_for(stopping, STOP_SECONDS) == 0
        await process.start()
        again = await room.open(process.url)
        welcome = await again.login("alice", call_id=call_id)
        assert welcome.call is not None and welcome.call.call_id == call_id
    assert await process.stop() == 0


async def test_a_client_that_does_not_go_holds_nobody_up(tmp_path: Path) -> None:
    process = SwitchroomProcess(tmp_path)
    await process.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(process.url.split(":")[2].split("/")[0]))
    writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.write(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n")
    assert b"101" in await reader.readline()
    try:
        assert await asyncio.wait_for(process.stop(), STOP_SECONDS) == 0
    finally:
        writer.close()


@pytest.mark.parametrize("command", [["pycall", "serve"], ["signaling_server"]], ids=["pycall", "alone"])
@pytest.mark.parametrize("running", [True, False], ids=["running", "starting"])
def test_ctrl_c_that_is_held_down_breaks_nothing_off(command: list[str], running: bool, tmp_path: Path) -> None:
    arguments = ["--port", "0", "--db", str(tmp_path / "calls.db")]
    process = subprocess.Popen(
        [sys.executable, "-m", *command, *arguments],
        env={**os.environ, "PYCALL_SECRET_KEY": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        if running:
            assert "listening on" in process.stderr.readline()
        else:
            while not (tmp_path / "calls.db.lock").exists():
                assert process.poll() is None, "it never began"
                time.sleep(0.001)
        until = time.monotonic() + STOP_SECONDS
        while process.poll() is None and time.monotonic() < until:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        rest = process.stderr.read()
        assert (process.poll(), "Traceback" in rest) == (0, False)
        assert not running or (rest.count("stopping"), rest.count("stopped")) == (1, 1)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_signals_are_those_of_the_unit() -> None:
    """`SIGTERM` is what systemd, docker and the tests above send."""
    unit = (Path(__file__).parents[2] / "scripts" / "deploy" / "pycall.service").read_text()
    assert f"KillSignal={signal.SIGTERM.name}" in unit
