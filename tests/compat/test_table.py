"""The table of documented names and the code agree, both ways."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pycall.compat import codes, enums, kit_settings, kit_status, names, structs
from pycall.compat.kit import TUICallKit
from pycall.compat.observer import TUICallObserver
from pycall.compat.trtc import TRTCCalling
from pycall.compat.tui import TUICallEngine

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "COMPATIBILITY.md").read_text()
CLASSES: dict[str, type] = {"TUICallEngine": TUICallEngine, "TRTCCalling": TRTCCalling, "TUICallKit": TUICallKit}
INSIDE = {"own_id", "line_state", "is_ready", "begin", "dial", "watch", "configure", "before_answer", "under_way"}
"""What the classes need of each other; no part of the documented names."""
ANSWERS = {"yes", "no", "differs", "own"}


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def tables(title: str, first: str) -> list[list[str]]:
    """The rows of the section's table whose first column is called `first`, cell by cell, without backquotes."""
    rows, inside = [], False
    for line in section(title).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        cells = [re.sub(r"^`([^`]*)`$", r"\1", cell.strip(" |")) for cell in cells]
        if cells[0] == first:
            inside = True
        elif inside and not set(cells[0]) <= set("- "):
            rows.append(cells)
    assert rows, (title, first)
    return rows


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


METHODS = [(title, row[0], row[1]) for title in CLASSES for row in tables(title, "Method")]


@pytest.mark.parametrize(("title", "name", "answer"), METHODS, ids=lambda value: value)
def test_a_method_is_there_as_the_table_says(title: str, name: str, answer: str) -> None:
    home = CLASSES[title]
    assert answer in ANSWERS
    if answer == "no":
        assert not hasattr(home, name)
        return
    found = inspect.getattr_static(home, name)
    if isinstance(found, property) or isinstance(getattr(home, name), type):
        return
    assert callable(getattr(home, name))
    assert inspect.getattr_static(home, snake(name)) is found, f"{snake(name)} is the same"
    assert inspect.getdoc(getattr(home, name))


@pytest.mark.parametrize("title", CLASSES)
def test_every_public_name_is_in_the_table(title: str) -> None:
    listed = {row[0] for row in tables(title, "Method")}
    listed |= {snake(name) for name in listed}
    public = {name for name in dir(CLASSES[title]) if not name.startswith("_")}
    assert public - listed - INSIDE == set()


@pytest.mark.parametrize(
    ("title", "first", "home"),
    [
        ("TUICallEvent", "Constant", names.TUICallEvent),
        ("TRTCCalling", "TRTCCalling.EVENT", names.TRTCCallingEvent),
        ("TUICallKit", "STATUS", kit_status.STATUS),
    ],
)
def test_constants_and_their_strings(title: str, first: str, home: Any) -> None:
    rows = tables(title, first)
    assert {row[0]: row[1] for row in rows} == {name: one.value for name, one in home.__members__.items()}
    assert {row[2] for row in rows} <= ANSWERS


def test_the_observer() -> None:
    defined = {name for name in vars(TUICallObserver) if name.startswith("on")}
    assert {row[0] for row in tables("TUICallObserver", "Method")} == defined


def test_the_props_of_the_component() -> None:
    listed = {row[0] for row in tables("TUICallKit", "Prop")}
    known = kit_settings._CALLBACKS | kit_settings._SWITCHES | {"videoDisplayMode", "videoResolution"}
    assert listed == known
    kit = TUICallKit()
    assert all(hasattr(kit, name) for name in listed)


def test_the_numbers_of_the_enumerations() -> None:
    listed = {
        row[0]: {n: int(v) for n, v in re.findall(r"`(\w+)` (\d+)", row[2])} for row in tables("Types", "Enumeration")
    }
    for name, members in listed.items():
        kind = getattr(enums, name)
        assert {n: kind[n].value for n in members} == members, name
        assert {one.name for one in kind} <= set(members), f"all of {name}"
    defined = {n for n, v in vars(enums).items() if isinstance(v, type) and issubclass(v, enums.IntEnum)} - {"IntEnum"}
    assert defined == set(listed)


def test_the_words() -> None:
    for name, _, members in tables("Types", "Words"):
        kind = getattr(enums, name, None) or getattr(kit_settings, name)
        assert dict(re.findall(r'`(\w+)` "(\w+)"', members)) == {one.name: one.value for one in kind}


def test_the_fields_of_the_objects() -> None:
    listed = {row[0]: re.findall(r"`(\w+)`", row[2].split(";")[0]) for row in tables("Types", "Object")}
    for name, named in listed.items():
        assert [one.name for one in fields(getattr(structs, name))] == named, name
    assert set(listed) == set(structs.__all__) - {"CallEndReason"}


def test_the_error_numbers_exist() -> None:
    listed = section("Error numbers").replace("\N{MINUS SIGN}", "-")
    numbers = {
        int(number)
        for row in re.findall(r"^\| ([-\d, ]+) \|", listed, re.M)
        for number in row.split(",")
        if row.strip("- ")
    }
    assert numbers <= {code.value for code in codes.TUIErrorCode}
    raised = {code.value for code in codes._NUMBERS.values()}
    assert raised <= numbers, "every number that is raised is in the table"
