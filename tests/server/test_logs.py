"""The log: lines for people or programs, who and which call they are about, and no secret."""

from __future__ import annotations

import ast
import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pycall.core import wire
from signaling_server.logs import FIELDS, log_about, set_up_logs
from signaling_server.settings import Settings
from tests.server.raw import APP_ID, Room, talking, ticket
from tests.server.raw import KEY as ROOM_KEY

KEY = "d0e1f2a3b4c5968778695a4b3c2d1e0f"
logger = logging.getLogger("signaling_server.test")


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def set_up(**settings: str) -> None:
    set_up_logs(Settings(secret_keys=(KEY,), **settings))  # type: ignore[arg-type]


async def test_json_lines(capfd: pytest.CaptureFixture[str]) -> None:
    set_up(log_format="json", log="debug")

    async def session(user_id: str) -> None:
        log_about(user_id=user_id, session=7)
        await asyncio.sleep(0)
        logger.info("call %s", 'begins "now"\nand here', extra={"call_id": "c1"})

    await asyncio.gather(asyncio.create_task(session("alice")), asyncio.create_task(session("bob")))
    logger.debug("of nobody")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line.get("user_id") for line in lines] == ["alice", "bob", None]
    assert lines[0]["message"] == 'call begins "now"\nand here'
    assert (lines[0]["call_id"], lines[0]["session"], lines[0]["level"]) == ("c1", 7, "info")
    assert lines[0]["time"].endswith("+00:00") and lines[2]["logger"] == "signaling_server.test"


def test_lines_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    set_up()
    logger.info("hung up\r\nINFO forged", extra={"call_id": "c1", "user_id": "bob"})
    logger.debug("left out")
    [line] = capfd.readouterr().err.splitlines()
    assert line.endswith(r"INFO hung up\r\nINFO forged user_id=bob call_id=c1")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_comes_through(capfd: pytest.CaptureFixture[str], log_format: str) -> None:
    set_up(log_format=log_format)
    logger.info("got %s of /v1/x?usersig=eJwAbc*_&random=1 and token: hush", KEY)
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError:
        logger.exception("failed")
    told = capfd.readouterr().err
    assert "Traceback" in told and "***" in told and "random=1" in told
    for secret in [KEY, "eJwAbc", "hush"]:
        assert secret not in told


def test_every_field_that_is_given_is_one_that_is_shown() -> None:
    given = set()
    for path in (Path(__file__).parents[2] / "signaling_server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
                given |= {ast.literal_eval(key) for key in node.value.keys if key is not None}
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "log_about":
                given |= {keyword.arg for keyword in node.keywords}
    assert {"user_id", "call_id", "session"} <= given <= set(FIELDS)


@pytest.mark.parametrize(("log", "told"), [("info", 1), ("warning", 0)])
@pytest.mark.parametrize(
    "said",
    [b"GET /" + b"mine" * 3000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"mine" * 3000 + b"\r\n\r\n",
     b"GET / HTTP/1.1\r\nmine: mine\r\n\r\n".replace(b"e:", b"e\x01:"), b"GET / mine/9\r\n\r\n"],
    ids=lambda said: said[:30],
)  # fmt: skip
async def test_what_is_no_http_is_one_line_without_its_words(
    room: Room, capfd: pytest.CaptureFixture[str], said: bytes, log: str, told: int
) -> None:
    set_up(log=log)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(room.url).port)
    writer.write(said)
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == told and all("INFO somebody who speaks no HTTP" in line for line in lines), lines
    assert not [line for line in lines if "mine" in line]


async def test_what_happens_in_a_call_is_told_with_its_ids(room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    set_up(log_format="json", log="debug")
    alice, bob, call_id = await talking(room)
    assert (await alice.ask(wire.Hangup, call_id=call_id)).ok
    await bob.hear(wire.Ended)
    told = capfd.readouterr().err
    lines = [json.loads(line) for line in told.splitlines()]
    mine = [line for line in lines if line.get("call_id") == call_id]
    assert [(line["message"], line["user_id"]) for line in mine] == [
        ("call started", "alice"),
        ("call received", "bob"),
        ("call accepted", "bob"),
        ("call left", "alice"),
        ("call ended", "alice"),
    ]
    assert mine[-1]["reason"] == "hangup" and {line["app_id"] for line in mine} == {APP_ID}
    for secret in [ROOM_KEY, KEY, ticket("alice")[:20]]:
        assert secret not in told
