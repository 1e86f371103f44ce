"""The REST interface held against its own document: by schemathesis, and with every wrong ticket on every path."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from schemathesis.checks import CHECKS, load_all_checks

from pycall.core import wire
from pycall.core.usersig import make_user_sig
from signaling_server.apps import App
from signaling_server.limits import Limits
from tests.server.office import ask, base_of
from tests.server.raw import APP_ID, Room, new_call_id, ticket

OpenRoom = Callable[..., Awaitable[Room]]
NOW = int(time.time())
OTHER_APP, OTHER_KEY = 1400000001, secrets.token_hex(32)
EAGER = Limits(rest_rate=1000, failures=100_000, heartbeat=600.0)
"""Its clients say nothing for as long as the examples take."""
CONFIG = """
[parameters]
"query.sdkappid" = {app}
"query.identifier" = "administrator"
"query.usersig" = "{sig}"
"body.CallId" = {{ dictionary = "calls", probability = 0.8 }}
"body.callId" = {{ dictionary = "calls", probability = 0.8 }}

[dictionaries.calls]
values = {calls}

[checks]
{checks}

# Generation v1 answers 200 whatever happens, so a status says nothing there.
[[operations]]
include-tag = "v1"
checks.ignored_auth.enabled = false
checks.negative_data_rejection.enabled = false
"""


async def document_of(room: Room) -> dict[str, Any]:
    async with room.session.get(base_of(room) + "/openapi.json") as response:
        assert response.content_type == "application/json"
        return dict(json.loads(await response.text()))


async def some_call(room: Room, number: int) -> str:
    """Its id; every second one is over."""
    caller, callee = await room.user(f"caller{number}"), await room.user(f"callee{number}")
    call_id = await caller.invite(f"callee{number}", timeout=600)
    await callee.hear(wire.Invited)
    if number % 2:
        assert (await callee.ask(wire.Reject, call_id=call_id)).ok
    return call_id


@pytest.mark.timeout(120)
async def test_whatever_the_document_allows_or_forbids(open_room: OpenRoom, tmp_path: Path) -> None:
    """All checks: no 5xx, no answer outside the schema, no way in without a ticket, nothing bad taken for good."""
    room = await open_room(limits=EAGER)
    config = tmp_path / "schemathesis.toml"
    load_all_checks()
    calls = json.dumps([await some_call(room, number) for number in range(12)])
    checks = "\n".join(f"{name}.enabled = true" for name in CHECKS.get_all_names())
    config.write_text(CONFIG.format(app=APP_ID, sig=ticket("administrator"), checks=checks, calls=calls))
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"],
        *["--config-file", str(config), "run", base_of(room) + "/openapi.json", "--no-color"],
        *["--max-examples", "25", "--generation-deterministic"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    assert b"test cases" in told.lower() and b"404 Not Found, preventing" not in told, told.decode()
    await room.user("alice")


def wrong_tickets() -> list[dict[str, Any]]:
    """Everything that is not an administrator's own good ticket."""
    others = make_user_sig(OTHER_APP, OTHER_KEY, "administrator", now=NOW)
    return [
        {"usersig": ""},
        {"usersig": "junk"},
        {"usersig": others},
        {"usersig": ticket("alice")},
        {"identifier": "alice"},
        {"identifier": "administrator", "usersig": ticket("administrator", now=NOW - 100, expire=99)},
        {"usersig": ticket("administrator", secret_key=OTHER_KEY)},
        {"sdkappid": OTHER_APP},
        {
            "sdkappid": OTHER_APP,
            "identifier": "alice",
            "usersig": make_user_sig(OTHER_APP, OTHER_KEY, "alice", now=NOW),
        },
    ]


async def test_no_path_has_a_way_in_without_an_administrators_own_ticket(open_room: OpenRoom) -> None:
    room = await open_room(limits=EAGER, more_apps=(App(app_id=OTHER_APP, secret_keys=(OTHER_KEY,)),))
    paths = (await document_of(room))["paths"]
    assert len(paths) >= 11
    bodies = [{}, {"CallId": new_call_id(), "callId": new_call_id(), "Url": "https://example.com", "IdList": [1]}]
    for path in paths:
        for wrong in wrong_tickets():
            for body in bodies:
                status, answer = await ask(room, path, body, **wrong)
                code = answer.get("ErrorCode", answer.get("errorCode"))
                assert status == 200 if path.startswith("/v1/") else status in {401, 403}, (path, wrong)
                assert code in {70002, 70003, 70004, 60004, 60005, 60006, 60010}, (path, wrong, answer)


async def test_the_document_says_what_the_code_does(room: Room) -> None:
    from signaling_server.app import GENERATIONS

    document = await document_of(room)
    operations = {op.path: (one, op) for one in GENERATIONS for op in one.operations}
    assert set(document["paths"]) == set(operations)
    for path, methods in document["paths"].items():
        assert list(methods) == ["post"]
        told = methods["post"]
        generation, operation = operations[path]
        assert told["summary"] and str(operation.rate) in told["description"]
        assert set(told["responses"]) == {"200", *map(str, generation.statuses(operation))}
        names = {parameter["name"] for parameter in told["parameters"]}
        assert names == {"sdkappid", "identifier", "random", "contenttype"}
    assert "\\A" not in json.dumps(document)
