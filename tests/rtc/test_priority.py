"""An encoder leaves the thread that uses it the priority it had, and so what that thread starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux's encoder asks for real time")

ENCODE = """
import os, subprocess, sys
from fractions import Fraction
import av, numpy as np
from pycall.rtc.encoders import picture_encoder

encoder = picture_encoder("AV1")
frame = av.VideoFrame.from_ndarray(np.full((360, 320), 100, np.uint8), format="yuv420p")
frame.pts, frame.time_base = 0, Fraction(1, 30)
encoder.encode(frame, key=True, bitrate=300_000, ceiling=300_000, fps=30)
child = subprocess.check_output([sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"], text=True)
print(os.sched_getscheduler(0) == os.SCHED_OTHER, int(child) == os.SCHED_OTHER)
"""


def test_an_av1_encoder_makes_nothing_real_time_even_as_root() -> None:
    run = subprocess.run([sys.executable, "-c", ENCODE], capture_output=True, text=True, timeout=50, check=False)
    assert (run.returncode, run.stdout) == (0, "True True\n"), run.stderr
