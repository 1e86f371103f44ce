"""The back office: asks a server over REST, as the documents say."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from tests.server.raw import APP_ID, Room, ticket

INFO = "/v4/call_engine_http_srv/get_call_info"
END = "/v4/call_engine_http_srv/end_call"


def base_of(room: Room) -> str:
    return room.url.replace("ws", "http", 1).removesuffix("/ws")


def query(identifier: str = "administrator", **changes: Any) -> str:
    fields: dict[str, Any] = {"sdkappid": APP_ID, "identifier": identifier, "usersig": None, "random": 7}
    fields |= {"contenttype": "json"} | changes
    if fields["usersig"] is None:
        fields["usersig"] = ticket(identifier)
    return urlencode({name: value for name, value in fields.items() if value != ""})


async def ask(room: Room, path: str, body: Any = None, *, text: str = "", **options: Any) -> tuple[int, dict[str, Any]]:
    """POST; the status and the answer. `text` stands for the whole query string."""
    data = options.pop("data", json.dumps({} if body is None else body))
    headers = {"Content-Type": "application/json"} | options.pop("headers", {})
    url = f"{base_of(room)}{path}?{text or query(**options)}"
    async with room.session.post(url, data=data, headers=headers) as response:
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        answer = await response.json()
        if response.status == 429:
            assert int(response.headers["Retry-After"]) > 0
        return response.status, answer


async def refusal(room: Room, path: str, body: Any = None, **options: Any) -> tuple[int, int]:
    """Of generation v4: the status and the documented number."""
    status, answer = await ask(room, path, body, **options)
    assert answer["ActionStatus"] == "FAIL" and answer["ErrorInfo"] and len(answer["RequestId"]) == 32
    assert "\n" not in answer["ErrorInfo"] and "Traceback" not in answer["ErrorInfo"]
    return status, answer["ErrorCode"]


async def done(room: Room, path: str, body: Any = None, **options: Any) -> Any:
    """Of generation v4: the response."""
    status, answer = await ask(room, path, body, **options)
    assert (status, answer["ActionStatus"], answer["ErrorCode"]) == (200, "OK", 0), answer
    return answer.get("Response")
