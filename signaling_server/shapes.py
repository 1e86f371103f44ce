"""What is wrong with the shape of a body, a query or a file, in a sentence for whoever wrote it."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
from msgspec import inspect

from pycall.core.bounds import CallIdText, Id

MAX_CHARS = 200
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
_PATTERNS = {
    get_args(Id)[1].pattern: "1 to 32 of A-Z a-z 0-9 _ and -",
    get_args(CallIdText)[1].pattern: "32 of 0-9 a-f",
}
_UNITS = {"str": ("character", "characters"), "array": ("entry", "entries")}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_WHERE = re.compile(r"(?s)(.*) - at `\$\.?([^`]*)`")


def shape_error(error: msgspec.ValidationError, kind: type[Any], *, whole: str = "the body") -> str:
    """One line of at most 200 characters that names the field; `whole` is what was to be of this kind."""
    found = _WHERE.fullmatch(str(error))
    problem, place = (found[1], found[2]) if found else (str(error), "")
    return " ".join(_sentence(problem, place, whole, kind).split())[:MAX_CHARS]


def _sentence(problem: str, place: str, whole: str, kind: type[Any]) -> str:
    subject, inside = place or whole, f" in {place}" if place else ""
    if found := re.fullmatch(r"Object missing required field `(.*)`", problem):
        return f"{found[1]} is missing{inside}"
    if found := re.fullmatch(r"(?s)Object contains unknown field `(.*)`", problem):
        return f"there is no {found[1]!r}{inside}"
    if found := re.fullmatch(r"(?s)Invalid enum value (.*)", problem):
        return f"{subject} must be {_choices(kind, place)}, not {found[1]}"
    if found := re.fullmatch(r"Expected `(\w+)`(?: of (length))? ([<>]=?) (.*)", problem):
        return f"{subject} must {_bound(found[1], found[3], found[4].removesuffix('.0'), of_length=bool(found[2]))}"
    if found := re.fullmatch(r"(?s)Expected `str` matching regex '(.*)'", problem):
        known = _PATTERNS.get(found[1].replace(r"\\", "\\"))
        return f"{subject} must be {known}" if known else f"{subject} has characters that may not be in it"
    if found := re.fullmatch(r"Expected `([^`]*)`(?:, got `[^`]*`)?", problem):
        kinds = [_KINDS.get(one, one) for one in found[1].split(" | ") if one != "null"]
        return f"{subject} must be {' or '.join(kinds)}"
    return f"{subject}: {problem}".replace("`", "")


def _bound(kind: str, sign: str, number: str, *, of_length: bool) -> str:
    if not of_length:
        return f"be {_BOUNDS[sign]} {number}"
    one, many = _UNITS.get(kind, ("entry", "entries"))
    return f"have {_BOUNDS[sign]} {number} {one if number == '1' else many}"


def _choices(kind: type[Any], name: str) -> str:
    """What a field of this kind may be, if it is one of a few words."""
    told = inspect.type_info(kind)
    types = [field.type for field in getattr(told, "fields", ()) if field.encode_name == name]
    for one in types:
        for option in getattr(one, "types", (one,)):
            if isinstance(option, inspect.LiteralType):
                return " or ".join(map(str, option.values))
            if isinstance(option, inspect.EnumType):
                return " or ".join(str(member.value) for member in option.cls)
    return "one of its documented values"
