"""What people are told about a body of the wrong shape: a sentence with the field's name, and no schema's dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pycall.core.errors import ConfigError
from signaling_server.admin_words import BanAsked, RecordsAsked, Resend
from signaling_server.apps import read_apps
from signaling_server.rest_body import decode_body
from signaling_server.rest_errors import Fault, RestError
from signaling_server.rest_v1_callbacks import CallbackTarget as OldTarget
from signaling_server.rest_v4_config import CallbackTarget, LetterIds
from signaling_server.rest_v4_words import OneCall, Page
from tests.server.raw import Room
from tests.server.test_admin import ask as ask_admin

CALL_ID = "f" * 32


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        (CallbackTarget, "{}", "Url is missing"),
        (CallbackTarget, '{"Url": "x", "CallbackCommandList": []}', "Url must have at least 8 characters"),
        (CallbackTarget, '{"Url": 3}', "Url must be text"),
        (OldTarget, '{"address": "http://x", "actions": {}}', "actions must be a list"),
        (OneCall, '{"CallId": "x"}', "CallId must be 32 of 0-9 a-f"),
        (LetterIds, '{"IdList": []}', "IdList must have at least 1 entry"),
        (LetterIds, '{"IdList": [1, 0]}', "IdList[1] must be at least 1"),
        (Resend, f'{{"ids": {[1] * 101}}}', "ids must have at most 100 entries"),
        (Page, '{"Page": "two"}', "Page must be a whole number"),
        (Page, '{"NumberPerPage": 1.5}', "NumberPerPage must be a whole number"),
        (BanAsked, '{"user_id": "no one"}', "user_id must be 1 to 32 of A-Z a-z 0-9 _ and -"),
        (BanAsked, '{"user_id": "bob", "until": "soon"}', "until must be a number"),
        (BanAsked, '{"user_id": "bob", "until": -1}', "until must be at least 0"),
        (RecordsAsked, '{"kind": "Call"}', "kind must be MultiCall or SingleCall, not 'Call'"),
        (RecordsAsked, '{"kind": "a\\nb"}', "kind must be MultiCall or SingleCall, not 'a\\nb'"),
        (RecordsAsked, "[]", "the body must be an object"),
    ],
)
def test_a_body_of_the_wrong_shape(kind: type[Any], body: str, says: str) -> None:
    with pytest.raises(RestError) as caught:
        decode_body(body.encode(), kind)
    assert (caught.value.fault, caught.value.message) == (Fault.PARAMETER, says)


def test_what_is_said_stays_short() -> None:
    with pytest.raises(RestError) as caught:
        decode_body(f'{{"kind": "{"x" * 5000}"}}'.encode(), RecordsAsked)
    assert len(caught.value.message) == 200


async def test_a_query_of_the_wrong_shape(room: Room) -> None:
    status, answer = await ask_admin(room, "hours?hours=lots")
    assert (status, answer["error"]["message"]) == (400, "hours must be a whole number")
    status, answer = await ask_admin(room, "records?start=soon")
    assert (status, answer["error"]["message"]) == (400, "start must be a number")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "apps is missing"),
        ("[[apps]]\napp_id = 'one'\nsecret_keys = []", "apps[0].app_id must be a whole number"),
        ("[[apps]]\napp_id = 1\nsecret_keys = []\nkey = 3", "there is no 'key' in apps[0]"),
        ("[[apps]]\napp_id = 1", "secret_keys is missing in apps[0]"),
        ("[[apps]]\napp_id = 1\nsecret_keys = ['d0e1f2a3b4c5968778695a4b3c2d1e0f']\nadmins = ['adm:all']",
         "an administrator is NAME, NAME:read or NAME:write, not 'adm:all'"),
    ],
)  # fmt: skip
def test_an_apps_file_of_the_wrong_shape(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "apps.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        read_apps(str(path))
    assert caught.value.message.removeprefix(f"{path}: ") == says
