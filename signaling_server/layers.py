"""Reads settings from where they are given: flags before the environment, the environment before the file."""

from __future__ import annotations

import difflib
import math
import os
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pycall.core.errors import ConfigError, ErrorCode

from .options import BY_KEY, BY_NAME, OPTIONS, Kind, Option

Value = str | int | float | bool | tuple[str, ...]

CLIENTS = {f"PYCALL_{name}" for name in ("SERVER", "URL", "USER", "SIG", "DEBUG", "HOOKS_SECRET")}
"""Names that clients look at."""
ALMOST = 0.85
"""How alike a misspelt name is (difflib). Others may be there for other reasons: Kubernetes names services so."""

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


def layered(environ: Mapping[str, str], arguments: Mapping[str, object]) -> dict[str, Value]:
    """What was given, by key, the first source winning; what nobody gave is left out. Raises ConfigError.

    `arguments` are by name (`limits_waiting`); None, False and an empty list stand for "not given".
    """
    values = {**_from_environment(environ), **_from_arguments(arguments)}
    config = values.pop("config", None)
    return values if config is None else {**read_file(str(config)), **values}


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """A line for each name in the environment that is almost that of a setting, and therefore does nothing."""
    known = [option.env for option in OPTIONS]
    unknown = [name for name in environ if name.startswith("PYCALL_") and name not in {*known, *CLIENTS}]
    near = [(name, difflib.get_close_matches(name, known, 1, ALMOST)) for name in unknown]
    return [f"{name} is no setting and does nothing; did you mean {found[0]}?" for name, found in near if found]


def read_file(path: str) -> dict[str, Value]:
    """The settings in a TOML file, by key; every one must be known and of the right kind."""
    values = {}
    for key, value in _leaves(_document(path)):
        option = BY_KEY.get(key)
        if option is None or not option.in_file:
            raise _bad(f"{path}: there is no setting {key[:60]!r}{_near(key)}")
        if option.secret:
            _require_private(path, key)
        values[key] = _checked(option, value, f"{key} in {path}")
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    given = ((option, environ.get(option.env)) for option in OPTIONS)
    return {option.key: _parsed(option, text, option.env) for option, text in given if text}


def _from_arguments(arguments: Mapping[str, object]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, value in arguments.items():
        option = BY_NAME.get(name)
        if option is None:
            raise _bad(f"there is no setting {name!r}")
        if value is None or value is False or value in ((), []):
            continue
        where = f"{option.flag} ({option.env})" if option.flag else option.env
        text = isinstance(value, str) and option.kind is not Kind.LIST
        values[option.key] = _parsed(option, str(value), where) if text else _checked(option, value, where)
    return values


def _parsed(option: Option, text: str, where: str) -> Value:
    """A value from the text that a flag or the environment gives."""
    match option.kind:
        case Kind.NUMBER if text.isascii() and text.isdecimal() and len(text) <= 16:
            return _checked(option, int(text), where)
        case Kind.REAL:
            return _checked(option, _real(option, text, where), where)
        case Kind.SWITCH if text.lower() in _YES | _NO:
            return text.lower() in _YES
        case Kind.LIST:
            return tuple(part for part in map(str.strip, text.split(",")) if part)
        case Kind.TEXT:
            return _checked(option, text.lower() if option.choices else text, where)
    raise _wrong(option, text, where)


def _real(option: Option, text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _wrong(option, text, where) from error


def _checked(option: Option, value: object, where: str) -> Value:
    """The value, if it is of the right kind and in range."""
    match option.kind, value:
        case Kind.SWITCH, bool():
            return value
        case (Kind.NUMBER, int(number)) | (Kind.REAL, int(number) | float(number)) if not isinstance(value, bool):
            return _in_range(option, number, where)
        case Kind.LIST, list() | tuple() if all(isinstance(part, str) and part for part in value):
            return tuple(value)
        case Kind.TEXT, str() if value and "\0" not in value:
            if option.choices and value not in option.choices:
                raise _bad(f"{where} must be one of {', '.join(option.choices)}, not {value[:40]!r}")
            return value
    raise _wrong(option, value, where)


def _in_range(option: Option, value: int | float, where: str) -> Value:
    low, high = option.low, option.high
    if not math.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
        raise _bad(f"{where} must be {low:g} to {high:.16g}, not {value}")
    return value


def _document(path: str) -> dict[str, object]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise _bad(f"cannot read the settings in {path!r}: {reason}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _bad(f"{path} is no TOML: {' '.join(str(error).split())[:200]}") from error


def _leaves(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Keys with their values; those in a part as `part.key`. Nothing lies deeper."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", deeper) for inner, deeper in value.items())
        else:
            yield key, value


def _near(key: str) -> str:
    close = difflib.get_close_matches(key[:60], [option.key for option in OPTIONS if option.in_file], 1)
    return f"; did you mean {close[0]!r}?" if close else "; see the README's table"


def _require_private(path: str, key: str) -> None:
    mode = os.stat(path).st_mode
    if sys.platform != "win32" and mode & (stat.S_IRGRP | stat.S_IROTH):
        raise _bad(f"{path} holds {key} and others can read it: chmod 600 {path}")


def _wrong(option: Option, value: object, where: str) -> ConfigError:
    shown = "" if option.secret else f", not {str(value)[:40]!r}"
    return _bad(f"{where} must be {option.kind.value}{shown}")


def _bad(message: str) -> ConfigError:
    return ConfigError(ErrorCode.BAD_SETTING, message)
