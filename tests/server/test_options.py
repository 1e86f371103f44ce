"""Settings come from one list: flags, environment, file, help and the README's table say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pycall.core.errors import ConfigError
from signaling_server.layers import layered, read_file
from signaling_server.options import OPTIONS, Kind, Option, table
from signaling_server.settings import Settings, make_settings

ROOT = Path(__file__).parents[2]
KEY = "d0e1f2a3b4c5968778695a4b3c2d1e0f"
ENV = {"PYCALL_SECRET_KEY": KEY}
FLAGS = [option for option in OPTIONS if option.flag is not None]
IN_FILE = [option for option in OPTIONS if option.in_file]
UNUSUAL = {"secret_key_file", "config"}


def help_of(*program: str) -> str:
    env = {"COLUMNS": "250", "PATH": "/usr/bin:/bin", "TERM": "dumb", "NO_COLOR": "1", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-m", *program, "--help"], capture_output=True, text=True, check=True, env=env, cwd=ROOT
    )
    return done.stdout


def sample(option: Option) -> tuple[str, object]:
    """A value as text and as it is read."""
    match option.kind:
        case Kind.SWITCH:
            return "true", True
        case Kind.NUMBER:
            number = int(option.low or 0) + 1
            return str(number), number
        case Kind.REAL:
            real = (option.low or 0.0) + 0.5
            return str(real), real
        case Kind.LIST:
            return "https://a.example,https://b.example", ("https://a.example", "https://b.example")
    text = option.choices[-1] if option.choices else "a-value"
    return text, text


def test_the_readme_has_the_table() -> None:
    assert table() in (ROOT / "README.md").read_text(), "paste what `python -m signaling_server --settings` prints"


def test_the_helps_list_exactly_the_flags() -> None:
    for program in [("pycall", "serve"), ("signaling_server",)]:
        shown = help_of(*program)
        flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown)) - {"--help", "--settings"}
        # A meaning may name another flag; it must be one of the list too.
        assert flags == {option.flag for option in FLAGS}
        assert {option.env for option in FLAGS} <= set(re.findall(r"PYCALL_[A-Z_]+", shown))
        assert "more apps: [[apps]] with app_id" in " ".join(shown.split())


def test_names_are_used_once() -> None:
    for names in [[o.key for o in OPTIONS], [o.flag for o in FLAGS], [o.env for o in OPTIONS]]:
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("option", IN_FILE, ids=lambda o: o.key)
def test_every_source_gives_the_same_value_and_the_first_wins(option: Option, tmp_path: Path) -> None:
    text, value = sample(option)
    file = tmp_path / "pycall.toml"
    part, _, name = option.key.rpartition(".")
    shown = {bool: str(value).lower(), tuple: str(list(value) if isinstance(value, tuple) else "")}
    written = shown.get(type(value), repr(value))
    file.write_text((f"[{part}]\n" if part else "") + f"{name} = {written}\n")
    file.chmod(0o600)
    assert read_file(str(file)) == {option.key: value}
    assert layered({option.env: text}, {}) == {option.key: value}
    assert layered({"PYCALL_CONFIG": str(file)}, {}) == {option.key: value}
    if option.flag is not None:
        given = text.split(",") if option.kind is Kind.LIST else text
        assert layered({}, {option.name: given}) == {option.key: value}
    if option.kind is Kind.NUMBER:
        more = str(int(text) + 1)
        assert layered({"PYCALL_CONFIG": str(file), option.env: more}, {}) == {option.key: int(more)}
        assert layered({option.env: more}, {option.name: text}) == {option.key: value}


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.kind is not Kind.SWITCH], ids=lambda o: o.key)
def test_the_default_told_is_the_default(option: Option) -> None:
    here: object = Settings(secret_keys=(KEY,))
    for name in option.key.split("."):
        if not hasattr(here, name):
            return  # not kept: a key's file, the settings file
        here = getattr(here, name)
    if isinstance(here, str | int | float):
        shown = f"{here:g}" if isinstance(here, float) else str(here)
        assert option.default.split(";")[0] == shown
    elif here in (None, ()):
        assert option.default in ("none", "", "in the user's state folder")


def test_a_file_with_parts(tmp_path: Path) -> None:
    file = tmp_path / "pycall.toml"
    file.write_text('port = 1\nhost = "::1"\norigins = ["https://a.ex"]\n[limits]\nwaiting = 7\nmessage_rate = 5\n')
    settings = make_settings(ENV | {"PYCALL_PORT": "2"}, config=str(file), host="127.0.0.2")
    assert (settings.port, settings.host, settings.origins) == (2, "127.0.0.2", ("https://a.ex",))
    assert (settings.limits.waiting, settings.limits.message_rate, settings.limits.message_burst) == (7, 5, 100)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", "did you mean 'port'"),
        ("quux = 1", "README"),
        ('config = "x"', "no setting 'config'"),
        ('port = "1"', "port in .* must be a whole number"),
        ("port = true", "whole number"),
        ("port = 65536", "0 to 65535"),
        ("port = ", "no TOML"),
        ("limits = 3", "no setting 'limits'"),
        ("[limits]\nmessage_rate = nan", "1 to 10000"),
        ("[limits]\nmessage_rate = inf", "1 to 10000"),
        ("origins = [1]", "a list"),
        ('origins = "x"', "a list"),
        ('host = ""', "text"),
        ('log = "loud"', "one of debug, info"),
        ("dev = 1", "true or false"),
        ('secret_key = "d0e1f2a3b4c5968778695a4b3c2d1e0f"', "chmod 600"),
        ("port = 1\nport = 2", "no TOML"),
        ("a." * 2000 + "a = 1", "no"),
        ("\ud800", "not text"),
    ],
    ids=lambda value: value[:30].encode("ascii", "replace").decode(),
)
def test_what_is_wrong_in_a_file_is_said_in_one_line(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "pycall.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError, match=says) as caught:
        make_settings(ENV, config=str(file))
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("text", ["x", "1.5.", "", "nan", "-1", "1e9"])
def test_a_rate_that_is_none(text: str) -> None:
    if not text:
        assert layered({"PYCALL_LIMITS_MESSAGE_RATE": text}, {}) == {}
        return
    with pytest.raises(ConfigError, match="PYCALL_LIMITS_MESSAGE_RATE"):
        layered({"PYCALL_LIMITS_MESSAGE_RATE": text}, {})


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="cannot read the settings in '/nonexistent'"):
        make_settings(ENV | {"PYCALL_CONFIG": "/nonexistent"})


def test_the_key_in_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    assert make_settings({}, secret_key_file=str(file)).secret_keys == (KEY,)
    old = {"PYCALL_OLD_SECRET_KEY": KEY[::-1], "PYCALL_SECRET_KEY_FILE": str(file)}
    assert make_settings(old).secret_keys == (KEY, KEY[::-1])


def test_flags_named_in_messages_are_flags() -> None:
    """Whoever does what a message of the server says is not refused."""
    texts = [path.read_text() for path in sorted((ROOT / "signaling_server").glob("*.py"))]
    named = {flag for text in texts for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    assert named - {"--help", "--settings"} <= {option.flag for option in FLAGS}
