"""The start-up check of the library's internals."""

from __future__ import annotations

import pytest

from pycall.core.errors import ErrorCode, MediaError
from pycall.rtc.patches import SWAPS
from pycall.rtc.selftest import RELIANCES, Reliance, check_internals


def test_the_installed_libraries_hold() -> None:
    check_internals()


@pytest.mark.parametrize(
    "moved",
    [
        Reliance("aioice.ice:Connection", ("no_such_method",), "because"),
        Reliance("aioice.ice:Connection", ("_no_such_attribute",), "because", used=True),
        Reliance("aioice.ice:NoSuchClass", ("x",), "because"),
        Reliance("aioice.no_such_module", ("x",), "because"),
    ],
)
def test_what_has_moved_is_named(moved: Reliance) -> None:
    with pytest.raises(MediaError, match="aiortc 1.16.*because") as caught:
        check_internals((moved,))
    assert caught.value.code is ErrorCode.NO_LIBRARY
    assert "\n" not in str(caught.value)


def test_every_reliance_and_every_swap_has_a_reason() -> None:
    assert all(reliance.reason for reliance in RELIANCES)
    assert all(reason for *_, reason in SWAPS)
