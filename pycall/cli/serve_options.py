"""The options of `pycall serve`: one for each setting of the server that has a flag."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from signaling_server.options import OPTIONS, Kind, Option


def with_server_options(command: Callable[..., int]) -> Callable[..., int]:
    """Gives a command that takes `**values` one option for each flag; values are texts, as they were typed."""
    parameters = [_parameter(option) for option in OPTIONS if option.flag is not None]
    command.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": int}
    return command


def _plain(text: str) -> str:
    """The help is markup to whoever prints it; what stands in brackets is meant as it is."""
    return re.sub(r"\[(?=[a-z])", r"\\[", text)


def _parameter(option: Option) -> inspect.Parameter:
    kinds: dict[Kind, Any] = {Kind.SWITCH: bool, Kind.LIST: list[str] | None}
    told = _plain(option.help) + (f" One of {', '.join(option.choices)}." if option.choices else "")
    info = typer.Option(
        option.flag,
        metavar=option.metavar or ("N" if option.kind in (Kind.NUMBER, Kind.REAL) else "TEXT"),
        help=f"{told} ({option.env})",
        show_default=option.default or False,
    )
    if option.kind is Kind.SWITCH:
        info.metavar, info.show_default = None, False
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=False if option.kind is Kind.SWITCH else None,
        annotation=Annotated[kinds.get(option.kind, str | None), info],
    )
