"""Settings from arguments and environment: defaults, and one clear line for whatever is wrong."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from pycall.cli.devfile import dev_file_path as reader_path
from pycall.cli.devfile import read_dev_file
from pycall.core.errors import ConfigError, ErrorCode
from signaling_server.devfile import dev_file_path, left_key, remove_dev_file, write_dev_file
from signaling_server.layers import misspelt
from signaling_server.settings import Settings, make_settings

KEY = "d0e1f2a3b4c5968778695a4b3c2d1e0f"


def test_defaults() -> None:
    settings = make_settings({"PYCALL_SECRET_KEY": KEY})
    assert (settings.host, settings.port, settings.db) == ("127.0.0.1", 8790, "pycall.db")
    assert (settings.app_id, settings.secret_keys, settings.dev) == (1400000000, (KEY,), False)
    assert KEY not in repr(settings)


def test_the_environment_and_arguments_before_it() -> None:
    env = {"PYCALL_SECRET_KEY": KEY, "PYCALL_OLD_SECRET_KEY": KEY[::-1], "PYCALL_APP_ID": "7", "PYCALL_PORT": "1"}
    env |= {"PYCALL_HOST": "::1", "PYCALL_DB": "x.db"}
    settings = make_settings(env)
    assert (settings.host, settings.port, settings.db, settings.app_id) == ("::1", 1, "x.db", 7)
    assert settings.secret_keys == (KEY, KEY[::-1])
    settings = make_settings(env, host="10.0.0.1", port=0, db="y.db", app_id=8, origins=("https://a.ex",))
    assert (settings.host, settings.port, settings.db, settings.app_id) == ("10.0.0.1", 0, "y.db", 8)


@pytest.mark.parametrize(
    ("env", "arguments", "says"),
    [
        ({}, {}, "PYCALL_SECRET_KEY"),
        ({"PYCALL_SECRET_KEY": ""}, {}, "PYCALL_SECRET_KEY"),
        ({"PYCALL_SECRET_KEY": "short"}, {}, "shorter than 16 bytes"),
        ({"PYCALL_SECRET_KEY": "your-secret-key-here"}, {}, "sample"),
        ({"PYCALL_SECRET_KEY": "changeme-changeme"}, {}, "sample"),
        ({"PYCALL_SECRET_KEY": "0123456789abcdef"}, {}, "sample"),
        ({"PYCALL_SECRET_KEY": "a" * 64}, {}, "sample"),
        ({"PYCALL_SECRET_KEY": KEY + "\udc80"}, {}, "UTF-8"),
        ({"PYCALL_SECRET_KEY": KEY, "PYCALL_PORT": "eighty"}, {}, "PYCALL_PORT"),
        ({"PYCALL_SECRET_KEY": KEY, "PYCALL_PORT": "١٢"}, {}, "PYCALL_PORT"),
        ({"PYCALL_SECRET_KEY": KEY}, {"port": 65536}, "--port"),
        ({"PYCALL_SECRET_KEY": KEY}, {"app_id": 0}, "PYCALL_APP_ID"),
        (
            {"PYCALL_SECRET_KEY": KEY, "PYCALL_CALLBACKS_RETRIES": "1, x"},
            {},
            "PYCALL_CALLBACKS_RETRIES / callbacks.ret",
        ),
        ({"PYCALL_SECRET_KEY": KEY}, {"callbacks_retries": ["5", "-5"]}, "0 to 86400 seconds each, not '-5'"),
        ({"PYCALL_SECRET_KEY": KEY}, {"callbacks_retries": ["5e4", "5e4"]}, "--callback-retry"),
        ({"PYCALL_SECRET_KEY": KEY}, {"dev": True, "host": "0.0.0.0"}, "this machine only"),
        ({"PYCALL_SECRET_KEY": KEY}, {"admins": ["alice", "a b"]}, "'a b' cannot be an administrator"),
        ({"PYCALL_SECRET_KEY_FILE": "/dev/null"}, {}, "there is no secret key in '/dev/null'"),
        ({"PYCALL_SECRET_KEY": KEY}, {"dev": True, "host": "example.org"}, "this machine only"),
        ({"PYCALL_SECRET_KEY": KEY, "PYCALL_DEV_FILE": "/dev/null/x/dev.json"}, {"dev": True}, "PYCALL_DEV_FILE"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_said_in_one_line(
    env: dict[str, str], arguments: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_settings({"XDG_STATE_HOME": str(tmp_path)} | env, **arguments)
    assert caught.value.code is ErrorCode.BAD_SETTING
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("origin", ["https://phone.example.com", "http://[::1]:8080", "http://localhost:8080"])
def test_origins(origin: str) -> None:
    assert make_settings({"PYCALL_SECRET_KEY": KEY, "PYCALL_ORIGINS": origin}).origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    ["https://phone.example.com/", "https://phone.example.com:443", "phone.example.com", "https://Phone.example.com",
     "*", "https://*.example.com", "https://a@b.example", "ftp://example.com", "https://", "null", "https://x:y", "https://x:"],
)  # fmt: skip
def test_what_no_browser_would_ever_tell_is_no_origin(origin: str) -> None:
    with pytest.raises(ConfigError, match="an origin is https://HOST or https://HOST:PORT"):
        make_settings({"PYCALL_SECRET_KEY": KEY}, origins=[origin])


def test_names_in_the_environment_that_are_almost_settings_are_told() -> None:
    meant = {"PYCALL_PROT": "PYCALL_PORT", "PYCALL_TLS_CERTS": "PYCALL_TLS_CERT", "PYCALL_ORIGIN": "PYCALL_ORIGINS"}
    others = ["PYCALL_SERVER", "PYCALL_DEBUG", "PYCALL_SERVICE_HOST", "PYCALL_PORT_8790_TCP_ADDR", "PYCALL_DB", "HOME"]
    lines = misspelt(dict.fromkeys([*meant, *others], "x"))
    assert [(line.split()[0], line.split()[-1]) for line in lines] == [(a, f"{b}?") for a, b in meant.items()]


def test_dev_makes_up_a_key_and_keeps_it_over_a_crash(tmp_path: Path) -> None:
    env = {"PYCALL_DEV_FILE": str(tmp_path / "state" / "dev.json")}
    settings = make_settings(env, dev=True)
    [key] = settings.secret_keys
    assert len(key) == 64 and settings.dev_file == tmp_path / "state" / "dev.json"
    assert settings.db == str(tmp_path / "state" / "dev.db")
    assert make_settings(env, dev=True).secret_keys != (key,)
    write_dev_file(settings.dev_file, url="ws://127.0.0.1:1/ws", app_id=settings.app_id, secret_key=key)
    assert make_settings(env, dev=True).secret_keys == (key,)
    assert make_settings(env | {"PYCALL_SECRET_KEY": KEY}, dev=True).secret_keys == (KEY,)
    assert left_key(settings.dev_file, 5) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.5.6.7"])
def test_dev_on_loopback(host: str) -> None:
    assert Settings(secret_keys=(KEY,), dev=True, host=host).host == host


def test_the_note_is_for_this_user_only_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "dev.json"
    assert read_dev_file(path) is None
    for port in [1, 2]:
        write_dev_file(path, url=f"ws://127.0.0.1:{port}/ws", app_id=7, secret_key=KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    note = read_dev_file(path)
    assert note is not None
    assert (note.url, note.app_id, note.secret_key) == ("ws://127.0.0.1:2/ws", 7, KEY)
    assert KEY not in repr(note)
    remove_dev_file(path, url="ws://127.0.0.1:1/ws")
    assert path.exists(), "a later server's note stays"
    remove_dev_file(path, url="ws://127.0.0.1:2/ws")
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"url":1,"app_id":1,"secret_key":"k"}', "[" * 9999, "\xff"])
def test_a_note_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_bytes(text.encode("latin-1"))
    assert read_dev_file(path) is None
    assert left_key(path, 1) is None


def test_writer_and_reader_agree_where_it_is(tmp_path: Path) -> None:
    for env in [{"PYCALL_DEV_FILE": "/x/y.json"}, {"XDG_STATE_HOME": str(tmp_path)}, {}]:
        assert dev_file_path(env) == reader_path(env)


def test_a_development_server_counts_no_calls_unless_told_to(tmp_path: Path) -> None:
    env = {"PYCALL_DEV_FILE": str(tmp_path / "dev.json")}
    limits = make_settings(env, dev=True).limits
    assert (limits.calls_per_user, limits.calls_to_callee) == (100_000, 1_000_000)
    told = make_settings(env | {"PYCALL_LIMITS_CALLS_PER_USER": "3"}, dev=True, limits_waiting="7").limits
    assert (told.calls_per_user, told.calls_to_callee, told.waiting) == (3, 1_000_000, 7)
    limits = make_settings({"PYCALL_SECRET_KEY": KEY}).limits
    assert (limits.calls_per_user, limits.calls_to_callee) == (60, 120)
