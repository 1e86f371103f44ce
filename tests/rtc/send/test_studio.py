"""One encoder for many: what a newcomer is shown."""

from __future__ import annotations

import time
from fractions import Fraction

from pycall.rtc.send.studio import _again
from tests.rtc.stage import picture, read_number


def test_a_picture_shown_again_comes_after_itself_and_before_what_was_captured_since() -> None:
    first = picture(1, 320, 180)
    first.pts, first.time_base = int((time.monotonic() - 0.05) * 1_000_000), Fraction(1, 1_000_000)
    again, following = _again(first), first.pts + 33_000
    assert again is not first and read_number(again) == 1
    assert again.time_base == first.time_base
    assert first.pts < again.pts < following
    assert (again.pts - first.pts) * again.time_base >= Fraction(1, 90_000)
