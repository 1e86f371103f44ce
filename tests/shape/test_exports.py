"""The public names are a promise: all there, each from the one module that defines it."""

from __future__ import annotations

from importlib import import_module

import pytest

import pycall


@pytest.mark.parametrize("name", pycall.__all__)
def test_a_public_name_resolves(name: str) -> None:
    assert getattr(pycall, name) is not None


def test_every_event_and_error_is_public() -> None:
    for module in ["pycall.core.events", "pycall.core.errors"]:
        defined = {n for n, v in vars(import_module(module)).items() if getattr(v, "__module__", None) == module}
        assert defined <= set(pycall.__all__) | {"Event"}, module


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Telephone'"):
        _ = pycall.Telephone  # type: ignore[attr-defined]
